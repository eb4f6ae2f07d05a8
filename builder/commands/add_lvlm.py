"""`python -m builder add-lvlm`: another LVLM over the questions that are there."""

from __future__ import annotations

from builder.commands.options import (
    AcceptOption,
    LvlmOption,
    ModeOption,
    OutOption,
    RetryOption,
    StoreOption,
    say_retained,
)
from medground_bench.commands.console import progress
from medground_bench.commands.options import NewestOption


def add_lvlm(
    lvlm: LvlmOption,
    mode: ModeOption,
    out: OutOption,
    store: StoreOption = None,
    newest: NewestOption = False,
    retry: RetryOption = False,
    accept: AcceptOption = None,
) -> None:
    """Ask another LVLM the questions that the folder already has; no file of another LVLM changes.

    Example: python -m builder add-lvlm --lvlm phantom_qwen2_5_vl --mode direct --out medground-bench
    """
    from builder.build import bench_at, build_track, open_source, sources_of, store_beside, writing
    from medground_bench.benchmark.folder import DatasetFolder
    from medground_bench.lvlms import open_lvlm

    folder = DatasetFolder(out)
    sources = [open_source(name) for name in sources_of(folder)]
    quarantines = []
    for location in dict.fromkeys(lvlm):
        opened = open_lvlm(location, newest=newest)
        for source in sources:
            with writing(folder), bench_at(store or store_beside(out), source, retry=retry) as bench:
                bench.quarantine.accept_all(accept or [])
                quarantines.append(bench.quarantine)
                for each in dict.fromkeys(mode):
                    build_track(folder, opened, each, bench, progress=progress)
    say_retained(folder)
    for quarantine in quarantines:
        quarantine.demand_empty()
