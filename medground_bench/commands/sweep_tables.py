"""A sweep for people: its best candidates for the terminal, and a row per sweep for the folder of choices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from medground_bench.runs.sweep import Sweep, spelled

CANDIDATES_LISTED = 10


def sweep_table(sweep: Sweep) -> Table:
    """The best candidates, best first, in percent; the first is the choice."""
    ranked = sorted(sweep.candidates, key=lambda candidate: -candidate.iou)
    more = len(ranked) - CANDIDATES_LISTED
    table = Table(
        title=f"{sweep.method}, {sweep.lvlm}, {sweep.mode}: tuned on {sweep.cases} cases of {sweep.pictures} pictures",
        caption=f"and {more} more" if more > 0 else None,
    )
    for setting in sweep.chosen.settings:
        table.add_column(setting)
    table.add_column("mean IoU, %", justify="right")
    table.add_column("failed", justify="right")
    for candidate in ranked[:CANDIDATES_LISTED]:
        values = map(spelled, candidate.settings.values())
        table.add_row(*values, f"{100 * candidate.iou:.2f}", str(candidate.failed))
    return table


def sweeps_as_markdown(sweeps: Sequence[Sweep]) -> str:
    """A row per sweep: what was chosen, and how it compares with everything that was tried; percent."""
    lines = [
        "# Settings chosen on the split tune",
        "",
        "By mean IoU. Everything that was tried is in the JSON file of the sweep, and in the picture of that name. The "
        "fewer the cases, the more a choice is luck: as good are those, the choice among them, that the cases cannot "
        "tell from the best.",
        "",
        "| method | LVLM | mode | cases | pictures | chosen | mean IoU, % | median of all tried | tried | as good "
        "| failed |",
        "|" + "---|" * 11,
    ]
    for sweep in sorted(sweeps, key=lambda sweep: (sweep.method, sweep.track)):
        chosen, ious = sweep.chosen, [candidate.iou for candidate in sweep.candidates]
        settings = ", ".join(f"{name} {spelled(chosen.settings[name])}" for name in sweep.varying)
        what = (sweep.method, sweep.lvlm, str(sweep.mode), str(sweep.cases), str(sweep.pictures), settings)
        scores = (f"{100 * chosen.iou:.1f}", f"{100 * float(np.median(ious)):.1f}")
        counts = (str(len(ious)), str(sweep.as_good), str(chosen.failed))
        lines.append(f"| {' | '.join((*what, *scores, *counts))} |")
    return "\n".join(lines) + "\n"
