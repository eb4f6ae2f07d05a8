"""`python -m builder build`: the questions of a source, and what LVLMs say about them."""

from __future__ import annotations

from typing import Annotated

import typer

from builder.commands.options import (
    AcceptOption,
    AddressOption,
    EngineName,
    EngineOption,
    GpusOption,
    LvlmOption,
    ModeOption,
    OutOption,
    RetryOption,
    SourceOption,
    StoreOption,
    WorkersOption,
    engine_of,
    say_retained,
)
from medground_bench.commands.console import progress
from medground_bench.commands.options import NewestOption
from medground_bench.core.types import Track


def build(
    source: SourceOption,
    lvlm: LvlmOption,
    mode: ModeOption,
    out: OutOption,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many pictures in the split test.")
    ] = None,
    store: StoreOption = None,
    newest: NewestOption = False,
    retry: RetryOption = False,
    accept: AcceptOption = None,
    engine: EngineOption = EngineName.LOCAL,
    workers: WorkersOption = None,
    gpus: GpusOption = None,
    address: AddressOption = None,
) -> None:
    """Write the questions of a source and ask LVLMs about them.

    Can be stopped at any time; the same command goes on where it was. A unit of work that fails three times is put in
    quarantine, the others go on, and the exit code is 1 until it is done or accepted.

    Example: python -m builder build --source phantom --lvlm phantom_gemma3 --mode direct --limit 40 --out
    medground-bench
    """
    from builder.build import bench_at, build_track, open_source, store_beside, write_questions, writing
    from medground_bench.benchmark.folder import DatasetFolder

    folder, opened = DatasetFolder(out), open_source(source)
    modes = list(dict.fromkeys(mode))
    with engine_of(engine, workers, gpus, address) as working:
        lvlms = [working.open(location, newest=newest) for location in dict.fromkeys(lvlm)]
        with writing(folder), bench_at(store or store_beside(out), opened, working, retry=retry) as bench:
            bench.quarantine.accept_all(accept or [])
            write_questions(folder, opened, limit, [Track(one.key, each) for one in lvlms for each in modes])
            for one in lvlms:
                for each in modes:
                    build_track(folder, one, each, bench, progress=progress)
    say_retained(folder)
    bench.quarantine.demand_empty()
