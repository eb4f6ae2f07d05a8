"""Scores that rise and fall over a few places, a line a series, in a grid of panels. 180 mm wide at most, percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medground_bench.drawing.axes import Axis, Score, end_of
from medground_bench.drawing.palette import GRID, HUES, Colour
from medground_bench.drawing.sheet import (
    MARGIN_MM,
    PAGE_MM,
    SMALL_PT,
    Place,
    Sheet,
    fitting_pt,
    width_mm,
)

LEFT_MM = 16.0
WIDEST_MM = 62.0
"""Of a panel and the gap after it."""

GAP_MM = 6.0
HEIGHT_MM = 40.0
TITLE_MM = 8.0
FOOT_MM = 9.0
SHIFT = 0.16
"""From one series to the next, in distances of two places: lines do not hide each other."""

Of = tuple[str, str, str]
"""(column, series, place)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePanels:
    """Panels of one row share an axis from 0; every series has a hue, and every second one rings for dots.

    columns  titles of the panels, from the left
    series   names of the lines, in the key below
    places   names under every panel, from the left
    rows     what a row of panels shows, from the top -> the scores that there are
    """

    columns: Sequence[str]
    series: Sequence[str]
    places: Sequence[str]
    rows: Mapping[str, Mapping[Of, Score]]

    def png(self) -> bytes:
        """The figure's file."""
        pitch = min(WIDEST_MM, (PAGE_MM - LEFT_MM) / len(self.columns))
        width = pitch - GAP_MM
        foot = FOOT_MM + (_longest(self.places) - 4 if _upright(self.places, width) else 0)
        below = TITLE_MM + (HEIGHT_MM + foot) * len(self.rows)
        sheet = Sheet(LEFT_MM + pitch * len(self.columns), below + TITLE_MM)
        size_pt = min(fitting_pt(column, pitch - 2) for column in self.columns)
        for number, column in enumerate(self.columns):
            middle = LEFT_MM + pitch * number + width / 2
            sheet.text((middle, TITLE_MM / 2), column, anchor="mm", size_pt=size_pt)
        for line, (title, scores) in enumerate(self.rows.items()):
            top = TITLE_MM + (HEIGHT_MM + foot) * line
            up = Axis(top + HEIGHT_MM, top, end_of(scores.values()))
            sheet.upright((MARGIN_MM, top + (HEIGHT_MM + width_mm(title)) / 2), title)
            for number, column in enumerate(self.columns):
                panel = _Panel(LEFT_MM + pitch * number, width, up, self.places)
                _draw_panel(sheet, panel, with_numbers=number == 0)
                for series in self.series:
                    of_series = {place: scores.get((column, series, place)) for place in self.places}
                    self._draw_series(sheet, panel, series, of_series)
        self._draw_key(sheet, below + TITLE_MM / 2)
        return sheet.png()

    def _draw_series(
        self, sheet: Sheet, panel: _Panel, series: str, scores: Mapping[str, Score | None]
    ) -> None:
        """A line through the places that have a score, and every score's interval."""
        number = self.series.index(series)
        ink, shift = _hue(number), SHIFT * (number - (len(self.series) - 1) / 2)
        there = [
            (panel.across(place) + panel.step * shift, score)
            for place, score in scores.items()
            if score is not None
        ]
        dots: list[Place] = [(x, panel.up.at(score.value)) for x, score in there]
        if len(dots) > 1:
            sheet.line(dots, ink=ink, points=0.8)
        for (x, score), dot in zip(there, dots, strict=True):
            if score.low is not None and score.high is not None:
                sheet.line([(x, panel.up.at(score.low)), (x, panel.up.at(score.high))], ink=ink, points=0.8)
            sheet.dot(dot, ink=ink, filled=number % 2 == 0)

    def _draw_key(self, sheet: Sheet, y: float) -> None:
        x = LEFT_MM
        for number, name in enumerate(self.series):
            sheet.dot((x, y), ink=_hue(number), filled=number % 2 == 0)
            sheet.text((x + 2, y), name)
            x += width_mm(name) + 10


@dataclass(frozen=True, slots=True)
class _Panel:
    """One panel: where it begins and how wide it is, in mm, its upright axis, and its places."""

    left: float
    width: float
    up: Axis
    places: Sequence[str]

    @property
    def step(self) -> float:
        return self.width / len(self.places)

    def across(self, place: str) -> float:
        return self.left + self.step * (self.places.index(place) + 0.5)


def _draw_panel(sheet: Sheet, panel: _Panel, *, with_numbers: bool) -> None:
    for tick in panel.up.ticks:
        y = panel.up.at(tick)
        sheet.line([(panel.left, y), (panel.left + panel.width, y)], ink=GRID)
        if with_numbers:
            sheet.text((panel.left - 1.5, y), f"{100 * tick:.0f}", anchor="rm", size_pt=SMALL_PT)
    for place in panel.places:
        x, foot = panel.across(place), panel.up.zero_mm
        if _upright(panel.places, panel.width):
            sheet.upright((x, foot + 2 + width_mm(place, SMALL_PT)), place, size_pt=SMALL_PT)
        else:
            sheet.text((x, foot + 3), place, anchor="mm", size_pt=SMALL_PT)


def _upright(places: Sequence[str], width: float) -> bool:
    """Whether the names of the places have to be written upwards below a panel of that width, in mm."""
    return _longest(places) > width / len(places)


def _longest(places: Sequence[str]) -> float:
    return max(width_mm(place, SMALL_PT) for place in places)


def _hue(number: int) -> Colour:
    return HUES[number % len(HUES)]
