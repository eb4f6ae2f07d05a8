"""`medground probe`: what boxes and maps are worth beyond their overlap with the expert's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medground_bench.commands.console import progress
from medground_bench.commands.options import BenchmarkOption, RootOption, open_joined
from medground_bench.core.modes import Mode
from medground_bench.probes import ProbeKind


def probe(
    benchmark: BenchmarkOption,
    predictions: Annotated[Path, typer.Option("--predictions", help="Folder of prediction files, of any tracks.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for tables, figures and kept results.")],
    what: Annotated[ProbeKind, typer.Option("--what", help="Which probe; all share their results.")] = ProbeKind.ALL,
    lvlm: Annotated[list[str] | None, typer.Option("--lvlm", help="May be given again; all if not.")] = None,
    mode: Annotated[list[Mode] | None, typer.Option("--mode", help="May be given again; both if not.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Cases of a track.")] = None,
    board: Annotated[Path | None, typer.Option("--board", help="Folder of results: its board gets columns.")] = None,
    root: RootOption = None,
) -> None:  # fmt: skip
    """Ask what boxes and maps are worth beyond their overlap with the expert's.

    Does the answer flip without what the boxes hold, is the order of a map right, does a map outlast shuffled weights,
    is the planted marker found, what do quantile and sign do to ranks, does a map point? docs/probes.md has what each
    number means. Writes CSV files and figures. Can be stopped at any time; the same command goes on where it was.

    Example: medground probe --benchmark medground-demo/medground-bench --predictions medground-demo/predictions
    --what removal --out probes
    """
    opened = open_joined(benchmark, root)
    from medground_bench.leaderboard.board import Board
    from medground_bench.probes.board_columns import with_probes
    from medground_bench.probes.probe import ProbePlan
    from medground_bench.probes.probe import probe as run_probes

    before = Board.read(board) if board else None
    plan = ProbePlan(what=what, lvlms=lvlm or (), modes=mode or (), limit=limit)
    probed = run_probes(opened, predictions, plan, out, progress=progress)
    for sentence in probed.not_run:
        typer.echo(f"not run: {sentence}", err=True)
    if board and before:
        with_probes(before, probed.tracks).save(board)
        typer.echo(f"columns added to the board of {board}")
    typer.echo(f"written to {out}: {', '.join(file.name for file in probed.files)}")
