"""What stands together in a text with boxes: numbers, points, keys, scopes. `reader` fills them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from medground_bench.core.boxes_in_text.meanings import BARE, IN_DOUBT, KeyKind, Meaning
from medground_bench.core.boxes_in_text.sides import Sides, is_corner
from medground_bench.core.boxes_in_text.statements import Said
from medground_bench.core.boxes_in_text.words import PERCENT
from medground_bench.core.types import Frame

Extent = tuple[int, int]
"""Where a piece of a text begins and ends."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number, the raster of its unit, and where it stands, its name included.

    guessed  the axis of the first number of its point, where that is the family's habit

    >>> Number(12.5, PERCENT, start=4, end=9).unit.name  # "x0: 12.5%"
    'percent'
    """

    value: float
    unit: Frame | None
    start: int
    end: int
    guessed: str = ""


@dataclass(frozen=True, slots=True)
class WrittenBox:
    """A box of a text.

    numbers  four, or those of `sides`; none of a box that is refused
    sides    of the numbers, where their names state them; () for four numbers in a row
    meaning  what the key or the tag states
    said     what the text around states

    >>> from medground_bench.core.boxes_in_text.sides import SideOrder
    >>> from medground_bench.core.boxes_in_text.tokens import written_in
    >>> [written.sides for written in written_in("x1=10, y1=20, x2=110, y2=120", SideOrder.X_FIRST)]
    [('x1', 'y1', 'x2', 'y2')]
    """

    start: int
    end: int
    numbers: tuple[Number, ...]
    sides: Sides
    meaning: Meaning
    said: Said


@dataclass(frozen=True, slots=True)
class Item:
    """One number, or the two of a point; those of a `named` point are x and y, whatever the family's order.

    >>> point = Item((Number(10.0, None, 1, 3), Number(20.0, None, 5, 7)), start=0, end=8)  # "(10, 20)"
    >>> [number.value for number in point.numbers]
    [10.0, 20.0]
    """

    numbers: tuple[Number, ...]
    start: int
    end: int
    named: bool = False


@dataclass(slots=True)
class Key:
    """The key that numbers stand under.

    hard   a key beyond doubt, not the end of a sentence
    outer  the key that this one stands under itself, as in `box: x1=10`
    used   a value came
    stale  prose came

    >>> from medground_bench.core.boxes_in_text.meanings import meaning_of
    >>> box = Key(meaning_of("box"), start=0, hard=True)
    >>> Key(meaning_of("x1"), start=5, hard=True, outer=box).of_boxes() is box
    True
    """

    meaning: Meaning
    start: int
    hard: bool
    outer: Key | None = None
    used: bool = False
    stale: bool = False

    @property
    def names_sides(self) -> bool:
        """Whether it is the name of one or two sides."""
        return self.meaning.kind is KeyKind.SIDES

    @property
    def names_a_corner(self) -> bool:
        """Whether it is the name of a corner."""
        return self.names_sides and is_corner(self.meaning.sides)

    @property
    def names_a_range(self) -> bool:
        """Whether it is x or y, under which both ends of a range may stand."""
        return self.names_sides and len(self.meaning.sides) == 2 and not self.names_a_corner

    def of_boxes(self) -> Key | None:
        """This key, or the outer one when it is the name of a side."""
        key: Key | None = self
        while key and key.names_sides:
            key = key.outer
        return key


@dataclass(slots=True)
class Scope:
    """An open bracket or tag, or the text itself, which nothing closes.

    start    of its key, if one stands right before it
    opened   where it itself begins
    depth    how many are open, itself and the text included
    said     of its boxes
    hears    what is said in it is said of this: an object, or the text
    meaning  of its numbers, unless a key inside says it
    run      numbers and points that stand together
    keyed    there was a key inside
    sides    named numbers that are no box yet
    box      the named numbers of the last box
    corners  how many of it, or of the next, were named
    pure     nothing in it but numbers, points and their labels
    doubt    "and" stands between two points: one box or two places?
    commas   and semicolons within the run

    >>> text = Scope("", start=0, opened=0, depth=1, said=Said(), hears=Said())
    >>> bracket = Scope("]", start=0, opened=6, depth=2, said=text.said, hears=text.said)  # of "bbox: ["
    >>> text.is_bracket, bracket.is_bracket, bracket.has_key
    (False, True, True)
    """

    closer: str
    start: int
    opened: int
    depth: int
    said: Said
    hears: Said
    meaning: Meaning = BARE
    run: list[Item] = field(default_factory=list)
    key: Key | None = None
    keyed: bool = False
    sides: dict[str, Number] = field(default_factory=dict)
    box: dict[str, Number] = field(default_factory=dict)
    corners: int = 0
    pure: bool = True
    doubt: bool = False
    commas: list[str] = field(default_factory=list)

    @property
    def is_bracket(self) -> bool:
        """Whether it is more than the text or a tag with attributes."""
        return self.closer not in ("", ">")

    @property
    def has_key(self) -> bool:
        """Whether a key stands right before it."""
        return self.start < self.opened

    @property
    def is_tag(self) -> bool:
        """Whether it is a tag of boxes."""
        return len(self.closer) > 1

    @property
    def is_list(self) -> bool:
        """Whether its numbers are read together when it closes: a bracket without a key inside."""
        return self.is_bracket and not self.keyed

    @property
    def forgot_its_end(self) -> bool:
        """Whether it is still open and holds a box; within parentheses, words may go on."""
        return self.is_list and self.closer != ")" and self.pure and bool(four_of(self.run))

    @property
    def ends_in_point(self) -> bool:
        """Whether the last that came was a point."""
        return bool(self.run) and len(self.run[-1].numbers) == 2

    def meaning_here(self) -> Meaning:
        """Of a number that comes next."""
        key = self.key and self.key.of_boxes()
        if key is None or (key.stale and not key.meaning.states_a_frame):
            return self.meaning
        return IN_DOUBT if key.stale else key.meaning


def numbers_of(run: Sequence[Item]) -> list[Number]:
    """All numbers of a run.

    >>> near, far = Number(10.0, None, 1, 3), Number(20.0, None, 5, 7)
    >>> [number.value for number in numbers_of([Item((near, far), 0, 8)])]
    [10.0, 20.0]
    """
    return [number for item in run for number in item.numbers]


def four_of(run: Sequence[Item]) -> list[Number]:
    """Four numbers that are no points, a score after them left out; nothing of any other run.

    >>> numbers = [Number(value, None, at, at) for at, value in enumerate([10.0, 20.0, 110.0, 120.0, 0.9])]
    >>> [number.value for number in four_of([Item((number,), number.start, number.end) for number in numbers])]
    [10.0, 20.0, 110.0, 120.0]
    """
    numbers = numbers_of(run)
    if len(numbers) != len(run) or not 4 <= len(run) <= 5:
        return []
    score, gaps = numbers[4:], {later.start - number.end for number, later in pairwise(numbers)}
    if score and 1 in gaps and len(gaps) > 1:
        return []  # "1,024, 20, 110, 1"
    return numbers[:4] if not score or score[0].unit == PERCENT or 0 <= score[0].value <= 1 else []


def extent_of(numbers: Collection[Number]) -> Extent:
    """Where the first begins and the last ends.

    >>> extent_of([Number(20.0, None, start=5, end=7), Number(10.0, None, start=1, end=3)])
    (1, 7)
    """
    return min(number.start for number in numbers), max(number.end for number in numbers)
