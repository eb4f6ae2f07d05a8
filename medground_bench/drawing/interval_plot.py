"""Scores with their intervals, a row each under headings, in panels beside each other. 180 mm wide, percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medground_bench.drawing.axes import Axis, Score, end_of
from medground_bench.drawing.palette import FAINT, GRID, HUES
from medground_bench.drawing.sheet import MARGIN_MM, PAGE_MM, SMALL_PT, Sheet, width_mm

ROW_MM = 4.6
TITLE_MM = 8.0
FOOT_MM = 6.0
BEFORE_MM, AFTER_MM = 3.0, 14.0
"""Room of a panel before its axis, and after it for the numbers."""


@dataclass(frozen=True, slots=True)
class IntervalPlot:
    """A dot for every score, a line for its interval, the score in percent at the right.

    panels    titles, from the left
    sections  heading -> label of a row -> its score in every panel; None says "not run"
    """

    panels: Sequence[str]
    sections: Mapping[str, Mapping[str, Sequence[Score | None]]]

    def png(self) -> bytes:
        """The figure's file."""
        rows = sum(1 + len(section) for section in self.sections.values())
        foot = TITLE_MM + ROW_MM * rows
        sheet, axes = Sheet(PAGE_MM, foot + FOOT_MM), self._axes()
        for axis, title in zip(axes, self.panels, strict=True):
            _draw_axis(sheet, axis, (TITLE_MM, foot), title)
        y = TITLE_MM + ROW_MM / 2
        for heading, section in self.sections.items():
            sheet.text((MARGIN_MM, y), heading, ink=FAINT)
            for label, scores in section.items():
                y += ROW_MM
                sheet.text((MARGIN_MM * 2, y), label)
                for axis, score in zip(axes, scores, strict=True):
                    _draw_score(sheet, axis, y, score)
            y += ROW_MM
        return sheet.png()

    def _axes(self) -> list[Axis]:
        """One a panel, all to the same end."""
        labels = [label for section in self.sections.values() for label in section]
        left = MARGIN_MM * 2 + max(map(width_mm, labels))
        panel = (PAGE_MM - left) / max(1, len(self.panels))
        end = end_of(
            score
            for section in self.sections.values()
            for scores in section.values()
            for score in scores
            if score is not None
        )
        starts = [left + panel * number for number in range(len(self.panels))]
        return [Axis(start + BEFORE_MM, start + panel - AFTER_MM, end) for start in starts]


def _draw_axis(sheet: Sheet, axis: Axis, span_mm: tuple[float, float], title: str) -> None:
    sheet.text(((axis.zero_mm + axis.end_mm) / 2, MARGIN_MM), title, anchor="mm")
    for tick in axis.ticks:
        x = axis.at(tick)
        sheet.line([(x, span_mm[0]), (x, span_mm[1])], ink=GRID)
        sheet.text((x, span_mm[1] + 2.5), f"{100 * tick:.0f}", anchor="mm", size_pt=SMALL_PT)


def _draw_score(sheet: Sheet, axis: Axis, y: float, score: Score | None) -> None:
    if score is None:
        sheet.text((axis.zero_mm + 1, y), "not run", size_pt=SMALL_PT, ink=FAINT)
        return
    if score.low is not None and score.high is not None:
        sheet.line([(axis.at(score.low), y), (axis.at(score.high), y)], ink=HUES[0], points=1.0)
    sheet.dot((axis.at(score.value), y), ink=HUES[0])
    sheet.text((axis.end_mm + AFTER_MM - MARGIN_MM, y), f"{100 * score.value:.1f}", anchor="rm")
