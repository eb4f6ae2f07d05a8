"""Brackets and keys: which numbers of a text stand together, and what the nearest key says of them.

Good JSON and broken JSON are read alike: a bracket that was forgotten is closed by the next word, key or list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from medground_bench.core.boxes_in_text.meanings import (
    IN_DOUBT,
    NOT_ASKED,
    UNSAID,
    KeyKind,
    Meaning,
    frame_said,
    words_of,
)
from medground_bench.core.boxes_in_text.named_sides import NamedSides
from medground_bench.core.boxes_in_text.pieces import Pieces
from medground_bench.core.boxes_in_text.rows import Rows
from medground_bench.core.boxes_in_text.scopes import Item, Key, Number, Scope, WrittenBox, numbers_of
from medground_bench.core.boxes_in_text.sides import Sides
from medground_bench.core.boxes_in_text.statements import Said
from medground_bench.core.types import Frame


class Reader:
    """The open brackets of a text; what stands together in them goes to `Rows` and `NamedSides`.

    order  the sides of four numbers of which nothing else is said
    said   of all boxes of the text, in its prose

    >>> reader = Reader("[1 2 30 40]", ("x0", "y0", "x1", "y1"), Said())
    >>> reader.open("]", start=0)
    >>> for value, start, end in ((1, 1, 2), (2, 3, 4), (30, 5, 7), (40, 8, 10)):
    ...     reader.number(Number(float(value), None, start, end))
    >>> reader.close("]", end=11)
    >>> [[number.value for number in written.numbers] for written in reader.finish()]
    [[1.0, 2.0, 30.0, 40.0]]
    """

    def __init__(self, text: str, order: Sides, said: Said) -> None:
        self._text = text
        self._pieces = Pieces()
        self._rows = Rows(self._pieces)
        self._named = NamedSides(self._pieces, order)
        self._stack = [Scope("", 0, 0, 1, said, said)]
        self._open_ends: Counter[str] = Counter()

    @property
    def _scope(self) -> Scope:
        return self._stack[-1]

    @property
    def in_braces(self) -> bool:
        """Whether every word before a colon is a key here."""
        return self._scope.closer == "}"

    def finish(self) -> list[WrittenBox]:
        """The boxes; a list that breaks off within its last number is refused."""
        while len(self._stack) > 1:
            run = self._scope.run
            enough = len(numbers_of(run)) >= 4 and run[-1].end < len(self._text)
            self._shut(len(self._text), whole=not run or enough)
        self._settle()
        self._named.drop(self._scope)
        self._pieces.end_loose(self._scope)
        return self._pieces.written

    def number(self, number: Number) -> None:
        """A number joins those beside it."""
        if self._scope.ends_in_point and not self._scope.is_list:
            self._settle()
        self.use_key()
        if not self._scope.is_bracket:
            self._pieces.end_score()
        self._scope.run.append(Item((number,), number.start, number.end))

    def use_key(self) -> None:
        """A value stands under the key."""
        if self._scope.key:
            self._scope.key.used = True

    def take_key(self, meaning: Meaning, start: int, *, hard: bool) -> None:
        """What follows stands under this key, and this one under the one right before it."""
        self.interrupt(start)
        self._pieces.key(meaning, in_braces=self.in_braces)
        if meaning.kind in (KeyKind.OTHER, KeyKind.REFUSED) and not self.in_braces:
            self._named.drop(self._scope)
        scope = self._scope
        outer = scope.key
        if outer and outer.names_sides and not outer.names_a_corner:
            outer = outer.outer
        if outer and (outer.used or not (outer.names_a_corner or outer.meaning.kind is KeyKind.BOX)):
            outer = None
        scope.key, scope.keyed, scope.run, scope.pure = Key(meaning, start, hard, outer), True, [], False

    def end_key(self, start: int) -> None:
        """What follows stands under no key of this bracket."""
        self.interrupt(start)
        self._scope.key = None

    def open(self, closer: str, start: int, meaning: Meaning | None = None) -> None:
        """A bracket or a tag; its numbers mean what the nearest key says, if no meaning is given."""
        if self._scope.forgot_its_end:
            self._shut(start)
        scope = self._scope
        if not scope.is_list and not scope.ends_in_point:
            self._settle()
        key, nearest, opened = scope.key, scope.meaning_here(), start
        if key and not key.used and not key.stale:
            start = key.start
            nearest = UNSAID if key.names_sides else nearest
        if self.in_braces and not key and not self._text[scope.opened - 1 : scope.opened].isalnum():
            nearest = UNSAID  # an object that lost its key; \boxed{[1, 2, 3, 4]} is none
        self.use_key()
        said = Said(scope.said, unread=scope.meaning_here() is NOT_ASKED)
        hears = said if closer == "}" else scope.hears
        self._stack.append(Scope(closer, start, opened, scope.depth + 1, said, hears, meaning or nearest))
        self._open_ends[closer] += 1

    def close(self, closer: str, end: int, raster: Frame | None = None) -> None:
        """Close up to the bracket of that kind; where none is open, the innermost, for `[1, 2)` is one.

        raster  of all numbers in the bracket, by the unit after it
        """
        if raster:
            self._scope.said.rasters.add(raster)
        if self._open_ends[closer]:
            while self._shut(end) != closer:
                pass
        elif len(closer) == 1 and closer != ">" and self._scope.is_bracket:
            self._shut(end)
        else:
            self.interrupt(end)
            self._scope.hears.unread |= len(closer) > 1  # a tag that was not opened, and its raster not said

    def word(self, word: str, start: int) -> None:
        """Prose ends what stands together, and the hold of a key that may be a word of it."""
        self.interrupt(start)
        self._pieces.word(word)
        key = self._scope.key
        if key and (not key.hard or (key.used and not self._scope.closer)):
            key.stale = True

    def foreign(self, start: int) -> None:
        """A character that no list of numbers holds."""
        scope = self._scope
        scope.pure = scope.pure and not scope.run
        self.interrupt(start)

    def end_sentence(self, start: int) -> None:
        """What was said of corners and keys ends, too."""
        self.foreign(start)
        self._pieces.end_caveat()
        self._named.corners.clear()
        if self._scope.hears is self._stack[0].said:
            self._pieces.end_loose(self._scope)
        if self._scope.key:
            self._scope.key.stale = True

    def end_clause(self) -> None:
        """What is denied in a clause holds no further."""
        self._pieces.end_caveat()

    def end_line(self) -> None:
        """Numbers without brackets end with their line."""
        scope = self._scope
        if not scope.closer:
            loose = bool(scope.run) and not scope.ends_in_point
            self._settle()
            self._pieces.new_line()
            if loose and scope.key and not scope.key.names_sides:
                scope.key = None

    def join(self, *, doubt: bool = False) -> bool:
        """Whether a word or a dash joins what stands beside it: points, or the ends of a range of x or y."""
        scope = self._scope
        scope.doubt |= doubt and scope.ends_in_point
        return bool(scope.run) and (scope.ends_in_point or bool(scope.key and scope.key.names_a_range))

    def comma(self, mark: str) -> None:
        """A comma or a semicolon."""
        self._scope.commas.append(mark)

    def name_next_point(self, corner: Sides, start: int) -> None:
        """The next point is that corner; of several names, the first is that of the first point."""
        self.word("", start)
        self._named.corners.append(corner)

    def corner(self, sides: Sides, point: Item) -> None:
        """A point of which the text says what corner it is."""
        self._named.corner(self._scope, sides, point)

    def list_of_four(self, meaning: Meaning, numbers: Sequence[Number], start: int, end: int) -> None:
        """Four numbers that were not in brackets."""
        self._rows.list_of_four(self._scope, meaning, numbers, start, end)

    def doubt_last(self, end: int) -> None:
        """The list that ended there counts something else."""
        if self._pieces.written and self._pieces.written[-1].end == end:
            self._pieces.refuse_last()

    def size(self, count: int, start: int, end: int) -> None:
        """Widths and heights in prose."""
        self.interrupt(start)
        self._pieces.loose(self._scope, count, (start, end))

    def say(self, key: str, value: str, *, quoted: bool) -> None:
        """An entry of the object, or of the text, that may say how boxes are written."""
        self._scope.hears.hear(key, value, quoted=quoted)

    def say_order(self, names: Sequence[str]) -> None:
        """An order in prose: a word such as xywh, or the names of four sides."""
        meaning = frame_said([word for name in names for word in words_of(name)])
        self._scope.hears.add(meaning if meaning.sides else IN_DOUBT)

    def refuse(self, start: int, end: int) -> None:
        """A piece of the text that looks like a box and is not read."""
        self._pieces.write(self._scope, IN_DOUBT, (), (start, end))

    def interrupt(self, start: int) -> None:
        """What stands together ends here, and so does a list that was not closed."""
        scope = self._scope
        if scope.forgot_its_end:
            self._shut(start)
        elif scope.is_list:
            if all(len(item.numbers) == 2 for item in scope.run):
                self._rows.points(scope, scope.run, scope.start)
                scope.run = []
            scope.pure = False
        else:
            self._settle()

    def _settle(self) -> None:
        """Read what stands together outside of a list: named sides, a corner, points, or four numbers under a key."""
        scope = self._scope
        if scope.is_list or not scope.run:
            return
        run, key, scope.run = scope.run, scope.key, []
        if key and key.names_sides and not key.stale:
            self._named.named(scope, key, run)
            scope.key = key.outer
        elif len(run[0].numbers) == 2:
            self._rows.points(scope, run, run[0].start)
        elif self._named.corners and len(run) == 2 and scope.meaning_here().kind is KeyKind.BOX:
            point = Item(tuple(numbers_of(run)), run[0].start, run[1].end)
            self._named.corner(scope, self._named.corners.popleft(), point)
        elif key and not key.stale and key.meaning.kind in (KeyKind.BOX, KeyKind.REFUSED) and len(run) > 3:
            self._rows.plain(scope, key.meaning, run, key.start, run[-1].end)
        elif 4 <= len(run) <= 5 and self._pieces.looks_like_a_box(scope, numbers_of(run)):
            self.refuse(run[0].start, run[-1].end)
        elif key and not key.stale and key.meaning.kind is KeyKind.BOX:
            self._pieces.loose(scope, len(run), (key.start, run[-1].end))
        scope.commas = []

    def _shut(self, end: int, *, whole: bool = True) -> str:
        """Close the innermost bracket, and return how it is closed. Its sides may be a point, or join those outside."""
        scope = self._scope
        self._settle()
        point, sides = None, scope.sides
        if scope.is_list and scope.run:
            point = self._rows.read_list(scope, end, whole=whole)
        elif scope.is_list:
            self._named.take_template(scope, self._text[scope.opened : end])
        if sides.keys() == {"x0", "y0"} and scope.is_bracket:
            point = Item((sides["x0"], sides["y0"]), scope.start, end, named=True)
        elif scope.closer not in ("]", ")") or scope.meaning.kind is not KeyKind.BOX:
            self._named.drop(scope)
        self._stack.pop()
        self._open_ends[scope.closer] -= 1
        if scope.closer == "}":
            self._leave_object(scope)
        if point:
            self._point(point, scope.meaning)
        else:
            self.interrupt(end)
            for side, number in scope.sides.items():
                self._named.side(self._scope, side, number)
        return scope.closer

    def _leave_object(self, scope: Scope) -> None:
        """What is said in an object without boxes is said of those beside it; what is loose ends with the outermost."""
        if not scope.said.used:
            self._scope.hears.merge(scope.said)
        if self._scope.hears is self._stack[0].said:
            self._pieces.end_loose(self._scope)

    def _point(self, point: Item, meaning: Meaning) -> None:
        """A point is the corner that was named, or joins the point before it."""
        scope = self._scope
        named_by_key = scope.key is not None and scope.key.names_sides
        if self._named.corners and not named_by_key and meaning.kind is KeyKind.BOX:
            self._named.corner(scope, self._named.corners.popleft(), point)
        else:
            if not scope.ends_in_point and not scope.is_list:
                self._settle()
            scope.run.append(point)
