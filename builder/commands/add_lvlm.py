"""`python -m builder add-lvlm`: another LVLM over the questions that are there."""

from __future__ import annotations

from builder.commands.options import (
    AcceptOption,
    EditorOption,
    LvlmOption,
    ModeOption,
    OutOption,
    RetryOption,
    RootOption,
    StoreOption,
    engine_of,
    say_retained,
)
from medground_bench.commands.console import progress
from medground_bench.commands.options import (
    AddressOption,
    EngineName,
    EngineOption,
    GpusOption,
    NewestOption,
    WorkersOption,
)


def add_lvlm(
    lvlm: LvlmOption,
    mode: ModeOption,
    out: OutOption,
    root: RootOption = None,
    store: StoreOption = None,
    editor: EditorOption = None,
    newest: NewestOption = False,
    retry: RetryOption = False,
    accept: AcceptOption = None,
    engine: EngineOption = EngineName.LOCAL,
    workers: WorkersOption = None,
    gpus: GpusOption = None,
    address: AddressOption = None,
) -> None:
    """Ask another LVLM the questions that the folder already has; no file of another LVLM changes.

    Example: python -m builder add-lvlm --lvlm phantom_qwen2_5_vl --mode direct --out medground-bench
    """
    from builder.build import bench_at, build_track, open_sources, sources_of, store_beside, writing
    from medground_bench.benchmark.folder import DatasetFolder

    folder = DatasetFolder(out)
    sources, kept = open_sources(sources_of(folder), root or ()), store or store_beside(out)
    quarantines = []
    with engine_of(engine, workers, gpus, address) as working:
        for location in dict.fromkeys(lvlm):
            opened = working.open(location, newest=newest)
            for source in sources:
                with (
                    writing(folder),
                    bench_at(kept, source, editor, engine=working, retry=retry) as bench,
                ):
                    bench.quarantine.accept_all(accept or [])
                    quarantines.append(bench.quarantine)
                    for each in dict.fromkeys(mode):
                        build_track(folder, opened, each, bench, progress=progress)
    say_retained(folder)
    for quarantine in quarantines:
        quarantine.demand_empty()
