"""Wholes and their parts, a bar each under headings, in panels beside each other. 180 mm wide, percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medground_bench.drawing.axes import Axis
from medground_bench.drawing.cells import Cell
from medground_bench.drawing.palette import CELLS, FAINT, GRID, Colour, shade
from medground_bench.drawing.sheet import DPI, MARGIN_MM, PAGE_MM, SMALL_PT, Sheet, fitting_pt, width_mm

ROW_MM, BAR_MM = 4.6, 3.6
TITLE_MM = 8.0
FOOT_MM = 6.0
KEY_MM = 7.0
LABEL_MM = 58.0
"""Room of a label at most; a longer one is written smaller."""

BEFORE_MM, AFTER_MM = 3.0, 13.0
"""Room of a panel before its axis, and after it for the last part in numbers."""

PALEST = 0.15
"""Where the first part stands on the palette's scale of cells; the last one is at its end."""

DOT_MM = 25.4 / DPI


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedBars:
    """Bars from 0 to 100 %, cut into parts of which each is darker than the one before.

    The last part stands in numbers at the right, the others in the bar where there is room. What the parts lack of a
    whole stays paper. A part that is not 0 is at least one dot wide.

    panels    titles, from the left
    parts     names, in the key below
    sections  heading -> label of a row -> the parts' shares 0..1 in every panel; None, a dash, where there is no whole
    """

    panels: Sequence[str]
    parts: Sequence[str]
    sections: Mapping[str, Mapping[str, Sequence[Sequence[float] | None]]]

    def png(self) -> bytes:
        """The figure's file."""
        rows = sum(1 + len(section) for section in self.sections.values())
        foot = TITLE_MM + ROW_MM * rows
        sheet, axes = Sheet(PAGE_MM, foot + FOOT_MM + KEY_MM), self._axes()
        for axis, title in zip(axes, self.panels, strict=True):
            self._draw_axis(sheet, axis, foot, title)
        y = TITLE_MM + ROW_MM / 2
        for heading, section in self.sections.items():
            sheet.text((MARGIN_MM, y), heading, ink=FAINT)
            for label, wholes in section.items():
                y += ROW_MM
                sheet.text((MARGIN_MM * 2, y), label, size_pt=fitting_pt(label, LABEL_MM))
                for axis, shares in zip(axes, wholes, strict=True):
                    self._draw_bar(sheet, axis, y, shares)
            y += ROW_MM
        self._draw_key(sheet, axes[0].zero_mm, foot + FOOT_MM + KEY_MM / 2)
        return sheet.png()

    def colour(self, part: int) -> Colour:
        """Of the part in that place."""
        return shade(CELLS, float(np.linspace(PALEST, 1.0, len(self.parts))[part]))

    def _axes(self) -> list[Axis]:
        """One a panel, all from 0 to 100 %."""
        labels = [label for section in self.sections.values() for label in section]
        left = MARGIN_MM * 2 + min(LABEL_MM, max(map(width_mm, labels)))
        panel = (PAGE_MM - left) / len(self.panels)
        starts = [left + panel * number for number in range(len(self.panels))]
        return [Axis(start + BEFORE_MM, start + panel - AFTER_MM, 1.0) for start in starts]

    def _draw_axis(self, sheet: Sheet, axis: Axis, foot: float, title: str) -> None:
        middle, end = (axis.zero_mm + axis.end_mm) / 2, axis.end_mm + AFTER_MM - MARGIN_MM
        size_pt = fitting_pt(title, axis.end_mm - axis.zero_mm)
        sheet.text((middle, MARGIN_MM), title, anchor="mm", size_pt=size_pt)
        sheet.text((end, TITLE_MM - 1.2), self.parts[-1], anchor="rm", size_pt=SMALL_PT, ink=FAINT)
        for tick in axis.ticks:
            x = axis.at(tick)
            sheet.line([(x, TITLE_MM), (x, foot)], ink=GRID)
            sheet.text((x, foot + 2.5), f"{100 * tick:.0f}", anchor="mm", size_pt=SMALL_PT)

    def _draw_bar(self, sheet: Sheet, axis: Axis, y: float, shares: Sequence[float] | None) -> None:
        if shares is None:
            sheet.text((axis.zero_mm + 1, y), "-", size_pt=SMALL_PT, ink=FAINT)
            return
        begin = 0.0
        for part, share in enumerate(shares):
            x0, x1 = axis.at(begin), axis.at(begin + share)
            words = f"{100 * share:.1f}"
            fits = part < len(shares) - 1 and width_mm(words, SMALL_PT) < x1 - x0 - 1
            if share > 0:
                edges = (x0, y - BAR_MM / 2, max(x1, x0 + DOT_MM), y + BAR_MM / 2)
                sheet.cell(edges, Cell(words if fits else "", self.colour(part)), size_pt=SMALL_PT)
            begin += share
        sheet.text((axis.end_mm + AFTER_MM - MARGIN_MM, y), f"{100 * shares[-1]:.1f}", anchor="rm")

    def _draw_key(self, sheet: Sheet, x: float, y: float) -> None:
        for part, name in enumerate(self.parts):
            sheet.cell((x, y - 1.5, x + 3, y + 1.5), Cell("", self.colour(part)))
            sheet.text((x + 4.5, y), name)
            x += width_mm(name) + 10
