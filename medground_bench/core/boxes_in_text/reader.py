"""Brackets and keys: which numbers of a text stand together, and what the nearest key says of them.

Good JSON and broken JSON are read alike: a bracket that was forgotten is closed by the next word, key or list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from medground_bench.core.boxes_in_text.groups import Group, Item, Key, Number, Written, numbers_of
from medground_bench.core.boxes_in_text.meanings import (
    IN_DOUBT,
    NOT_ASKED,
    UNSAID,
    Kind,
    Meaning,
    frame_said,
    words_of,
)
from medground_bench.core.boxes_in_text.named_sides import NamedSides
from medground_bench.core.boxes_in_text.pieces import Pieces
from medground_bench.core.boxes_in_text.rows import Rows
from medground_bench.core.boxes_in_text.sides import Sides
from medground_bench.core.boxes_in_text.statements import Said
from medground_bench.core.types import Frame


class Reader:
    """The open brackets of a text; what stands together in them goes to `Rows` and `NamedSides`.

    order  the sides of four numbers of which nothing else is said
    said   of all boxes of the text, in its prose
    """

    def __init__(self, text: str, order: Sides, said: Said) -> None:
        self._text = text
        self._pieces = Pieces()
        self._rows = Rows(self._pieces)
        self._named = NamedSides(self._pieces, order)
        self._stack = [Group("", 0, 0, 1, said, said)]
        self._open_ends: Counter[str] = Counter()

    @property
    def _group(self) -> Group:
        return self._stack[-1]

    @property
    def in_braces(self) -> bool:
        """Whether every word before a colon is a key here."""
        return self._group.closer == "}"

    def finish(self) -> list[Written]:
        """The boxes; a list that breaks off within its last number is refused."""
        while len(self._stack) > 1:
            run = self._group.run
            enough = len(numbers_of(run)) >= 4 and run[-1].end < len(self._text)
            self._shut(len(self._text), whole=not run or enough)
        self._settle()
        self._named.drop(self._group)
        self._pieces.end_loose(self._group)
        return self._pieces.written

    def number(self, number: Number) -> None:
        """A number joins those beside it."""
        if self._group.ends_in_point and not self._group.is_list:
            self._settle()
        self.use_key()
        if not self._group.is_bracket:
            self._pieces.end_score()
        self._group.run.append(Item((number,), number.start, number.end))

    def use_key(self) -> None:
        """A value stands under the key."""
        if self._group.key:
            self._group.key.used = True

    def take_key(self, meaning: Meaning, start: int, *, hard: bool) -> None:
        """What follows stands under this key, and this one under the one right before it."""
        self.interrupt(start)
        self._pieces.key(meaning, in_braces=self.in_braces)
        if meaning.kind in (Kind.OTHER, Kind.REFUSED) and not self.in_braces:
            self._named.drop(self._group)
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
        if self.in_braces and not key and not self._text[group.opened - 1 : group.opened].isalnum():
            nearest = UNSAID  # an object that lost its key; \boxed{[1, 2, 3, 4]} is none
        self.use_key()
        said = Said(group.said, unread=group.meaning_here() is NOT_ASKED)
        hears = said if closer == "}" else group.hears
        self._stack.append(Group(closer, start, opened, group.depth + 1, said, hears, meaning or nearest))
        self._open_ends[closer] += 1

    def close(self, closer: str, end: int, raster: Frame | None = None) -> None:
        """Close up to the bracket of that kind; where none is open, the innermost, for `[1, 2)` is one.

        raster  of all numbers in the bracket, by the unit after it
        """
        if raster:
            self._group.said.rasters.add(raster)
        if self._open_ends[closer]:
            while self._shut(end) != closer:
                pass
        elif len(closer) == 1 and closer != ">" and self._group.is_bracket:
            self._shut(end)
        else:
            self.interrupt(end)
            self._group.hears.unread |= len(closer) > 1  # a tag that was not opened, and its raster not said

    def word(self, word: str, start: int) -> None:
        """Prose ends what stands together, and the hold of a key that may be a word of it."""
        self.interrupt(start)
        self._pieces.word(word)
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
        self._pieces.end_caveat()
        self._named.corners.clear()
        if self._group.hears is self._stack[0].said:
            self._pieces.end_loose(self._group)
        if self._group.key:
            self._group.key.stale = True

    def end_clause(self) -> None:
        """What is denied in a clause holds no further."""
        self._pieces.end_caveat()

    def end_line(self) -> None:
        """Numbers without brackets end with their line."""
        group = self._group
        if not group.closer:
            loose = bool(group.run) and not group.ends_in_point
            self._settle()
            self._pieces.new_line()
            if loose and group.key and not group.key.names_sides:
                group.key = None

    def join(self, *, doubt: bool = False) -> bool:
        """Whether a word or a dash joins what stands beside it: points, or the ends of a range of x or y."""
        group = self._group
        group.doubt |= doubt and group.ends_in_point
        return bool(group.run) and (group.ends_in_point or bool(group.key and group.key.names_a_range))

    def comma(self, mark: str) -> None:
        """A comma or a semicolon."""
        self._group.commas.append(mark)

    def name_next_point(self, corner: Sides, start: int) -> None:
        """The next point is that corner; of several names, the first is that of the first point."""
        self.word("", start)
        self._named.corners.append(corner)

    def corner(self, sides: Sides, point: Item) -> None:
        """A point of which the text says what corner it is."""
        self._named.corner(self._group, sides, point)

    def list_of_four(self, meaning: Meaning, numbers: Sequence[Number], start: int, end: int) -> None:
        """Four numbers that were not in brackets."""
        self._rows.list_of_four(self._group, meaning, numbers, start, end)

    def doubt_last(self, end: int) -> None:
        """The list that ended there counts something else."""
        if self._pieces.written and self._pieces.written[-1].end == end:
            self._pieces.refuse_last()

    def size(self, count: int, start: int, end: int) -> None:
        """Widths and heights in prose."""
        self.interrupt(start)
        self._pieces.loose(self._group, count, start, end)

    def say(self, key: str, value: str, *, quoted: bool) -> None:
        """An entry of the object, or of the text, that may say how boxes are written."""
        self._group.hears.hear(key, value, quoted=quoted)

    def say_order(self, names: Sequence[str]) -> None:
        """An order in prose: a word such as xywh, or the names of four sides."""
        meaning = frame_said([word for name in names for word in words_of(name)])
        self._group.hears.add(meaning if meaning.sides else IN_DOUBT)

    def refuse(self, start: int, end: int) -> None:
        """A piece of the text that looks like a box and is not read."""
        self._pieces.write(self._group, IN_DOUBT, (), start, end)

    def interrupt(self, start: int) -> None:
        """What stands together ends here, and so does a list that was not closed."""
        group = self._group
        if group.forgot_its_end:
            self._shut(start)
        elif group.is_list:
            if all(len(item.numbers) == 2 for item in group.run):
                self._rows.points(group, group.run, group.start)
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
            self._named.named(group, key, run)
            group.key = key.outer
        elif len(run[0].numbers) == 2:
            self._rows.points(group, run, run[0].start)
        elif self._named.corners and len(run) == 2 and group.meaning_here().kind is Kind.BOX:
            point = Item(tuple(numbers_of(run)), run[0].start, run[1].end)
            self._named.corner(group, self._named.corners.popleft(), point)
        elif key and not key.stale and key.meaning.kind in (Kind.BOX, Kind.REFUSED) and len(run) > 3:
            self._rows.plain(group, key.meaning, run, key.start, run[-1].end)
        elif 4 <= len(run) <= 5 and self._pieces.looks_like_a_box(group, numbers_of(run)):
            self.refuse(run[0].start, run[-1].end)
        elif key and not key.stale and key.meaning.kind is Kind.BOX:
            self._pieces.loose(group, len(run), key.start, run[-1].end)
        group.commas = []

    def _shut(self, end: int, *, whole: bool = True) -> str:
        """Close the innermost bracket, and return how it is closed. Its sides may be a point, or join those outside."""
        group = self._group
        self._settle()
        point, sides = None, group.sides
        if group.is_list and group.run:
            point = self._rows.read_list(group, end, whole=whole)
        elif group.is_list:
            self._named.take_template(group, self._text[group.opened : end])
        if sides.keys() == {"x0", "y0"} and group.is_bracket:
            point = Item((sides["x0"], sides["y0"]), group.start, end, named=True)
        elif group.closer not in ("]", ")") or group.meaning.kind is not Kind.BOX:
            self._named.drop(group)
        self._stack.pop()
        self._open_ends[group.closer] -= 1
        if group.closer == "}":
            self._leave_object(group)
        if point:
            self._point(point, group.meaning)
        else:
            self.interrupt(end)
            for side, number in group.sides.items():
                self._named.side(self._group, side, number)
        return group.closer

    def _leave_object(self, group: Group) -> None:
        """What is said in an object without boxes is said of those beside it; what is loose ends with the outermost."""
        if not group.said.used:
            self._group.hears.merge(group.said)
        if self._group.hears is self._stack[0].said:
            self._pieces.end_loose(self._group)

    def _point(self, point: Item, meaning: Meaning) -> None:
        """A point is the corner that was named, or joins the point before it."""
        group = self._group
        named_by_key = group.key is not None and group.key.names_sides
        if self._named.corners and not named_by_key and meaning.kind is Kind.BOX:
            self._named.corner(group, self._named.corners.popleft(), point)
        else:
            if not group.ends_in_point and not group.is_list:
                self._settle()
            group.run.append(point)
