"""`python -m builder build`: the questions of a source, and what LVLMs say about them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import typer

from builder.commands.options import (
    AcceptOption,
    AllowMissingOption,
    EditorOption,
    LimitOption,
    LvlmOption,
    ModeOption,
    OutOption,
    RetryOption,
    RootOption,
    SourceOption,
    StoreOption,
    engine_of,
    say_ledger,
    say_retained,
    telling_ledgers,
)
from medground_bench.commands.console import INPUT_AT_FAULT, progress
from medground_bench.commands.options import (
    AddressOption,
    EngineName,
    EngineOption,
    GpusOption,
    NewestOption,
    WorkersOption,
)
from medground_bench.core.modes import Mode

if TYPE_CHECKING:
    from builder.place import Place
    from builder.quarantine import Quarantine
    from builder.sources import Source
    from builder.stages import Bench
    from medground_bench.benchmark.folder import DatasetFolder
    from medground_bench.core.types import Track
    from medground_bench.lvlms import LvlmDescription


def build(
    source: SourceOption,
    lvlm: LvlmOption,
    mode: ModeOption,
    out: OutOption,
    root: RootOption = None,
    limit: LimitOption = None,
    store: StoreOption = None,
    editor: EditorOption = None,
    newest: NewestOption = False,
    retry: RetryOption = False,
    accept: AcceptOption = None,
    engine: EngineOption = EngineName.LOCAL,
    workers: WorkersOption = None,
    gpus: GpusOption = None,
    address: AddressOption = None,
    allow_missing: AllowMissingOption = False,
) -> None:
    """Write the questions of a source and ask LVLMs about them.

    Can be stopped at any time; the same command goes on where it was. A unit of work that fails three times is put in
    quarantine, and the others go on; the exit code is 1 until it is done or accepted. What a source's files could not
    give is told at the end and kept as ledger-<source>.jsonl beside the finished work; the exit code is then 1, too.

    Example: python -m builder build --source phantom --lvlm phantom_gemma3 --mode direct --limit 40 --out bench
    """
    from builder.build import bench_at, editor_for, open_source, writing
    from builder.destinations import store_for
    from medground_bench.benchmark.folder import DatasetFolder

    folder, opened = DatasetFolder(out), open_source(source, root or ())
    kept, editing = store_for(folder, store, [opened]), editor_for(folder, opened, editor)
    with engine_of(engine, workers, gpus, address) as working:
        lvlms = [working.open(location, newest=newest) for location in dict.fromkeys(lvlm)]
        with writing(folder), bench_at(kept, opened, editing, engine=working, retry=retry) as bench:
            bench.quarantine.accept_all(accept or [])
            ledger = _built(folder, list(product(lvlms, dict.fromkeys(mode))), bench, limit, kept)
    say_retained(folder)
    _end(opened, ledger, limit, bench.quarantine, allow_missing=allow_missing)


def _built(
    folder: DatasetFolder,
    tracks: list[tuple[LvlmDescription, Mode]],
    bench: Bench,
    limit: int | None,
    store: Place,
) -> str:
    """Write the questions and then the tracks; gives the file of the ledger."""
    from builder.build import build_track, demand_same_editor
    from medground_bench.core.types import Track

    named = [Track(one.key, each) for one, each in tracks]
    demand_same_editor(folder, bench.source.name, bench.editor, named)
    with telling_ledgers([bench.source], store):
        ledger = _write_questions(folder, bench.source, limit, named, store)
    for lvlm, mode in tracks:
        build_track(folder, lvlm, mode, bench, progress=progress)
    return ledger


def _end(
    source: Source, ledger: str, limit: int | None, quarantine: Quarantine, *, allow_missing: bool
) -> None:
    """Tell what the source's files could not give and what could not be done; the exit code says so."""
    say_ledger(source, ledger, limit)
    quarantine.demand_empty()
    if source.ledger and not allow_missing:
        raise typer.Exit(INPUT_AT_FAULT)


def _write_questions(
    folder: DatasetFolder, source: Source, limit: int | None, tracks: list[Track], store: Place
) -> str:
    """Write the questions of a source, and beside the finished work their patients and the ledger, whose file it is."""
    from builder.build import write_questions
    from builder.patients import write_patients

    patients = write_questions(folder, source, limit, tracks, place=store, progress=progress)
    write_patients(store, source.name, patients)
    ledger = source.ledger.write(store, source.name)
    if source.ledger:
        typer.echo(f"{len(source.ledger)} in {ledger}, told at the end; the build goes on.", err=True)
    return ledger
