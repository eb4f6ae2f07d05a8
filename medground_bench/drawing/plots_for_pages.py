"""Figures of the board for a page: intervals in rows, dots between two axes, and a table whose cells are shaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from medground_bench.drawing.axes import Axis, Score, end_of
from medground_bench.drawing.vector_sheet import (
    FAINT,
    GRID,
    INK,
    OTHER,
    SERIES,
    SMALL,
    TEXT,
    WIDTH,
    Point,
    VectorSheet,
    letters_wide,
)

ROW = 18.0
HEAD, FOOT = 14.0, 26.0
NUMBERS = 40.0
"""Room for the numbers at the right."""

AROUND = (0.0, -7.0, 7.0, -12.0, 12.0, -18.0, 18.0, -24.0, 24.0)
"""How far below its dot a name may stand, nearest first."""

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class MarkKind(StrEnum):
    """What a mark stands for: a method, a control, which is grey, or what a paper reports, which is a ring."""

    METHOD = "method"
    CONTROL = "control"
    REPORTED = "reported"

    @property
    def ink(self) -> str:
        """Its colour."""
        return {MarkKind.METHOD: SERIES, MarkKind.CONTROL: FAINT, MarkKind.REPORTED: OTHER}[self]


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A row of a forest plot."""

    label: str
    kind: MarkKind
    score: Score


