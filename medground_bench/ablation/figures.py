"""The tables as figures that a paper can print: 180 mm wide, 300 dots an inch, values in percent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from medground_bench.ablation.regions import PAPERS_CHOICE, TransportChoice
from medground_bench.ablation.tables import Record
from medground_bench.core.types import Group
from medground_bench.drawing.sheet import (
    GRID,
    HUES,
    PALE,
    SMALL_PT,
    Place,
    Sheet,
    ink_on,
    shade,
    width_mm,
)
from medground_bench.leaderboard.board import ALL

WIDTH = 180.0
MARGIN = 3.0
ROW = 4.6
TITLE = 8.0


def draw_entries(records: Sequence[Record]) -> bytes:
    """Table 2: a dot for every row's IoU with its 95 % interval, one panel a mode, all LVLMs and sources pooled."""
    modes, sections = _distinct(records, "mode"), _distinct(records, "section")
    labels = {
        name: _distinct([row for row in records if row["section"] == name], "label") for name in sections
    }
    rows = sum(map(len, labels.values())) + len(sections)
    left = MARGIN * 2 + max(width_mm(label) for several in labels.values() for label in several)
    panel = (WIDTH - left) / max(1, len(modes))
    sheet = Sheet(WIDTH, TITLE + ROW * rows + 6)
    end = _longest([row for row in records if row.get("lvlm") == row.get("source") == ALL], "iou", "high")
    axes = [_Axis(left + panel * n + 3, left + panel * (n + 1) - 14, end) for n in range(len(modes))]
    for axis, mode in zip(axes, modes, strict=True):
        _draw_axis(sheet, axis, (TITLE, TITLE + ROW * rows), f"IoU, %, {mode}")
    y = TITLE + ROW / 2
    for name, several in labels.items():
        sheet.text((MARGIN, y), name, ink=PALE)
        for label in several:
            y += ROW
            sheet.text((MARGIN * 2, y), label)
            for axis, mode in zip(axes, modes, strict=True):
                _draw_score(sheet, axis, y, _pooled(records, section=name, label=label, mode=mode))
        y += ROW
    return sheet.png()


def draw_transport(records: Sequence[Record]) -> bytes:
    """Table 7: IoU for every lambda and epsilon, a panel for each number of references, a row of panels a mode.

    The paper's choice is framed.
    """
    modes, counts, weights, epsilons = (
        _distinct(records, column) for column in ("mode", "references", "marginal_weight", "epsilon")
    )
    cell = (13.0, 8.0)
    panel = ((WIDTH - MARGIN * 2) / len(counts), cell[1] * len(weights) + 16)
    sheet = Sheet(WIDTH, panel[1] * len(modes) + MARGIN)
    ious = [row["iou"] for row in records if row.get("lvlm") == row.get("source") == ALL]
    for (down, mode), (across, count) in product(enumerate(modes), enumerate(counts)):
        left, top = MARGIN + panel[0] * across + 15, panel[1] * down + 13
        sheet.text((left, top - 9), f"{count} {'reference' if count == 1 else 'references'}, {mode}")
        sheet.text((left - 2, top - 3), "epsilon", anchor="rm", size_pt=SMALL_PT, ink=PALE)
        sheet.upright((left - 12, top + cell[1] * len(weights) / 2 + 3), "lambda", size_pt=SMALL_PT, ink=PALE)
        for column, epsilon in enumerate(epsilons):
            sheet.text((left + cell[0] * (column + 0.5), top - 3), f"{epsilon:g}", anchor="mm")
        for line, weight in enumerate(weights):
            y = top + cell[1] * line
            sheet.text((left - 2, y + cell[1] / 2), f"{weight:g}", anchor="rm")
            for column, epsilon in enumerate(epsilons):
                row = _pooled(records, mode=mode, references=count, marginal_weight=weight, epsilon=epsilon)
                _draw_cell(sheet, (left + cell[0] * column, y), cell, row, (min(ious), max(ious)))
    return sheet.png()


