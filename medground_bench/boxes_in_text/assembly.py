"""Numbers that stand together -> boxes, each number with its side, each box with the raster its form states.

Three things make a box: four numbers in a list, two points, and named sides, which may stand apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from medground_bench.boxes_in_text.groups import (
    Group,
    Item,
    Key,
    Number,
    Written,
    extent,
    four_of,
    numbers_of,
)
from medground_bench.boxes_in_text.meanings import (
    IN_DOUBT,
    QWEN_VL,
    Kind,
    Meaning,
    meaning_of,
    sides_named,
)
from medground_bench.boxes_in_text.sides import Sides, box_of, is_corner

MOST_DEPTH = 9
"""A box nested deeper is refused."""

MOST_WORDS_BETWEEN_SIDES = 12
"""In prose the sides of one box stand near each other."""

MOST_TEMPLATE_CHARACTERS = 80


class Assembly:
    """The boxes written so far, and what the text has said about those to come.

    order             the sides of four numbers, by the habit of the family
    corners           which corners the next points are
    words_since_side  since the last named number
    """

    def __init__(self, order: Sides) -> None:
        self._first = order[0][0]
        self.written: list[Written] = []
        self.corners: deque[Sides] = deque(maxlen=4)
        self.words_since_side = 0

    def list_of_four(
        self, group: Group, meaning: Meaning, numbers: Sequence[Number], start: int, end: int
    ) -> None:
        """Four numbers in a row: under the name of anything but a box they are none."""
        doubted = IN_DOUBT if meaning.kind is Kind.LABEL else meaning
        self.write(group, doubted, numbers, start, end)

    def corner(self, group: Group, sides: Sides, point: Item) -> None:
        """A corner of a box; its numbers come in the family's order, if they have no names."""
        first = "" if point.named else self._first
        for side, number in zip(sides, point.numbers[:: -1 if first == "y" else 1], strict=True):
            self.side(group, side, replace(number, start=point.start, guessed=first))

    def plain(self, group: Group, meaning: Meaning, run: Sequence[Item], start: int, end: int) -> None:
        """Numbers that are no points: a box when they are four, or four and a score."""
        four = four_of(run)
        if four:
            self.list_of_four(group, meaning, four, start, end)
        else:
            self.write(group, meaning, (), start, end)

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
            self.write(group, IN_DOUBT, (), key.start, run[-1].end)

    def _of_corner(self, group: Group, key: Key) -> str:
        """Which side x or y is: that of the corner named before, or the near one."""
        axis = key.meaning.sides[0][0]
        corner = key.outer.meaning.sides if key.outer and key.outer.names_a_corner else ()
        if not corner and self.corners and key.names_a_range and not group.is_bracket:
            corner = self.corners.popleft() if axis == "y" else self.corners[0]
        return next((side for side in corner if side[0] == axis), key.meaning.sides[0])

    def side(self, group: Group, side: str, number: Number) -> None:
        """A named number, which may make a box whole. In prose a size before any place is of something else."""
        in_prose = group.closer not in ("}", ">")
        if side in group.sides or (in_prose and self.words_since_side > MOST_WORDS_BETWEEN_SIDES):
            self.drop_sides(group)
        if in_prose and side in ("w", "h") and not group.sides:
            return
        group.sides[side] = number
        self.words_since_side = 0
        if box_of({name: each.value for name, each in group.sides.items()}):
            meaning = group.meaning_here()
            meaning = IN_DOUBT if meaning is QWEN_VL else meaning  # whose tag holds points, never names
            sides, group.sides = group.sides, {}
            self.write(group, meaning, tuple(sides.values()), *extent(sides.values()), sides=tuple(sides))

    def drop_sides(self, group: Group) -> None:
        """Named numbers that make no box; more than a point or a size is shown."""
        sides, group.sides = group.sides, {}
        if sides.keys() == {"w", "h"} and group.closer == "}":
            group.said.beside.add((sides["w"].value, sides["h"].value))
        if len(sides) > 1 and any(side[1:] in ("1", "2") for side in sides):
            self.write(group, group.meaning_here(), (), *extent(sides.values()))

    def points(self, group: Group, run: Sequence[Item], start: int) -> None:
        """Two points are a box; more are a polygon, and one is nothing."""
        numbers = numbers_of(run)
        named, doubt, group.doubt = {item.named for item in run}, group.doubt, False
        if len(run) > 2 or (len(run) == 2 and (doubt or len(named) > 1)):
            self.write(group, group.meaning_here(), (), start, run[-1].end)
        elif len(run) == 2 and named == {True}:
            self.write(
                group, group.meaning_here(), numbers, start, run[-1].end, sides=("x0", "y0", "x2", "y2")
            )
        elif len(run) == 2:
            self.list_of_four(group, group.meaning_here(), numbers, start, run[-1].end)

    def take_template(self, group: Group, names: str) -> None:
        """Names in brackets: four state the order of lists, two which corner the next point is."""
        if len(names) > MOST_TEMPLATE_CHARACTERS or sum(map(names.count, "[({")) != 1:
            return
        meaning, sides = meaning_of(names), sides_named(names)
        if meaning.kind is Kind.BOX and meaning.sides:
            group.hears.add(meaning)
        elif is_corner(sides):
            self.corners.append(sides[::-1] if self._first == "y" else sides)

    def write(
        self,
        group: Group,
        meaning: Meaning,
        numbers: Sequence[Number],
        start: int,
        end: int,
        *,
        sides: Sides = (),
    ) -> None:
        """Refused in doubt and too deep; under the key of something else it is not worth a word."""
        if meaning.kind is Kind.REFUSED or group.depth > MOST_DEPTH:
            numbers = ()
        if meaning.kind is not Kind.OTHER:
            group.hears.used = True
            self.written.append(Written(start, end, tuple(numbers), sides, meaning, group.said))
