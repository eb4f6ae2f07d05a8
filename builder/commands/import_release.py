"""`python -m builder import-release`: the authors' released split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from builder.commands.options import (
    AllowMissingOption,
    OutOption,
    RootOption,
    StoreOption,
    say_ledger,
    say_retained,
    telling_ledgers,
)
from medground_bench.commands.console import INPUT_AT_FAULT, progress

FileArgument = Annotated[Path, typer.Argument(help="The authors' released direct.json or reasoning.json.")]
SourcesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source", help="Join with your copy of this source, for example vindr_cxr; may be given again."
    ),
]


def import_release(
    file: FileArgument,
    out: OutOption,
    source: SourcesOption = None,
    root: RootOption = None,
    store: StoreOption = None,
    allow_missing: AllowMissingOption = False,
) -> None:
    """Put the authors' released split into a folder: verdicts, and with your copies of sources cases with boxes.

    A case is joined with the question that has its position in the authors' order. What cannot be joined is told at the
    end, kept in ledger-<source>.jsonl and has a verdict without a question; the exit code is then 1. The release has no
    tokens of its responses, so its cases can be scored and no method can explain them. An earlier import of the same
    mode is replaced.

    Example: python -m builder import-release direct.json --source vindr_cxr --root vindr-cxr --out medground-bench
    """
    from builder.build import open_sources
    from builder.destinations import store_for
    from builder.release import import_release as put
    from medground_bench.benchmark.folder import DatasetFolder

    if root and not source:
        raise typer.BadParameter("--root is the copy of a --source, and none is named.")
    folder, opened = DatasetFolder(out), open_sources(list(dict.fromkeys(source or ())), root or ())
    place = store_for(folder, store, opened)
    with telling_ledgers(opened, place):
        rows = put(file, folder, opened, place, progress=progress)
    ledgers = [each.ledger.write(place, each.name) for each in opened]
    joined = sum(row.question_id is not None for row in rows)
    typer.echo(f"{len(rows)} released verdicts{f', {joined} joined with a question' if opened else ''}")
    say_retained(folder)
    for each, ledger in zip(opened, ledgers, strict=True):
        say_ledger(each, ledger, limit=None)
    if not allow_missing and any(each.ledger for each in opened):
        raise typer.Exit(INPUT_AT_FAULT)
