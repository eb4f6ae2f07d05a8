"""`medground check` and `medground score`: what is wrong with a prediction file, and what it scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench.commands.options import BenchmarkOption, JsonOption, open_benchmark
from medground_bench.core.errors import BadSubmission, SourceMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medground_bench.core.types import Reference
    from medground_bench.submission.read import Submission

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A prediction file, .jsonl or .jsonl.gz.")]


def check(file: FileArgument, benchmark: BenchmarkOption) -> None:
    """Tell every problem of a prediction file.

    Example: medground check medfocus.jsonl --benchmark medground-bench
    """
    submission = _read_submission(file, open_benchmark(benchmark).references(), whole_tracks=True)
    tracks = ", ".join(map(str, submission.tracks)) or "none"
    typer.echo(f"{file}: no problem. {len(submission.predictions)} cases; whole tracks: {tracks}.")
    if submission.remark:
        typer.echo(f"note: {submission.remark}")


def score(file: FileArgument, benchmark: BenchmarkOption, as_json: JsonOption = False) -> None:
    """Score a prediction file.

    A case that it lacks of a track that it touches counts as 0 and as failed; so does one on which, by the .run.json
    beside the file, the method failed.

    Example: medground score medfocus.jsonl --benchmark medground-bench --json
    """
    references = open_benchmark(benchmark).references()
    submission = _read_submission(file, references, whole_tracks=False)
    import numpy as np
    from rich.console import Console

    from medground_bench.commands.tables import scores_table
    from medground_bench.core import scoring
    from medground_bench.runs.run_file import predictions_of

    touched = [each for each in references if each.track in submission.tracks]
    rows = scoring.score(touched, predictions_of(file, submission.predictions), rng=np.random.default_rng(0))
    if as_json:
        typer.echo(json.dumps({"file": str(file), "tracks": [row.as_dict() for row in rows]}, indent=2))
    else:
        Console().print(scores_table(rows))


def _read_submission(file: Path, references: Sequence[Reference], *, whole_tracks: bool) -> Submission:
    from medground_bench.submission.read import Problems, read_submission

    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise SourceMissing(f"{file}: there is no such file. Check the path.") from error
    submission = read_submission(content, references, whole_tracks=whole_tracks)
    if isinstance(submission, Problems):
        listed = "".join(f"\n  {problem}" for problem in submission.shown)
        rest = submission.total - len(submission.shown)
        more = f"\n  ... and {rest} more." if rest else ""
        counts = ", ".join(f"{code} {count}" for code, count in submission.counts.items())
        raise BadSubmission(f"{file} has {submission.total} problems ({counts}):{listed}{more}")
    return submission
