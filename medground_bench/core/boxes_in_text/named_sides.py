"""Numbers with the names of sides, which may stand apart -> boxes: x1 to y2, corners, a corner and a size, ranges."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from medground_bench.core.boxes_in_text.meanings import (
    IN_DOUBT,
    QWEN_VL,
    KeyKind,
    meaning_of,
    sides_named,
    words_of,
)
from medground_bench.core.boxes_in_text.pieces import MOST_WORDS_BETWEEN, Pieces
from medground_bench.core.boxes_in_text.scopes import Item, Key, Number, Scope, extent_of, numbers_of
from medground_bench.core.boxes_in_text.sides import Sides, axis_of, box_of, is_corner
from medground_bench.core.boxes_in_text.words import SIDE_NAMES, SIDES_BEYOND_DOUBT

MOST_TEMPLATE_CHARACTERS = 80


class NamedSides:
    """Sides and corners that wait for the others of their box.

    order    the sides of four numbers, by the habit of the family
    corners  which corners the next points are

    >>> from medground_bench.core.boxes_in_text.statements import Said
    >>> pieces, text = Pieces(), Scope("", start=0, opened=0, depth=1, said=Said(), hears=Said())
    >>> sides = NamedSides(pieces, ("x0", "y0", "x1", "y1"))
    >>> for at, side in enumerate(("x1", "x2", "y1", "y2")):
    ...     sides.side(text, side, Number(10.0 + at, None, at, at))
    >>> [written.sides for written in pieces.written]
    [('x1', 'x2', 'y1', 'y2')]
    """

    def __init__(self, pieces: Pieces, order: Sides) -> None:
        self._pieces = pieces
        self._first = order[0][0]
        self._turned = ["x", "y"] if self._first == "y" else ["y", "x"]
        self._side_at = 0
        self.corners: deque[Sides] = deque(maxlen=4)

    def named(self, scope: Scope, key: Key, run: Sequence[Item]) -> None:
        """Numbers under the name of a side, of a corner, or of x and y, which may be of a corner themselves."""
        sides, numbers = key.meaning.sides, numbers_of(run)
        if key.names_a_corner and len(numbers) == 2:
            self.corner(scope, sides, Item(tuple(numbers), key.start, run[-1].end, run[0].named))
        elif len(numbers) == len(sides) and not key.names_a_corner:
            for side, number in zip(sides, numbers, strict=True):
                self.side(scope, side, replace(number, start=key.start))
        elif len(numbers) == 1 and not key.names_a_corner:
            self.side(scope, self._of_corner(scope, key), replace(numbers[0], start=key.start))
        elif len(numbers) > 1:
            self._pieces.write(scope, IN_DOUBT, (), (key.start, run[-1].end))
        else:
            self._pieces.loose(scope, 2, (key.start, run[-1].end))  # a size in one number

    def _of_corner(self, scope: Scope, key: Key) -> str:
        """Which side x or y is: that of the corner named before, or the near one."""
        axis = axis_of(key.meaning.sides[0])
        corner = key.outer.meaning.sides if key.outer and key.outer.names_a_corner else ()
        if not corner and self.corners and key.names_a_range and not scope.is_bracket:
            corner = self.corners.popleft() if axis == "y" else self.corners[0]
        return next((side for side in corner if axis_of(side) == axis), key.meaning.sides[0])

    def corner(self, scope: Scope, sides: Sides, point: Item) -> None:
        """A corner of a box; its numbers come in the family's order, if they have no names."""
        first = "" if point.named else self._first
        numbers = [replace(number, start=point.start, guessed=first) for number in point.numbers]
        corner = dict(zip(sides, numbers[::-1] if first == "y" else numbers, strict=True))
        if self._is_one_more(scope, corner):
            if any(scope.box[side].value != number.value for side, number in corner.items()):
                self._pieces.refuse_last()
            return
        scope.corners = scope.corners + 1 if scope.sides else 1
        for side, number in corner.items():
            self.side(scope, side, number)

    def _is_one_more(self, scope: Scope, corner: Mapping[str, Number]) -> bool:
        """Whether it is the third or fourth corner of the box just written, which it fits or spoils."""
        other_diagonal = len({side[1:] for side in corner}) == 2
        near = self._pieces.words - self._side_at <= MOST_WORDS_BETWEEN
        return near and corner.keys() <= scope.box.keys() and (other_diagonal or scope.corners == 3)

    def side(self, scope: Scope, side: str, number: Number) -> None:
        """A named number, which may make a box whole. In prose a size before any place is of something else."""
        in_prose = scope.closer not in ("}", ">")
        before = scope.sides.get(side)
        far = in_prose and self._pieces.words - self._side_at > MOST_WORDS_BETWEEN
        if far or (before and before.value != number.value):
            self.drop(scope)
        if in_prose and side in ("w", "h") and not scope.sides:
            self._pieces.loose(scope, 1, (number.start, number.end))
            return
        scope.sides[side] = number
        self._side_at = self._pieces.words
        if box_of({name: each.value for name, each in scope.sides.items()}):
            meaning = scope.meaning_here()
            meaning = IN_DOUBT if meaning is QWEN_VL else meaning  # whose tag holds points, never names
            sides, scope.sides = scope.sides, {}
            scope.box = sides
            numbers = tuple(sides.values())
            self._pieces.write(scope, meaning, numbers, extent_of(numbers), sides=tuple(sides))

    def drop(self, scope: Scope) -> None:
        """Named numbers that make no box: a point and a size are loose, more are shown."""
        sides, scope.sides, scope.corners = scope.sides, {}, 0
        if sides.keys() == {"w", "h"} and scope.closer == "}":
            scope.said.beside.add((sides["w"].value, sides["h"].value))
        if len(sides) > 2 or (len(sides) == 2 and any(side[1:] in ("1", "2") for side in sides)):
            self._pieces.write(scope, scope.meaning_here(), (), extent_of(sides.values()))
        elif sides:
            self._pieces.loose(scope, len(sides), extent_of(sides.values()))

    def take_template(self, scope: Scope, names: str) -> None:
        """Names in brackets: four state the order of lists, two which corner the next point is."""
        if len(names) > MOST_TEMPLATE_CHARACTERS or sum(map(names.count, "[({")) != 1:
            return
        meaning, sides = meaning_of(names), sides_named(names)
        if meaning.kind is KeyKind.BOX and meaning.sides:
            scope.hears.add(meaning)
            self._pieces.expect_a_box()
        elif names.count(",") > 1 and len(SIDES_BEYOND_DOUBT.intersection(words_of(names))) > 1:
            scope.hears.unread = True  # an order, and not one that is known
        elif [axis_of(SIDE_NAMES[word][0]) for word in words_of(names) if word in SIDE_NAMES] == self._turned:
            scope.hears.unread = True  # "(row, column)", and the family writes x first
        elif is_corner(sides) and set("".join(sides)) <= set("xy012"):
            self.corners.append(sides[::-1] if self._first == "y" else sides)
