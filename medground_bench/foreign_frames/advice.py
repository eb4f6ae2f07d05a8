"""How foreign boxes become native pixels, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from medground_bench.foreign_frames.coordinate_systems import CoordinateSystem, Grid
from medground_bench.foreign_frames.written_boxes import Written

LINES_TOLD = 10
ONE_OF_THEM = "Use the one that made your boxes: another gives boxes that pass but lie elsewhere."
IF_THAT = "If something else made your boxes, this gives boxes that pass but lie elsewhere."
GENERAL = (
    "Boxes on pictures stretched or scaled to W x H px become native by x * width / W and y * height / H."
)
Y_FIRST = "A model that answers y first needs x written before y as well."


def advice(systems: Sequence[CoordinateSystem]) -> str:
    """Every system with its conversion, and the rule for any other."""
    if not systems:
        return f"Map them back by the resize you used. {GENERAL}"
    fit = f"They fit {'; or '.join(system.advice for system in systems)}."
    y_first = [Y_FIRST] if any(isinstance(system, Grid) for system in systems) else []
    return " ".join([fit, ONE_OF_THEM if len(systems) > 1 else IF_THAT, GENERAL, *y_first])


def lines(cases: Sequence[Written]) -> str:
    """`line 3`, `lines 3, 5, 8`, and how many more."""
    told = ", ".join(str(case.line) for case in cases[:LINES_TOLD])
    more = f" and {len(cases) - LINES_TOLD} more" if len(cases) > LINES_TOLD else ""
    return f"{'line' if len(cases) == 1 else 'lines'} {told}{more}"