@dataclass(frozen=True, slots=True)
class ForestPlot:
    """A dot for every score on one axis of percent, a line for its interval; `described` is read aloud."""

    rows: Sequence[IntervalRow]
    described: str

    def svg(self) -> str:
        """The figure."""
        foot = HEAD + ROW * len(self.rows)
        sheet = VectorSheet(WIDTH, foot + FOOT, self.described)
        left = 8 + max((letters_wide(row.label) for row in self.rows), default=0.0)
        axis = Axis(left, WIDTH - NUMBERS, end_of(row.score for row in self.rows))
        for tick in axis.ticks:
            sheet.line([(axis.at(tick), HEAD - 6), (axis.at(tick), foot)], ink=GRID)
            sheet.text(
                (axis.at(tick), foot + 10), f"{100 * tick:.0f}", anchor="middle", size=SMALL, ink=FAINT
            )
        for number, row in enumerate(self.rows):
            y, ink = HEAD + ROW * (number + 0.5), row.kind.ink
            sheet.text((0, y), row.label, ink=FAINT if row.kind is MarkKind.CONTROL else INK)
            if row.score.low is not None and row.score.high is not None:
                ends = [(axis.at(row.score.low), y), (axis.at(row.score.high), y)]
                sheet.line(ends, ink=ink, width=2.0)
            sheet.dot((axis.at(row.score.value), y), ink=ink, filled=row.kind is not MarkKind.REPORTED)
            sheet.text((WIDTH, y), f"{100 * row.score.value:.1f}", anchor="end")
        return sheet.svg()


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot of a scatter plot; `y` is a share 0..1, `x` one too, or seconds."""

    label: str
    kind: MarkKind
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScatterPlot:
    """Dots with their names between two axes.

    x_name, y_name  what the axes are called
    is_log          whether x is seconds, by powers of ten, and not a share in percent
    """

    marks: Sequence[Mark]
    x_name: str
    y_name: str
    described: str
    is_log: bool = False

    def svg(self) -> str:
        """The figure."""
        height, left, top = 330.0, 34.0, 20.0
        foot = height - 36
        sheet = VectorSheet(WIDTH, height, self.described)
        up = Axis(foot, top, end_of(Score(mark.y) for mark in self.marks))
        across, ticks = self._across(left, WIDTH - 14)
        for tick in up.ticks:
            sheet.line([(left, up.at(tick)), (WIDTH - 8, up.at(tick))], ink=GRID)
            sheet.text((left - 6, up.at(tick)), f"{100 * tick:.0f}", anchor="end", size=SMALL, ink=FAINT)
        for tick in ticks:
            name = f"{tick:g}" if self.is_log else f"{100 * tick:.0f}"
            sheet.line([(across(tick), top), (across(tick), foot)], ink=GRID)
            sheet.text((across(tick), foot + 12), name, anchor="middle", size=SMALL, ink=FAINT)
        sheet.text((0, 7), self.y_name, size=SMALL, ink=FAINT)
        sheet.text(((left + WIDTH - 8) / 2, height - 8), self.x_name, anchor="middle", size=SMALL, ink=FAINT)
        places = [(across(mark.x), up.at(mark.y)) for mark in self.marks]
        for mark, place, beside in zip(self.marks, places, _labels(self.marks, places, foot), strict=True):
            sheet.dot(place, ink=mark.kind.ink, filled=mark.kind is not MarkKind.REPORTED)
            ink = FAINT if mark.kind is MarkKind.CONTROL else INK
            sheet.text(beside, mark.label, size=SMALL, ink=ink)
        return sheet.svg()

    def _across(self, left: float, right: float) -> tuple[Callable[[float], float], Sequence[float]]:
        """Where a value stands, and the ticks."""
        if not self.is_log:
            axis = Axis(left, right, end_of(Score(mark.x) for mark in self.marks))
            return axis.at, axis.ticks
        powers = [math.log10(max(mark.x, 1e-4)) for mark in self.marks] or [0.0]
        first, last = math.floor(min(powers)), math.ceil(max(powers) + 1e-9)
        last = max(last, first + 1)

        def at(seconds: float) -> float:
            return left + (right - left) * (math.log10(max(seconds, 1e-4)) - first) / (last - first)

        return at, [10.0**power for power in range(first, last + 1)]


def _labels(marks: Sequence[Mark], places: Sequence[Point], foot: float) -> list[Point]:
    """Where the names begin: the nearest place beside each dot that no other name and no dot has taken."""
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in places]
    found = []
    for mark, (x, y) in zip(marks, places, strict=True):
        width = letters_wide(mark.label, SMALL)
        beside = [(start, y + down) for down in AROUND for start in (x + 7, x - 7 - width)]
        free = [
            (left, middle)
            for left, middle in beside
            if 0 <= left <= WIDTH - width
            and middle <= foot - 3
            and not _overlaps((left, middle - 5, left + width, middle + 5), taken)
        ]
        left, middle = (free or beside)[0]
        taken.append((left, middle - 5, left + width, middle + 5))
        found.append((left, middle))
    return found


def _overlaps(one: Edges, others: Sequence[Edges]) -> bool:
    return any(
        one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
        for other in others
    )


@dataclass(frozen=True, slots=True)
class ShadedTable:
    """Shares 0..1 as a table in percent, darker for more; None is a cell without a number.

    columns  heads, from the left
    rows     label -> a share a column
    """

    columns: Sequence[str]
    rows: Sequence[tuple[str, MarkKind, Sequence[float | None]]]
    described: str

    def svg(self) -> str:
        """The figure."""
        left = 8 + max((letters_wide(label) for label, _kind, _shares in self.rows), default=0.0)
        pitch = max(24.0, (WIDTH - left) / max(1, len(self.columns)))
        lines = [_broken(head, pitch) for head in self.columns]
        top = 8 + 11 * max(map(len, lines), default=1)
        sheet = VectorSheet(left + pitch * len(self.columns), top + ROW * len(self.rows) + 4, self.described)
        for number, head in enumerate(lines):
            for above, word in enumerate(reversed(head)):
                place = (left + pitch * (number + 0.5), top - 8 - 11 * above)
                sheet.text(place, word, anchor="middle", size=SMALL, ink=FAINT)
        largest = (
            max((share for _, _, shares in self.rows for share in shares if share is not None), default=1.0)
            or 1.0
        )
        for line, (label, kind, shares) in enumerate(self.rows):
            y = top + ROW * line
            sheet.text((0, y + ROW / 2), label, ink=FAINT if kind is MarkKind.CONTROL else INK)
            for number, share in enumerate(shares):
                x = left + pitch * number
                if share is not None:
                    sheet.shade((x + 1, y + 1), pitch - 2, ROW - 2, share / largest)
                words = "-" if share is None else f"{100 * share:.1f}"
                sheet.text((x + pitch / 2, y + ROW / 2), words, anchor="middle", size=min(TEXT, pitch / 2.8))
        return sheet.svg()


def _broken(head: str, room: float) -> list[str]:
    """A head in lines: a word each where it does not fit in one, and a long word cut."""
    if letters_wide(head, SMALL) <= room:
        return [head]
    letters = max(3, int(room / (SMALL * 0.56)))
    return [word if len(word) <= letters else f"{word[: letters - 1]}." for word in head.split()]