def draw_groups(records: Sequence[Record]) -> bytes:
    """Figure 6: IoU and failure rate from wrong answers to grounded ones, a column an LVLM, a line a mode."""
    modes = _distinct(records, "mode")
    lvlms = sorted(name for name in _distinct(records, "lvlm") if name != ALL)
    titles = {"iou": "IoU, %", "whole_image": "Failure rate, %"}
    left, height = 16.0, 40.0
    width = min(62.0, (WIDTH - left) / len(lvlms))
    sheet = Sheet(left + width * len(lvlms), TITLE * 2 + (height + 9) * len(titles))
    for (number, lvlm), (line, column) in product(enumerate(lvlms), enumerate(titles)):
        end = _longest(records, *(("iou", "high") if column == "iou" else (column,)))
        panel = _Panel(column, (left + width * number, TITLE + (height + 9) * line), width - 6, height, end)
        middle = panel.corner[1] + height / 2
        if line == 0:
            sheet.text((panel.corner[0] + panel.width / 2, TITLE / 2), lvlm, anchor="mm")
        if number == 0:
            sheet.upright((MARGIN, middle + width_mm(titles[column]) / 2), titles[column])
        _draw_panel(sheet, panel, with_numbers=number == 0)
        for place, mode in enumerate(modes):
            rows = [_pooled(records, lvlm=lvlm, mode=mode, group=group.value) for group in Group]
            _draw_mode(sheet, panel, [row for row in rows if row], place, len(modes))
    for place, mode in enumerate(modes):
        x, y = left + 24 * place, TITLE * 1.5 + (height + 9) * len(titles)
        sheet.dot((x, y), ink=HUES[place], filled=place % 2 == 0)
        sheet.text((x + 2, y), mode)
    return sheet.png()


def draw_concepts(records: Sequence[Record]) -> bytes:
    """Table 8 by finding: which concept is the evidence, in percent of the cases; a panel a mode."""
    modes = _distinct(records, "mode")
    shown = [row for row in records if row["kind"] != "group"]
    concepts = _distinct(shown, "concept")
    findings = [name for name in _distinct(shown, "finding") if name != ALL]
    label = max(map(width_mm, [*findings, "all findings"])) + 2
    head = max(width_mm(concept) for concept in concepts) + 3
    cell = ((WIDTH - 2 * MARGIN - label) / len(concepts), 5.4)
    panel = cell[1] * (len(findings) + 1) + TITLE
    sheet = Sheet(WIDTH, MARGIN * 2 + head + panel * len(modes))
    for number, concept in enumerate(concepts):
        sheet.upright((MARGIN + label + cell[0] * (number + 0.5), MARGIN + head), concept)
    for place, mode in enumerate(modes):
        top = MARGIN + head + panel * place
        sheet.text((MARGIN, top + TITLE / 2), mode, ink=PALE)
        for line, finding in enumerate([*findings, ALL]):
            y = top + TITLE - 1 + cell[1] * line
            words = "all findings" if finding == ALL else finding
            sheet.text((MARGIN + label - 2, y + cell[1] / 2), words, anchor="rm")
            for number, concept in enumerate(concepts):
                row = _pooled(shown, mode=mode, finding=finding, concept=concept)
                corner = (MARGIN + label + cell[0] * number, y)
                _draw_share(sheet, corner, cell, row["share"] if row else None)
    return sheet.png()


@dataclass(frozen=True, slots=True)
class _Axis:
    """A horizontal axis from 0 to `end`, between two places across the sheet, in mm."""

    left: float
    right: float
    end: float

    def at(self, value: float) -> float:
        return self.left + (self.right - self.left) * min(value, self.end) / self.end


@dataclass(frozen=True, slots=True)
class _Panel:
    """A panel of one column's values: from 0 at its foot to `end` at its top; three places across."""

    column: str
    corner: Place
    width: float
    height: float
    end: float

    def at(self, place: float, value: float) -> Place:
        x = self.corner[0] + self.width * (place + 0.5) / len(Group)
        return x, self.corner[1] + self.height * (1 - min(value, self.end) / self.end)


def _draw_axis(sheet: Sheet, axis: _Axis, span: tuple[float, float], title: str) -> None:
    sheet.text(((axis.left + axis.right) / 2, MARGIN), title, anchor="mm")
    for tick in _ticks(axis.end):
        x = axis.at(tick)
        sheet.line([(x, span[0]), (x, span[1])], ink=GRID)
        sheet.text((x, span[1] + 2.5), f"{100 * tick:.0f}", anchor="mm", size_pt=SMALL_PT)


