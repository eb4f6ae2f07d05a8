"""`make bench`: quality of the localizers on real chest X-rays; speed of transport, methods, MedFocus, builder,
reading and joining; what a visitor of the Space waits for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from medground_bench.lvlms import open_lvlm
from tests.kit.outside_data import outside_data
from tests.performance.builder_speed import builder_tables
from tests.performance.join_speed import SOURCES, join_costs, join_table
from tests.performance.localizers import table as localizer_table
from tests.performance.medfocus_speed import MedFocusCost, medfocus_cost, plain_way
from tests.performance.methods_speed import Duel, MethodCost, all_costs, all_duels, open_tiny
from tests.performance.reading_speed import reading_table, readings
from tests.performance.space_speed import cost_table as space_table
from tests.performance.space_speed import desk_costs, page_costs
from tests.performance.transport_speed import Speed, compare
from tests.performance.transport_speed import table as localise_table

GRIDS = (14, 28, 56)
EMBEDDED = ("phantom_gemma3", "phantom_qwen2_5_vl")
WIDTH = 110


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every table; without the pictures the first says so and lacks their columns."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance", description=__doc__)
    parser.add_argument(
        "--pictures",
        type=Path,
        default=outside_data("real_cxr"),
        help="folder with images/ and annotations.json (default: %(default)s)",
    )
    folder, console = parser.parse_args(arguments).pictures, Console(width=WIDTH)
    console.print(localizer_table(folder))
    console.print(speed_table([compare(cells) for cells in GRIDS]))
    console.print(localise_table())
    with TemporaryDirectory() as weights:
        lvlms = open_tiny(Path(weights))
        asked = lvlms | {name: open_lvlm(name, device="cpu") for name in EMBEDDED}
        console.print(medfocus_table([medfocus_cost(lvlm, name) for name, lvlm in asked.items()]))
        plain = [plain_way(lvlm, family) for family, lvlm in lvlms.items()]
        console.print(duel_table([*plain, *all_duels(lvlms)]))
        console.print(cost_table(all_costs(lvlms)))
        for table in builder_tables(list(asked.values())):
            console.print(table)
    console.print(reading_table(readings()))
    console.print(join_table([cost for source in SOURCES for cost in join_costs(source)]))
    console.print(space_table([*page_costs(), *desk_costs()]))


def speed_table(speeds: list[Speed]) -> Table:
    """Milliseconds for one transport and 11 pushed concepts, a grid a row."""
    table = Table(title="One transport with 11 pushed concepts, same run")
    for heading in ("grid", "separable, ms", "POT dense, ms", "times faster", "largest difference"):
        table.add_column(heading, justify="right")
    for one in speeds:
        times = (f"{1000 * one.separable_s:.1f}", f"{1000 * one.dense_s:.1f}")
        table.add_row(f"{one.cells} x {one.cells}", *times, f"{one.ratio:.0f}", f"{one.error:.0e}")
    return table


def medfocus_table(costs: list[MedFocusCost]) -> Table:
    """Milliseconds of two questions about one picture, and of each part of the first; an LVLM a row."""
    table = Table(
        title="MedFocus, 16 pictures of 224 px: two questions about one picture, and the parts of the first"
    )
    parts = ("localise", "resize", "vision", "read picture", "read question")
    for heading in ("LVLM", "first, ms", "second, ms", "second / first", "difference, nats", *parts):
        table.add_column(heading, justify="left" if heading == "LVLM" else "right")
    for one in costs:
        questions = (f"{1000 * one.first_s:.0f}", f"{1000 * one.second_s:.0f}", f"{one.share:.2f}")
        timed = (one.localise_s, one.resize_s, one.vision_s, one.picture_s, one.question_s)
        shown = (f"{1000 * seconds:.1f}" for seconds in timed)
        table.add_row(one.family, *questions, f"{one.difference:.0e}", *shown)
    return table


def duel_table(duels: list[Duel]) -> Table:
    """Ours against another way to the same numbers, a pair a row."""
    table = Table(title="Tiny LVLMs, one case, one thread, timed in turns")
    for heading in ("ours against", "LVLM", "ours, ms", "other, ms", "times faster"):
        table.add_column(heading, justify="left" if heading in ("ours against", "LVLM") else "right")
    for one in duels:
        times = (f"{1000 * one.ours_s:.0f}", f"{1000 * one.other_s:.0f}")
        table.add_row(one.what, one.family, *times, f"{one.ratio:.1f}")
    return table


def cost_table(costs: list[MethodCost]) -> Table:
    """Seconds, passes and memory of one case, a method and LVLM a row."""
    table = Table(
        title="Tiny LVLMs, one case a method; backward passes in brackets, prompting up to 256 tokens"
    )
    for heading in ("method", "LVLM", "ms", "pictures encoded", "decoder rows", "tokens written", "peak, MB"):
        table.add_column(heading, justify="left" if heading in ("method", "LVLM") else "right")
    for one in costs:
        counted = (
            _with_backward(one.passes.pictures, one.passes.pictures_backward),
            _with_backward(one.passes.rows, one.passes.rows_backward),
            str(one.passes.steps),
        )
        peak = "-" if one.peak_mb is None else f"{one.peak_mb:.1f}"
        table.add_row(one.method, one.family, f"{1000 * one.seconds:.1f}", *counted, peak)
    return table


def _with_backward(forward: int, backward: float) -> str:
    return f"{forward} ({backward:g})" if backward else str(forward)


if __name__ == "__main__":
    main()
