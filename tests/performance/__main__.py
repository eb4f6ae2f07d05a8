"""`make bench`: quality of the localizers on real chest X-rays, and speed of the transport."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.performance.lungs import LungScore, score
from tests.performance.transport_speed import Speed, compare

REAL_CXR = Path(__file__).parents[3] / "shared" / "data" / "real_cxr"
LOCALIZERS = ("uot", "mean_box")
GRIDS = (14, 28, 56)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables; without the pictures the first is left out and says so."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance", description=__doc__)
    parser.add_argument(
        "--pictures",
        type=Path,
        default=REAL_CXR,
        help="folder with images/ and annotations.json (default: %(default)s)",
    )
    folder, console = parser.parse_args(arguments).pictures, Console()
    if (folder / "annotations.json").is_file():
        console.print(lung_table([score(name, folder) for name in LOCALIZERS]))
    else:
        console.print(
            f"No annotations.json in {folder}: lung overlap on real pictures left out (--pictures DIR)."
        )
    console.print(speed_table([compare(cells) for cells in GRIDS]))


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


if __name__ == "__main__":
    main()