def _draw_score(sheet: Sheet, axis: _Axis, y: float, row: Record | None) -> None:
    if row is None:
        sheet.text((axis.left + 1, y), "not run", size_pt=SMALL_PT, ink=PALE)
        return
    if row["low"] is not None:
        sheet.line([(axis.at(row["low"]), y), (axis.at(row["high"]), y)], ink=HUES[0], points=1.0)
    sheet.dot((axis.at(row["iou"]), y), ink=HUES[0])
    sheet.text((axis.right + 11, y), f"{100 * row['iou']:.1f}", anchor="rm")


def _draw_cell(
    sheet: Sheet, corner: Place, size: Place, row: Record | None, span: tuple[float, float]
) -> None:
    if row is None:
        return
    low, high = span
    fill = shade(0.08 + 0.8 * (row["iou"] - low) / ((high - low) or 1.0))
    papers = TransportChoice(row["epsilon"], row["marginal_weight"], row["references"]) == PAPERS_CHOICE
    x, y = corner
    far = (x + size[0] - 0.4, y + size[1] - 0.4)
    sheet.cell(corner, far, fill=fill, outline=HUES[1] if papers else fill, points=1.4 if papers else 0.2)
    middle = ((x + far[0]) / 2, (y + far[1]) / 2)
    sheet.text(middle, f"{100 * row['iou']:.1f}", anchor="mm", ink=ink_on(fill))


def _draw_share(sheet: Sheet, corner: Place, size: Place, share: float | None) -> None:
    fill = shade(share or 0.0)
    far = (corner[0] + size[0] - 0.3, corner[1] + size[1] - 0.3)
    sheet.cell(corner, far, fill=fill, outline=fill, points=0.2)
    middle = ((corner[0] + far[0]) / 2, (corner[1] + far[1]) / 2)
    if share is None or share > 0:
        words = "-" if share is None else f"{100 * share:.0f}"
        sheet.text(middle, words, anchor="mm", size_pt=SMALL_PT, ink=ink_on(fill))


def _draw_panel(sheet: Sheet, panel: _Panel, *, with_numbers: bool) -> None:
    left, right = panel.corner[0], panel.corner[0] + panel.width
    for tick in _ticks(panel.end):
        y = panel.at(0, tick)[1]
        sheet.line([(left, y), (right, y)], ink=GRID)
        if with_numbers:
            sheet.text((left - 1.5, y), f"{100 * tick:.0f}", anchor="rm", size_pt=SMALL_PT)
    foot = panel.corner[1] + panel.height
    for place, group in enumerate(Group):
        sheet.text((panel.at(place, 0)[0], foot + 3), group.value, anchor="mm", size_pt=SMALL_PT)


def _draw_mode(sheet: Sheet, panel: _Panel, rows: Sequence[Record], place: int, modes: int) -> None:
    """One mode's line through the groups that have cases, shifted a little so that lines do not hide each other."""
    shift = 0.16 * (place - (modes - 1) / 2)
    at = {
        row["group"]: number + shift
        for number, group in enumerate(Group)
        for row in rows
        if row["group"] == group
    }
    places = [panel.at(at[row["group"]], row[panel.column]) for row in rows]
    if len(places) > 1:
        sheet.line(places, ink=HUES[place], points=0.8)
    for row, (x, y) in zip(rows, places, strict=True):
        if panel.column == "iou" and row["low"] is not None:
            ends = [panel.at(at[row["group"]], row[side]) for side in ("low", "high")]
            sheet.line(ends, ink=HUES[place], points=0.8)
        sheet.dot((x, y), ink=HUES[place], filled=place % 2 == 0)


def _pooled(records: Sequence[Record], **wanted: Any) -> Record | None:
    """The row with these values, everything else pooled; None where there is none."""
    full = dict.fromkeys(("source", "lvlm", "finding"), ALL) | wanted
    for row in records:
        if all(row.get(column) == value for column, value in full.items()):
            return row
    return None


def _distinct(records: Sequence[Record], column: str) -> list[Any]:
    return list(dict.fromkeys(row[column] for row in records if row.get(column) is not None))


def _longest(records: Sequence[Record], *columns: str) -> float:
    """The end of an axis from 0 that all these columns fit on."""
    values = [row[column] for row in records for column in columns if row.get(column) is not None]
    return min(1.0, max(0.1, math.ceil(10 * max(values, default=1.0) - 1e-9) / 10))


def _ticks(end: float) -> list[float]:
    step = 0.2 if end > 0.5 else 0.1
    return [step * number for number in range(round(end / step + 0.49) + 1) if step * number <= end + 1e-9]
