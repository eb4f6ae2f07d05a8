"""Numbers with the names of sides, which may stand apart -> boxes: x1 to y2, corners, a corner and a size, ranges."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from medground_bench.core.boxes_in_text.groups import Group, Item, Key, Number, extent, numbers_of
from medground_bench.core.boxes_in_text.meanings import (
    IN_DOUBT,
    QWEN_VL,
    Kind,
    meaning_of,
    sides_named,
    words_of,
)
from medground_bench.core.boxes_in_text.pieces import MOST_WORDS_BETWEEN, Pieces
from medground_bench.core.boxes_in_text.sides import Sides, axis_of, box_of, is_corner
from medground_bench.core.boxes_in_text.words import SIDE_NAMES, SIDES_BEYOND_DOUBT

MOST_TEMPLATE_CHARACTERS = 80


class NamedSides:
    """Sides and corners that wait for the others of their box.

    order    the sides of four numbers, by the habit of the family
    corners  which corners the next points are
    """

    def __init__(self, pieces: Pieces, order: Sides) -> None:
        self._pieces = pieces
        self._first = order[0][0]
        self._turned = ["x", "y"] if self._first == "y" else ["y", "x"]
        self._side_at = 0
        self.corners: deque[Sides] = deque(maxlen=4)

    def named(self, group: Group, key: Key, run: Sequence[Item]) -> None:
        """Numbers under the name of a side, of a corner, or of x and y, which may be of a corner themselves."""
        sides, numbers = key.meaning.sides, numbers_of(run)
        if key.names_a_corner and len(numbers) == 2:
            self.corner(group, sides, Item(tuple(numbers), key.start, run[-1].end, run[0].named))
        elif len(numbers) == len(sides) and not key.names_a_corner:
            for side, number in zip(sides, numbers, strict=True):
                self.side(group, side, replace(number, start=key.start))
        elif len(numbers) == 1 and not key.names_a_corner:
            self.side(group, self._of_corner(group, key), replace(numbers[0], start=key.start))
        elif len(numbers) > 1:
            self._pieces.write(group, IN_DOUBT, (), key.start, run[-1].end)
        else:
            self._pieces.loose(group, 2, key.start, run[-1].end)  # a size in one number

    def _of_corner(self, group: Group, key: Key) -> str:
        """Which side x or y is: that of the corner named before, or the near one."""
        axis = axis_of(key.meaning.sides[0])
        corner = key.outer.meaning.sides if key.outer and key.outer.names_a_corner else ()
        if not corner and self.corners and key.names_a_range and not group.is_bracket:
            corner = self.corners.popleft() if axis == "y" else self.corners[0]
        return next((side for side in corner if axis_of(side) == axis), key.meaning.sides[0])

    def corner(self, group: Group, sides: Sides, point: Item) -> None:
        """A corner of a box; its numbers come in the family's order, if they have no names."""
        first = "" if point.named else self._first
        numbers = [replace(number, start=point.start, guessed=first) for number in point.numbers]
        corner = dict(zip(sides, numbers[::-1] if first == "y" else numbers, strict=True))
        if self._is_one_more(group, corner):
            if any(group.box[side].value != number.value for side, number in corner.items()):
                self._pieces.refuse_last()
            return
        group.corners = group.corners + 1 if group.sides else 1
        for side, number in corner.items():
            self.side(group, side, number)

    def _is_one_more(self, group: Group, corner: Mapping[str, Number]) -> bool:
        """Whether it is the third or fourth corner of the box just written, which it fits or spoils."""
        other_diagonal = len({side[1:] for side in corner}) == 2
        near = self._pieces.words - self._side_at <= MOST_WORDS_BETWEEN
        return near and corner.keys() <= group.box.keys() and (other_diagonal or group.corners == 3)

    def side(self, group: Group, side: str, number: Number) -> None:
        """A named number, which may make a box whole. In prose a size before any place is of something else."""
        in_prose = group.closer not in ("}", ">")
        before = group.sides.get(side)
        far = in_prose and self._pieces.words - self._side_at > MOST_WORDS_BETWEEN
        if far or (before and before.value != number.value):
            self.drop(group)
        if in_prose and side in ("w", "h") and not group.sides:
            self._pieces.loose(group, 1, number.start, number.end)
            return
        group.sides[side] = number
        self._side_at = self._pieces.words
        if box_of({name: each.value for name, each in group.sides.items()}):
            meaning = group.meaning_here()
            meaning = IN_DOUBT if meaning is QWEN_VL else meaning  # whose tag holds points, never names
            sides, group.sides = group.sides, {}
            group.box = sides
            self._pieces.write(
                group, meaning, tuple(sides.values()), *extent(sides.values()), sides=tuple(sides)
            )

    def drop(self, group: Group) -> None:
        """Named numbers that make no box: a point and a size are loose, more are shown."""
        sides, group.sides, group.corners = group.sides, {}, 0
        if sides.keys() == {"w", "h"} and group.closer == "}":
            group.said.beside.add((sides["w"].value, sides["h"].value))
        if len(sides) > 2 or (len(sides) == 2 and any(side[1:] in ("1", "2") for side in sides)):
            self._pieces.write(group, group.meaning_here(), (), *extent(sides.values()))
        elif sides:
            self._pieces.loose(group, len(sides), *extent(sides.values()))

    def take_template(self, group: Group, names: str) -> None:
        """Names in brackets: four state the order of lists, two which corner the next point is."""
        if len(names) > MOST_TEMPLATE_CHARACTERS or sum(map(names.count, "[({")) != 1:
            return
        meaning, sides = meaning_of(names), sides_named(names)
        if meaning.kind is Kind.BOX and meaning.sides:
            group.hears.add(meaning)
            self._pieces.expect_a_box()
        elif names.count(",") > 1 and len(SIDES_BEYOND_DOUBT.intersection(words_of(names))) > 1:
            group.hears.unread = True  # an order, and not one that is known
        elif [axis_of(SIDE_NAMES[word][0]) for word in words_of(names) if word in SIDE_NAMES] == self._turned:
            group.hears.unread = True  # "(row, column)", and the family writes x first
        elif is_corner(sides) and set("".join(sides)) <= set("xy012"):
            self.corners.append(sides[::-1] if self._first == "y" else sides)
