"""`medground check`: everything that is wrong with a prediction file."""

from __future__ import annotations

import typer

from medground_bench.commands.options import (
    BenchmarkOption,
    PredictionsArgument,
    RootOption,
    open_joined,
    read_predictions,
)


def check(file: PredictionsArgument, benchmark: BenchmarkOption, root: RootOption = None) -> None:
    """Tell every problem of a prediction file.

    Example: medground check medfocus.jsonl --benchmark medground-bench
    """
    submission = read_predictions(file, open_joined(benchmark, root).references(), whole_tracks=True)
    tracks = ", ".join(map(str, submission.tracks)) or "none"
    typer.echo(f"{file}: no problem. {len(submission.predictions)} cases; whole tracks: {tracks}.")
    if submission.remark:
        typer.echo(f"note: {submission.remark}")
