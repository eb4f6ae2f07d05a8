"""`make bench`: quality of the localizers on real chest X-rays, speed of the transport, cost of every method."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from tests.performance.lungs import LungScore, score
from tests.performance.methods_speed import Duel, MethodCost, all_costs, all_duels, open_tiny
from tests.performance.transport_speed import Speed, compare

REAL_CXR = Path(__file__).parents[3] / "shared" / "data" / "real_cxr"
LOCALIZERS = ("uot", "mean_box")
GRIDS = (14, 28, 56)
WIDTH = 110


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables; without the pictures the first is left out and says so."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance", description=__doc__)
    parser.add_argument(
        "--pictures",
        type=Path,
        default=REAL_CXR,
        help="folder with images/ and annotations.json (default: %(default)s)",
    )
    folder, console = parser.parse_args(arguments).pictures, Console(width=WIDTH)
    if (folder / "annotations.json").is_file():
        console.print(lung_table([score(name, folder) for name in LOCALIZERS]))
    else:
        console.print(
            f"No annotations.json in {folder}: lung overlap on real pictures left out (--pictures DIR)."
        )
    console.print(speed_table([compare(cells) for cells in GRIDS]))
    with TemporaryDirectory() as weights:
        lvlms = open_tiny(Path(weights))
        console.print(duel_table(all_duels(lvlms)))
        console.print(cost_table(all_costs(lvlms)))


def lung_table(scores: list[LungScore]) -> Table:
    """Mean box IoU against the radiologists, a localizer a row."""
    table = Table(title=f"{scores[0].pictures} real chest X-rays, mean box IoU of the lungs")
    for heading in ("localizer", "left lung", "right lung", "mean", "ms a picture"):
        table.add_column(heading, justify="left" if heading == "localizer" else "right")
    for one in scores:
        values = (one.left, one.right, one.both)
        table.add_row(one.localizer, *(f"{value:.3f}" for value in values), f"{1000 * one.seconds:.1f}")
    return table


def speed_table(speeds: list[Speed]) -> Table:
    """Milliseconds for one transport and 11 pushed concepts, a grid a row."""
    table = Table(title="One transport with 11 pushed concepts, same run")
    for heading in ("grid", "separable, ms", "POT dense, ms", "times faster", "largest difference"):
        table.add_column(heading, justify="right")
    for one in speeds:
        times = (f"{1000 * one.separable_s:.1f}", f"{1000 * one.dense_s:.1f}")
        table.add_row(f"{one.cells} x {one.cells}", *times, f"{one.ratio:.0f}", f"{one.error:.0e}")
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
