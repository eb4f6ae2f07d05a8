"""`python -m builder build`: the questions of a source, and what LVLMs say about them."""

from __future__ import annotations

from typing import Annotated

import typer

from builder.commands.options import (
    LvlmOption,
    ModeOption,
    OutOption,
    RootOption,
    SourceOption,
    StoreOption,
    say_ledger,
    say_retained,
)
from medground_bench.commands.console import INPUT_AT_FAULT, progress
from medground_bench.commands.options import NewestOption
from medground_bench.core.types import Track


def build(
    source: SourceOption,
    lvlm: LvlmOption,
    mode: ModeOption,
    out: OutOption,
    root: RootOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many pictures in the split test.")
    ] = None,
    store: StoreOption = None,
    newest: NewestOption = False,
    allow_missing: Annotated[
        bool,
        typer.Option("--allow-missing", help="Exit code 0 although the ledger of the source has entries."),
    ] = False,
) -> None:
    """Write the questions of a source and ask LVLMs about them.

    Can be stopped at any time; the same command goes on where it was. What a source could not give as its files have it
    is told at the end and kept as ledger-<source>.jsonl beside the finished work; the exit code is then 1.

    Example: python -m builder build --source phantom --lvlm phantom_gemma3 --mode direct --limit 40 --out
    medground-bench

    Or: python -m builder build --source imagenome --root chest-imagenome --root mimic-cxr-jpg --lvlm medgemma_4b
    --mode direct --out medground-bench
    """
    from builder.build import bench_at, build_track, open_source, store_beside, write_questions
    from builder.patients import write_patients
    from medground_bench.benchmark.folder import DatasetFolder
    from medground_bench.lvlms import open_lvlm

    folder, opened = DatasetFolder(out), open_source(source, root or ())
    lvlms = [open_lvlm(location, newest=newest) for location in dict.fromkeys(lvlm)]
    modes = list(dict.fromkeys(mode))
    kept = store or store_beside(out)
    with bench_at(kept, opened) as bench:
        tracks = [Track(one.key, each) for one in lvlms for each in modes]
        write_patients(kept, source, write_questions(folder, opened, limit, tracks))
        ledger = opened.ledger.write(kept, source)
        if opened.ledger:
            typer.echo(
                f"{len(opened.ledger)} entries in {ledger}, told at the end; the build goes on.", err=True
            )
        for one in lvlms:
            for each in modes:
                build_track(folder, one, each, bench, progress=progress)
    say_retained(folder)
    say_ledger(opened, ledger, limit)
    if opened.ledger and not allow_missing:
        raise typer.Exit(INPUT_AT_FAULT)
