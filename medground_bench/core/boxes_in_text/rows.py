"""Numbers in a row -> boxes: four in a list or under a key, and two points."""

from __future__ import annotations

from collections.abc import Sequence

from medground_bench.core.boxes_in_text.meanings import IN_DOUBT, KeyKind, Meaning
from medground_bench.core.boxes_in_text.pieces import Pieces, counts
from medground_bench.core.boxes_in_text.scopes import Item, Number, Scope, four_of, numbers_of

CUT_OFF_DEPTH = 2
"""A list in a list that breaks off is a box's; a bracket in prose may be a reference's."""


class Rows:
    """Of numbers, as they stand together.

    >>> from medground_bench.core.boxes_in_text.meanings import UNSAID
    >>> from medground_bench.core.boxes_in_text.statements import Said
    >>> pieces, text = Pieces(), Scope("", start=0, opened=0, depth=1, said=Said(), hears=Said())
    >>> Rows(pieces).list_of_four(text, UNSAID, [Number(9.0, None, at, at) for at in range(4)], 0, 4)
    >>> [written.numbers for written in pieces.written]  # nothing says that they are a box
    [()]
    """

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces

    def list_of_four(
        self, scope: Scope, meaning: Meaning, numbers: Sequence[Number], start: int, end: int
    ) -> None:
        """Four numbers in a row: under the name of anything but a box they are none."""
        doubted = IN_DOUBT if meaning.kind is KeyKind.LABEL else meaning
        self._pieces.write(scope, doubted, numbers, (start, end))

    def plain(self, scope: Scope, meaning: Meaning, run: Sequence[Item], start: int, end: int) -> None:
        """Numbers that are no points: a box when they are four, or four and a score."""
        four = four_of(run)
        if four and scope.depth == 2 and not scope.has_key and counts(four):
            self._pieces.write(scope, IN_DOUBT, (), (start, end))
        elif four:
            self.list_of_four(scope, meaning, four, start, end)
        else:
            self._pieces.write(scope, meaning, (), (start, end))

    def points(self, scope: Scope, run: Sequence[Item], start: int) -> None:
        """Two points are a box; more are a polygon, and one is loose."""
        numbers = numbers_of(run)
        named, doubt, scope.doubt = {item.named for item in run}, scope.doubt, False
        if len(run) > 2 or (len(run) == 2 and (doubt or len(named) > 1)):
            self._pieces.write(scope, scope.meaning_here(), (), (start, run[-1].end))
        elif len(run) == 2 and named == {True}:
            self._pieces.write(
                scope, scope.meaning_here(), numbers, (start, run[-1].end), sides=("x0", "y0", "x2", "y2")
            )
        elif len(run) == 2:
            self.list_of_four(scope, scope.meaning_here(), numbers, start, run[-1].end)
        elif run and scope.is_tag:
            self._pieces.write(scope, scope.meaning_here(), (), (start, run[-1].end))
        elif run:
            self._pieces.loose(scope, 2, (start, run[-1].end))

    def read_list(self, scope: Scope, end: int, *, whole: bool) -> Item | None:
        """Read a list as a whole; a point is returned, for it takes two to make a box.

        whole  whether its last number is all there
        """
        run, numbers = scope.run, numbers_of(scope.run)
        pure = scope.pure and whole and len(set(scope.commas)) < 2
        in_tag = scope.is_tag and (scope.meaning.raster is not None or len(scope.commas) < 3)
        if len(numbers) == 1:
            self._pieces.end_score()
        lacks_some = (
            0 < len(numbers) < 4 and len(numbers) == len(run) and self._lacks_numbers(scope, whole=whole)
        )
        if lacks_some:
            self._pieces.write(scope, scope.meaning, (), (scope.start, end))
        elif len(run) == len(numbers) == 2:
            if pure:
                return Item(tuple(numbers), scope.start, end)
            self._pieces.loose(scope, 2, (scope.start, end))
        elif len(numbers) == 2 * len(run):
            self.points(scope, run, scope.start)
        elif pure and not in_tag and len(run) > 3:
            self.plain(scope, scope.meaning, run, scope.start, end)
        elif self._looks_like_a_box(scope, len(numbers), pure=pure):
            self._pieces.write(scope, scope.meaning, (), (scope.start, end))
        return None

    @staticmethod
    def _lacks_numbers(scope: Scope, *, whole: bool) -> bool:
        """Whether one to three numbers are the rest of a box: [10, null, 110, 120], or one that breaks off."""
        keyed = scope.meaning.kind is KeyKind.BOX and (scope.has_key or scope.depth > CUT_OFF_DEPTH)
        four_places = len(scope.commas) == 3 and not scope.pure
        three = scope.closer == "]" and len(scope.run) == 3 and not counts(numbers_of(scope.run))
        return (keyed and not whole and scope.closer == "]") or (
            four_places and ((keyed and scope.has_key) or three)
        )

    @staticmethod
    def _looks_like_a_box(scope: Scope, count: int, *, pure: bool) -> bool:
        """Whether numbers of a list that are none do."""
        if count == 3:
            return pure and scope.has_key and scope.meaning.kind is KeyKind.BOX
        return count > 4 or (count == 4 and (scope.pure or scope.closer != ")"))
