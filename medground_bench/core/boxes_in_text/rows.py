"""Numbers in a row -> boxes: four in a list or under a key, and two points."""

from __future__ import annotations

from collections.abc import Sequence

from medground_bench.core.boxes_in_text.groups import Group, Item, Number, four_of, numbers_of
from medground_bench.core.boxes_in_text.meanings import IN_DOUBT, Kind, Meaning
from medground_bench.core.boxes_in_text.pieces import Pieces, counts

CUT_OFF_DEPTH = 2
"""A list in a list that breaks off is a box's; a bracket in prose may be a reference's."""


class Rows:
    """Of numbers, as they stand together."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces

    def list_of_four(
        self, group: Group, meaning: Meaning, numbers: Sequence[Number], start: int, end: int
    ) -> None:
        """Four numbers in a row: under the name of anything but a box they are none."""
        doubted = IN_DOUBT if meaning.kind is Kind.LABEL else meaning
        self._pieces.write(group, doubted, numbers, start, end)

    def plain(self, group: Group, meaning: Meaning, run: Sequence[Item], start: int, end: int) -> None:
        """Numbers that are no points: a box when they are four, or four and a score."""
        four = four_of(run)
        if four and group.depth == 2 and not group.has_key and counts(four):
            self._pieces.write(group, IN_DOUBT, (), start, end)
        elif four:
            self.list_of_four(group, meaning, four, start, end)
        else:
            self._pieces.write(group, meaning, (), start, end)

    def points(self, group: Group, run: Sequence[Item], start: int) -> None:
        """Two points are a box; more are a polygon, and one is loose."""
        numbers = numbers_of(run)
        named, doubt, group.doubt = {item.named for item in run}, group.doubt, False
        if len(run) > 2 or (len(run) == 2 and (doubt or len(named) > 1)):
            self._pieces.write(group, group.meaning_here(), (), start, run[-1].end)
        elif len(run) == 2 and named == {True}:
            self._pieces.write(
                group, group.meaning_here(), numbers, start, run[-1].end, sides=("x0", "y0", "x2", "y2")
            )
        elif len(run) == 2:
            self.list_of_four(group, group.meaning_here(), numbers, start, run[-1].end)
        elif run and group.is_tag:
            self._pieces.write(group, group.meaning_here(), (), start, run[-1].end)
        elif run:
            self._pieces.loose(group, 2, start, run[-1].end)

    def read_list(self, group: Group, end: int, *, whole: bool) -> Item | None:
        """Read a list as a whole; a point is returned, for it takes two to make a box.

        whole  whether its last number is all there
        """
        run, numbers = group.run, numbers_of(group.run)
        pure = group.pure and whole and len(set(group.commas)) < 2
        in_tag = group.is_tag and (group.meaning.raster is not None or len(group.commas) < 3)
        if len(numbers) == 1:
            self._pieces.end_score()
        lacks_some = (
            0 < len(numbers) < 4 and len(numbers) == len(run) and self._lacks_numbers(group, whole=whole)
        )
        if lacks_some:
            self._pieces.write(group, group.meaning, (), group.start, end)
        elif len(run) == len(numbers) == 2:
            if pure:
                return Item(tuple(numbers), group.start, end)
            self._pieces.loose(group, 2, group.start, end)
        elif len(numbers) == 2 * len(run):
            self.points(group, run, group.start)
        elif pure and not in_tag and len(run) > 3:
            self.plain(group, group.meaning, run, group.start, end)
        elif self._looks_like_a_box(group, len(numbers), pure=pure):
            self._pieces.write(group, group.meaning, (), group.start, end)
        return None

    @staticmethod
    def _lacks_numbers(group: Group, *, whole: bool) -> bool:
        """Whether one to three numbers are the rest of a box: [10, null, 110, 120], or one that breaks off."""
        keyed = group.meaning.kind is Kind.BOX and (group.has_key or group.depth > CUT_OFF_DEPTH)
        four_places = len(group.commas) == 3 and not group.pure
        three = group.closer == "]" and len(group.run) == 3 and not counts(numbers_of(group.run))
        return (keyed and not whole and group.closer == "]") or (
            four_places and ((keyed and group.has_key) or three)
        )

    @staticmethod
    def _looks_like_a_box(group: Group, count: int, *, pure: bool) -> bool:
        """Whether numbers of a list that are none do."""
        if count == 3:
            return pure and group.has_key and group.meaning.kind is Kind.BOX
        return count > 4 or (count == 4 and (group.pure or group.closer != ")"))
