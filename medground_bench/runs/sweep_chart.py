"""A sweep for people: the picture, one setting down and the other across, and the table of the best candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.table import Table

from medground_bench.drawing.charts import INK, PAPER
from medground_bench.drawing.overlays import HEAT
from medground_bench.drawing.sheet import ink_on
from medground_bench.runs.sweep import Candidate, Sweep

CHOSEN = (0, 150, 255)
CELL_WIDTH_PX, CELL_HEIGHT_PX = 46, 26
TEXT_PX = 13
GAP_PX = 10
HEADING_ROWS = 3
CANDIDATES_LISTED = 10


def draw_sweep(sweep: Sweep) -> Image.Image:
    """A heat map, lighter is better, percent in every cell, the choice framed.

    Rows are the first setting that varies (the layer), columns the second (the head); with one, there is one column.
    """
    table = _Table.of(sweep)
    font = ImageFont.load_default(size=TEXT_PX)
    title = f"{sweep.method}, {sweep.lvlm}, {sweep.mode}: mean IoU in percent, {sweep.cases} cases"
    left = GAP_PX * 2 + max(map(font.getlength, [table.down, *map(_label, table.rows)]))
    width = max(left + CELL_WIDTH_PX * len(table.columns), font.getlength(title) + GAP_PX) + GAP_PX
    height = CELL_HEIGHT_PX * (HEADING_ROWS + len(table.rows)) + GAP_PX
    image = Image.new("RGB", (round(width), height), PAPER)
    draw = ImageDraw.Draw(image)
    _write_headings(draw, table, title, left)
    best = max(candidate.iou for candidate in sweep.candidates)
    for candidate in sweep.candidates:
        row, column = table.place(candidate)
        corner = (left + CELL_WIDTH_PX * column, CELL_HEIGHT_PX * (HEADING_ROWS + row))
        _draw_cell(draw, corner, candidate, best=best, chosen=candidate is sweep.chosen)
    return image


def sweep_table(sweep: Sweep) -> Table:
    """The best candidates for the terminal, best first; the first is the choice."""
    ranked = sorted(sweep.candidates, key=lambda candidate: -candidate.iou)
    more = len(ranked) - CANDIDATES_LISTED
    table = Table(
        title=f"{sweep.method}, {sweep.lvlm}, {sweep.mode}: {sweep.cases} cases of the split tune",
        caption=f"and {more} more" if more > 0 else None,
    )
    for setting in sweep.chosen.settings:
        table.add_column(setting)
    table.add_column("mean IoU, %", justify="right")
    table.add_column("failed", justify="right")
    for candidate in ranked[:CANDIDATES_LISTED]:
        values = map(_label, candidate.settings.values())
        table.add_row(*values, f"{100 * candidate.iou:.2f}", str(candidate.failed))
    return table


def sweeps_as_markdown(sweeps: Sequence[Sweep]) -> str:
    """A row per sweep: what was chosen, and how it compares with everything that was tried; percent."""
    lines = [
        "# Settings chosen on the split tune",
        "",
        "By mean IoU. Everything that was tried is in the JSON file of the sweep, and in the picture of that name. The "
        "fewer the cases, the more a choice is luck.",
        "",
        "| method | LVLM | mode | cases | chosen | mean IoU, % | median of all tried | tried | failed |",
        "|" + "---|" * 9,
    ]
    for sweep in sorted(sweeps, key=lambda sweep: (sweep.method, sweep.lvlm, sweep.mode)):
        chosen, tried = sweep.chosen, [candidate.iou for candidate in sweep.candidates]
        varying = _Table.of(sweep)
        settings = [
            f"{name} {_label(chosen.settings[name])}" for name in (varying.down, varying.across) if name
        ]
        cells = (sweep.method, sweep.lvlm, sweep.mode, sweep.cases, ", ".join(settings))
        scores = (
            f"{100 * chosen.iou:.1f}",
            f"{100 * float(np.median(tried)):.1f}",
            len(tried),
            chosen.failed,
        )
        lines.append(f"| {' | '.join(map(str, cells + scores))} |")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Table:
    """Which setting goes down and which across, and their values in the order of the candidates."""

    down: str
    across: str
    rows: Sequence[Any]
    columns: Sequence[Any]

    @classmethod
    def of(cls, sweep: Sweep) -> _Table:
        settings = [candidate.settings for candidate in sweep.candidates]
        values = {name: _distinct([each.get(name) for each in settings]) for name in settings[0]}
        varying = [name for name, several in values.items() if len(several) > 1]
        down, across = [*varying, "", ""][:2]
        return cls(down, across, values.get(down, [None]), values.get(across, [None]))

    def place(self, candidate: Candidate) -> tuple[int, int]:
        row = self.rows.index(candidate.settings.get(self.down))
        return row, self.columns.index(candidate.settings.get(self.across))


def _write_headings(draw: ImageDraw.ImageDraw, table: _Table, title: str, left: float) -> None:
    font = ImageFont.load_default(size=TEXT_PX)
    draw.text((GAP_PX, CELL_HEIGHT_PX * 0.5), title, font=font, fill=INK, anchor="lm")
    draw.text((left, CELL_HEIGHT_PX * 1.5), table.across, font=font, fill=INK, anchor="lm")
    draw.text((GAP_PX, CELL_HEIGHT_PX * 2.5), table.down, font=font, fill=INK, anchor="lm")
    for place, value in enumerate(table.columns if table.across else ()):
        middle = (left + CELL_WIDTH_PX * (place + 0.5), CELL_HEIGHT_PX * 2.5)
        draw.text(middle, _label(value), font=font, fill=INK, anchor="mm")
    for place, value in enumerate(table.rows):
        end = (left - GAP_PX, CELL_HEIGHT_PX * (HEADING_ROWS + place + 0.5))
        draw.text(end, _label(value), font=font, fill=INK, anchor="rm")


def _draw_cell(
    draw: ImageDraw.ImageDraw, corner: tuple[float, float], candidate: Candidate, *, best: float, chosen: bool
) -> None:
    x, y = corner
    anchors = np.linspace(0, 1, len(HEAT))
    strength = candidate.iou / best if best else 0.0
    red, green, blue = (round(float(np.interp(strength, anchors, HEAT[:, place]))) for place in range(3))
    edges = (x, y, x + CELL_WIDTH_PX - 1, y + CELL_HEIGHT_PX - 1)
    outline, line_px = (CHOSEN, 3) if chosen else (PAPER, 1)
    draw.rectangle(edges, fill=(red, green, blue), outline=outline, width=line_px)
    middle = (x + CELL_WIDTH_PX / 2, y + CELL_HEIGHT_PX / 2)
    font = ImageFont.load_default(size=TEXT_PX)
    draw.text(middle, f"{100 * candidate.iou:.1f}", font=font, fill=ink_on((red, green, blue)), anchor="mm")


def _label(value: Any) -> str:
    """None is a mean, for example of all heads."""
    return "mean" if value is None else str(value)


def _distinct(values: Sequence[Any]) -> list[Any]:
    kept: list[Any] = []
    kept += (value for value in values if value not in kept)
    return kept
