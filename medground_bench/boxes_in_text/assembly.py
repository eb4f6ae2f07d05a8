"""Numbers that stand together -> boxes, each number with its side, each box with the raster its form states.

Three things make a box: four numbers in a list, two points, and named sides, which may stand apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

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
    words_of,
)
from medground_bench.boxes_in_text.sides import Sides, axis_of, box_of, is_corner
from medground_bench.boxes_in_text.words import COUNTED_WORDS, SIDES_BEYOND_DOUBT

MOST_DEPTH = 9
"""A box nested deeper is refused."""

MOST_WORDS_BETWEEN = 12
"""In prose the parts of one box stand near each other."""

MOST_WORDS_AFTER_BOX = 6
"""Four numbers without brackets look like a box so soon after a word such as "box"."""

MOST_WORDS_OF_LABEL = 2
"""They do after so few words on their line."""

MOST_TEMPLATE_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Loose:
    """Numbers of a sentence that are no box yet: how many, where, and after how many words of the text the last."""

    count: int = 0
    start: int = 0
    end: int = 0
    at: int = 0


class Assembly:
    """The boxes written so far, and what the text has said about those to come.

    order        the sides of four numbers, by the habit of the family
    corners      which corners the next points are
    words        of prose so far
    last_word    of them
    box_word_at  how many they were at the last one that names a box
    line_at      how many they were where the line began
    """

    def __init__(self, order: Sides) -> None:
        self._first = order[0][0]
        self.written: list[Written] = []
        self.corners: deque[Sides] = deque(maxlen=4)
        self.words = 0
        self.last_word = ""
        self.line_at = 0
        self.box_word_at = -MOST_WORDS_AFTER_BOX - 1
        self._side_at = 0
        self._loose = Loose()

    def list_of_four(
        self, group: Group, meaning: Meaning, numbers: Sequence[Number], start: int, end: int
    ) -> None:
        """Four numbers in a row: under the name of anything but a box they are none."""
        doubted = IN_DOUBT if meaning.kind is Kind.LABEL else meaning
        self.write(group, doubted, numbers, start, end)

    def corner(self, group: Group, sides: Sides, point: Item) -> None:
        """A corner of a box; its numbers come in the family's order, if they have no names."""
        first = "" if point.named else self._first
        numbers = [replace(number, start=point.start, guessed=first) for number in point.numbers]
        corner = dict(zip(sides, numbers[::-1] if first == "y" else numbers, strict=True))
        if self._is_one_more(group, corner):
            if any(group.box[side].value != number.value for side, number in corner.items()):
                self.written[-1] = replace(self.written[-1], numbers=())
            return
        group.corners = group.corners + 1 if group.sides else 1
        for side, number in corner.items():
            self.side(group, side, number)

    def _is_one_more(self, group: Group, corner: Mapping[str, Number]) -> bool:
        """Whether it is the third or fourth corner of the box just written, which it fits or spoils."""
        other_diagonal = len({side[1:] for side in corner}) == 2
        near = self.words - self._side_at <= MOST_WORDS_BETWEEN
        return near and corner.keys() <= group.box.keys() and (other_diagonal or group.corners == 3)

    def plain(self, group: Group, meaning: Meaning, run: Sequence[Item], start: int, end: int) -> None:
        """Numbers that are no points: a box when they are four, or four and a score."""
        four = four_of(run)
        if four and group.depth == 2 and not group.has_key and _counts(four):
            self.write(group, IN_DOUBT, (), start, end)
        elif four:
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
        else:
            self.loose(group, 2, key.start, run[-1].end)  # a size in one number

    def _of_corner(self, group: Group, key: Key) -> str:
        """Which side x or y is: that of the corner named before, or the near one."""
        axis = axis_of(key.meaning.sides[0])
        corner = key.outer.meaning.sides if key.outer and key.outer.names_a_corner else ()
        if not corner and self.corners and key.names_a_range and not group.is_bracket:
            corner = self.corners.popleft() if axis == "y" else self.corners[0]
        return next((side for side in corner if axis_of(side) == axis), key.meaning.sides[0])

    def side(self, group: Group, side: str, number: Number) -> None:
        """A named number, which may make a box whole. In prose a size before any place is of something else."""
        in_prose = group.closer not in ("}", ">")
        before = group.sides.get(side)
        far = in_prose and self.words - self._side_at > MOST_WORDS_BETWEEN
        if far or (before and before.value != number.value):
            self.drop_sides(group)
        if in_prose and side in ("w", "h") and not group.sides:
            self.loose(group, 1, number.start, number.end)
            return
        group.sides[side] = number
        self._side_at = self.words
        if box_of({name: each.value for name, each in group.sides.items()}):
            meaning = group.meaning_here()
            meaning = IN_DOUBT if meaning is QWEN_VL else meaning  # whose tag holds points, never names
            sides, group.sides = group.sides, {}
            group.box = sides
            self.write(group, meaning, tuple(sides.values()), *extent(sides.values()), sides=tuple(sides))

    def drop_sides(self, group: Group) -> None:
        """Named numbers that make no box: a point and a size are loose, more are shown."""
        sides, group.sides, group.corners = group.sides, {}, 0
        if sides.keys() == {"w", "h"} and group.closer == "}":
            group.said.beside.add((sides["w"].value, sides["h"].value))
        if len(sides) > 2 or (len(sides) == 2 and any(side[1:] in ("1", "2") for side in sides)):
            self.write(group, group.meaning_here(), (), *extent(sides.values()))
        elif sides:
            self.loose(group, len(sides), *extent(sides.values()))

    def looks_like_a_box(self, group: Group, numbers: Sequence[Number]) -> bool:
        """Whether four numbers without brackets do: near a word such as "box", or after a label on their line."""
        key = group.key
        if group.closer or _counts(numbers) or (key and key.meaning.kind is Kind.OTHER):
            return False
        labelled = self.words - self.line_at <= MOST_WORDS_OF_LABEL and self.last_word not in COUNTED_WORDS
        return labelled or self.words - self.box_word_at <= MOST_WORDS_AFTER_BOX

    def loose(self, group: Group, count: int, start: int, end: int) -> None:
        """Numbers that make no box by themselves; four that stand near each other look like one."""
        if group.meaning_here().kind in (Kind.OTHER, Kind.REFUSED):
            return
        if self.words - self._loose.at > MOST_WORDS_BETWEEN:
            self.end_loose(group)
        before = self._loose if self._loose.count else Loose(0, start, end)
        self._loose = Loose(before.count + count, min(before.start, start), max(before.end, end), self.words)

    def end_loose(self, group: Group) -> None:
        """What is loose does not go on."""
        loose, self._loose = self._loose, Loose()
        if loose.count >= 4:
            self.write(group, IN_DOUBT, (), loose.start, loose.end)

    def points(self, group: Group, run: Sequence[Item], start: int) -> None:
        """Two points are a box; more are a polygon, and one is loose."""
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
        elif run and group.is_tag:
            self.write(group, group.meaning_here(), (), start, run[-1].end)
        elif run:
            self.loose(group, 2, start, run[-1].end)

    def take_template(self, group: Group, names: str) -> None:
        """Names in brackets: four state the order of lists, two which corner the next point is."""
        if len(names) > MOST_TEMPLATE_CHARACTERS or sum(map(names.count, "[({")) != 1:
            return
        meaning, sides = meaning_of(names), sides_named(names)
        if meaning.kind is Kind.BOX and meaning.sides:
            group.hears.add(meaning)
            self.box_word_at = self.words
        elif names.count(",") > 1 and len(SIDES_BEYOND_DOUBT.intersection(words_of(names))) > 1:
            group.hears.unread = True  # an order, and not one that is known
        elif is_corner(sides) and set("".join(sides)) <= set("xy012"):
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


def _counts(numbers: Sequence[Number]) -> bool:
    """Whether they are like [3, 4, 5, 6]: references, ribs, steps; or a box of two pixels."""
    return {later.value - number.value for number, later in pairwise(numbers)} == {1}
