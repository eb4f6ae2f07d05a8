"""`medground score`: what a prediction file scores, with an interval for every track."""

from __future__ import annotations

import json

import typer

from medground_bench.commands.options import (
    BenchmarkOption,
    JsonOption,
    PredictionsArgument,
    RootOption,
    open_joined,
    read_predictions,
)


def score(
    file: PredictionsArgument,
    benchmark: BenchmarkOption,
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a prediction file.

    A case that it lacks of a track that it touches counts as 0 and as failed; so does one on which, by the .run.json
    beside the file, the method failed.

    Example: medground score medfocus.jsonl --benchmark medground-bench --json
    """
    references = open_joined(benchmark, root).references()
    submission = read_predictions(file, references, whole_tracks=False)
    from rich.console import Console

    from medground_bench.commands.tables import scores_table
    from medground_bench.core import scoring
    from medground_bench.runs.run_file import predictions_of

    touched = [each for each in references if each.track in submission.tracks]
    rows = scoring.score(touched, predictions_of(file, submission.predictions))
    if as_json:
        typer.echo(json.dumps({"file": str(file), "tracks": [row.as_dict() for row in rows]}, indent=2))
    else:
        Console().print(scores_table(rows))
