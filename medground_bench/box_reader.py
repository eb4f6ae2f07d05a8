"""Numbers in brackets and under keys -> boxes, each number with its side, each box with the raster its form states.

`box_text` says what the tokens of a text are. Brackets group numbers, and the nearest key says what they are, in good
JSON and in broken JSON alike: a bracket that was forgotten is closed by the next word, key or list.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from medground_bench.box_forms import (
    BARE,
    IN_DOUBT,
    QWEN_VL,
    UNSAID,
    Kind,
    Meaning,
    Sides,
    box_of,
    meaning_of,
    sides_named,
)
from medground_bench.box_groups import (
    Group,
    Item,
    Key,
    Number,
    Written,
    extent,
    four_of,
    is_corner,
    numbers_of,
)
from medground_bench.types import Frame

MOST_DEPTH = 9
"""A box nested deeper is refused."""

MOST_WORDS_BETWEEN_SIDES = 12
"""In prose the sides of one box stand near each other."""

MOST_TEMPLATE_CHARACTERS = 80


class Reader:
    """The open brackets of a text, and the boxes written so far.

    order  the sides of four numbers of which nothing else is said
    """

    def __init__(self, text: str, order: Sides) -> None:
        self._text, self._order = text, order
        self._y_first = order[0][0] == "y"
        self._written: list[Written] = []
        self._stack = [Group("", 0, 0)]
        self._open_ends: Counter[str] = Counter()
        self._corners: deque[Sides] = deque(maxlen=4)
        self._template = BARE
        self._words_since_side = 0

    @property
    def _group(self) -> Group:
        return self._stack[-1]

    @property
    def in_braces(self) -> bool:
        """Whether every word before a colon is a key here."""
        return self._group.closer == "}"

    def finish(self) -> list[Written]:
        """The boxes in the order of the text; a list that breaks off within its last number is refused."""
        while len(self._stack) > 1:
            run = self._group.run
            self._shut(len(self._text), whole=not run or run[-1].end < len(self._text))
        self._settle()
        self._drop_sides()
        return sorted(self._written, key=lambda each: each.start)

    def number(self, number: Number) -> None:
        """A number joins those beside it."""
        if self._group.ends_in_point and not self._group.is_list:
            self._settle()
        self.use_key()
        self._group.run.append(Item((number,), number.start, number.end))

    def use_key(self) -> None:
        """A value stands under the key."""
        if self._group.key:
            self._group.key.used = True

    def take_key(self, meaning: Meaning, start: int, *, hard: bool) -> None:
        """What follows stands under this key, and this one under the one right before it."""
        self.interrupt(start)
        if meaning.kind in (Kind.OTHER, Kind.REFUSED) and not self.in_braces:
            self._drop_sides()
        group = self._group
        outer = group.key
        if outer and outer.names_sides and not outer.names_a_corner:
            outer = outer.outer
        if outer and (outer.used or not (outer.names_a_corner or outer.meaning.kind is Kind.BOX)):
            outer = None
        group.key, group.keyed, group.run, group.pure = Key(meaning, start, hard, outer), True, [], False

    def end_key(self, start: int) -> None:
        """What follows stands under no key of this bracket."""
        self.interrupt(start)
        self._group.key = None

    def open(self, closer: str, start: int, meaning: Meaning | None = None) -> None:
        """A bracket or a tag; its numbers mean what the nearest key says, if no meaning is given."""
        if self._group.forgot_its_end:
            self._shut(start)
        group = self._group
        if not group.is_list and not group.ends_in_point:
            self._settle()
        key, nearest, opened = group.key, group.meaning_here(), start
        if key and not key.used and not key.stale:
            start = key.start
            nearest = UNSAID if key.names_sides else nearest
        self.use_key()
        self._stack.append(Group(closer, start, opened, meaning or nearest))
        self._open_ends[closer] += 1

    def close(self, closer: str, end: int) -> None:
        """Close up to the bracket of that kind; where none is open, the innermost, for `[1, 2)` is one."""
        if self._open_ends[closer]:
            while self._shut(end) != closer:
                pass
        elif len(closer) == 1 and closer != ">" and self._group.is_bracket:
            self._shut(end)
        else:
            self.interrupt(end)

    def word(self, start: int) -> None:
        """Prose ends what stands together, and the hold of a key that may be a word of it."""
        self._words_since_side += 1
        self.interrupt(start)
        key = self._group.key
        if key and (not key.hard or (key.used and not self._group.closer)):
            key.stale = True

    def foreign(self, start: int) -> None:
        """A character that no list of numbers holds."""
        group = self._group
        group.pure = group.pure and not group.run
        self.interrupt(start)

    def end_sentence(self, start: int) -> None:
        """What was said of corners and keys ends, too."""
        self.foreign(start)
        self._corners.clear()
        if self._group.key:
            self._group.key.stale = True

    def end_line(self) -> None:
        """Numbers without brackets end with their line."""
        group = self._group
        if not group.closer:
            loose = bool(group.run) and not group.ends_in_point
            self._settle()
            if loose and group.key and not group.key.names_sides:
                group.key = None

    def join(self, *, doubt: bool = False) -> bool:
        """Whether a word or a dash joins what stands beside it: points, or the ends of a range of x or y."""
        group = self._group
        group.doubt |= doubt and group.ends_in_point
        return bool(group.run) and (group.ends_in_point or bool(group.key and group.key.names_a_range))

    def comma(self) -> None:
        """A comma or a semicolon."""
        self._group.commas += 1

    def name_next_point(self, corner: Sides, start: int) -> None:
        """The next point is that corner; of several names, the first is that of the first point."""
        self.word(start)
        self._corners.append(corner)

    def corner(self, sides: Sides, point: Item) -> None:
        """A corner of a box; its numbers come in the family's order, if they have no names."""
        swapped = self._y_first and not point.named
        for side, number in zip(sides, point.numbers[::-1] if swapped else point.numbers, strict=True):
            self._side(side, replace(number, start=point.start))

    def list_of_four(self, meaning: Meaning, numbers: Sequence[Number], start: int, end: int) -> None:
        """Four numbers in the order that their form, a template before them, or the family states."""
        stated = meaning if meaning.sides else self._template
        sides = dict(zip(stated.sides or self._order, numbers, strict=True))
        doubted = IN_DOUBT if meaning.kind is Kind.LABEL else meaning
        self._write(doubted, sides, start, end, meaning.raster or stated.raster)

    def refuse(self, start: int, end: int) -> None:
        """A piece of the text that looks like a box and is not read."""
        self._write(IN_DOUBT, None, start, end)

    def interrupt(self, start: int) -> None:
        """What stands together ends here, and so does a list that was not closed."""
        group = self._group
        if group.forgot_its_end:
            self._shut(start)
        elif group.is_list:
            if all(len(item.numbers) == 2 for item in group.run):
                self._points(group.run, group.start)
                group.run = []
            group.pure = False
        else:
            self._settle()

    def _settle(self) -> None:
        """Read what stands together outside of a list: named sides, a corner, points, or four numbers under a key."""
        group = self._group
        if group.is_list or not group.run:
            return
        run, key, group.run = group.run, group.key, []
        if key and key.names_sides and not key.stale:
            self._named(key, run)
            group.key = key.outer
        elif len(run[0].numbers) == 2:
            self._points(run, run[0].start)
        elif self._corners and len(run) == 2 and group.meaning_here().kind is Kind.BOX:
            self.corner(self._corners.popleft(), Item(tuple(numbers_of(run)), run[0].start, run[1].end))
        elif key and not key.stale and key.meaning.kind is Kind.BOX and len(run) > 3:
            self._plain(key.meaning, run, key.start, run[-1].end)
        group.commas = 0

    def _plain(self, meaning: Meaning, run: Sequence[Item], start: int, end: int) -> None:
        """Numbers that are no points: a box when they are four, or four and a score."""
        four = four_of(run)
        if four:
            self.list_of_four(meaning, four, start, end)
        else:
            self._write(meaning, None, start, end)

    def _named(self, key: Key, run: Sequence[Item]) -> None:
        """Numbers under the name of a side, of a corner, or of x and y, which may be of a corner themselves."""
        sides, numbers = key.meaning.sides, numbers_of(run)
        if key.names_a_corner and len(numbers) == 2:
            self.corner(sides, Item(tuple(numbers), key.start, run[-1].end, run[0].named))
        elif len(numbers) == len(sides) and not key.names_a_corner:
            for side, number in zip(sides, numbers, strict=True):
                self._side(side, replace(number, start=key.start))
        elif len(numbers) == 1 and not key.names_a_corner:
            self._side(self._of_corner(key), replace(numbers[0], start=key.start))
        elif len(numbers) > 1:
            self.refuse(key.start, run[-1].end)

    def _of_corner(self, key: Key) -> str:
        """Which side x or y is: that of the corner named before, or the near one."""
        axis = key.meaning.sides[0][0]
        corner = key.outer.meaning.sides if key.outer and key.outer.names_a_corner else ()
        if not corner and self._corners and key.names_a_range and not self._group.is_bracket:
            corner = self._corners.popleft() if axis == "y" else self._corners[0]
        return next((side for side in corner if side[0] == axis), key.meaning.sides[0])

    def _side(self, side: str, number: Number) -> None:
        """A named number, which may make a box whole. In prose a size before any place is of something else."""
        group = self._group
        in_prose = group.closer not in ("}", ">")
        if side in group.sides or (in_prose and self._words_since_side > MOST_WORDS_BETWEEN_SIDES):
            self._drop_sides()
        if in_prose and side in ("w", "h") and not group.sides:
            return
        group.sides[side] = number
        self._words_since_side = 0
        if box_of({name: each.value for name, each in group.sides.items()}):
            meaning = group.meaning_here()
            meaning = IN_DOUBT if meaning is QWEN_VL else meaning  # whose tag holds points, never names
            self._write(meaning, group.sides, *extent(group.sides.values()), meaning.raster)
            group.sides = {}

    def _drop_sides(self) -> None:
        """Named numbers that make no box; more than a point or a size is shown."""
        sides, self._group.sides = self._group.sides, {}
        if len(sides) > 1 and any(side[1:] in ("1", "2") for side in sides):
            self._write(self._group.meaning_here(), None, *extent(sides.values()))

    def _points(self, run: Sequence[Item], start: int) -> None:
        """Two points are a box; more are a polygon, and one is nothing."""
        group, numbers = self._group, numbers_of(run)
        named, doubt, group.doubt = {item.named for item in run}, group.doubt, False
        if len(run) > 2 or (len(run) == 2 and (doubt or len(named) > 1)):
            self._write(group.meaning_here(), None, start, run[-1].end)
        elif len(run) == 2 and named == {True}:
            sides = dict(zip(("x0", "y0", "x2", "y2"), numbers, strict=True))
            self._write(group.meaning_here(), sides, start, run[-1].end, group.meaning_here().raster)
        elif len(run) == 2:
            self.list_of_four(group.meaning_here(), numbers, start, run[-1].end)

    def _shut(self, end: int, *, whole: bool = True) -> str:
        """Close the innermost bracket, and return how it is closed. Its sides may be a point, or join those outside."""
        group = self._group
        self._settle()
        point = self._read_list(end, whole=whole) if group.is_list else None
        sides = group.sides
        if sides.keys() == {"x0", "y0"} and group.is_bracket:
            point = Item((sides["x0"], sides["y0"]), group.start, end, named=True)
        elif group.closer not in ("]", ")") or group.meaning.kind is not Kind.BOX:
            self._drop_sides()
        self._stack.pop()
        self._open_ends[group.closer] -= 1
        if point:
            self._point(point, group.meaning)
        else:
            self.interrupt(end)
            for side, number in group.sides.items():
                self._side(side, number)
        return group.closer

    def _read_list(self, end: int, *, whole: bool) -> Item | None:
        """Read a list as a whole; a point is returned, for it takes two to make a box.

        whole  whether its last number is all there
        """
        group = self._group
        run, numbers, pure = group.run, numbers_of(group.run), group.pure and whole
        in_tag = group.is_tag and (group.meaning.raster is not None or group.commas < 3)
        if not run:
            self._take_template(end)
        elif len(run) == len(numbers) == 2:
            return Item(tuple(numbers), group.start, end) if pure else None
        elif len(numbers) == 2 * len(run):
            self._points(run, group.start)
        elif pure and not in_tag and len(run) > 3:
            self._plain(group.meaning, run, group.start, end)
        elif len(numbers) > 4 or (len(numbers) == 4 and (group.pure or group.closer != ")")):
            self._write(group.meaning, None, group.start, end)
        return None

    def _take_template(self, end: int) -> None:
        """Names in brackets: four state the order of the lists after them, two which corner the next point is."""
        names = self._text[self._group.opened : end]
        if len(names) > MOST_TEMPLATE_CHARACTERS or sum(map(names.count, "[({")) != 1:
            return
        meaning, sides = meaning_of(names), sides_named(names)
        if meaning.kind is Kind.BOX and meaning.sides:
            self._template = meaning
        elif is_corner(sides):
            self._corners.append(sides[::-1] if self._y_first else sides)

    def _point(self, point: Item, meaning: Meaning) -> None:
        """A point is the corner that was named, or joins the point before it."""
        group = self._group
        named_by_key = group.key is not None and group.key.names_sides
        if self._corners and not named_by_key and meaning.kind is Kind.BOX:
            self.corner(self._corners.popleft(), point)
        else:
            if not group.ends_in_point and not group.is_list:
                self._settle()
            group.run.append(point)

    def _write(
        self,
        meaning: Meaning,
        sides: Mapping[str, Number] | None,
        start: int,
        end: int,
        raster: Frame | None = None,
    ) -> None:
        """Refused in doubt and too deep; under the key of something else it is not worth a word."""
        if meaning.kind is Kind.REFUSED or len(self._stack) > MOST_DEPTH:
            sides = None
        if meaning.kind is not Kind.OTHER:
            self._written.append(Written(start, end, sides, raster))
