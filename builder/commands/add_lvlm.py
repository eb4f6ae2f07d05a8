"""`python -m builder add-lvlm`: another LVLM over the questions that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from builder.editors import Editor
    from builder.sources import Source
    from medground_bench.benchmark.folder import DatasetFolder


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
    from builder.build import bench_at, build_track, open_sources, sources_of, writing
    from builder.destinations import store_for
    from medground_bench.benchmark.folder import DatasetFolder

    folder = DatasetFolder(out)
    sources = open_sources(sources_of(folder), root or ())
    kept, quarantines = store_for(folder, store, sources), []
    editors = [_editor_of(folder, source, editor) for source in sources]
    with engine_of(engine, workers, gpus, address) as working:
        for location in dict.fromkeys(lvlm):
            opened = working.open(location, newest=newest)
            for source, editing in zip(sources, editors, strict=True):
                with writing(folder), bench_at(kept, source, editing, engine=working, retry=retry) as bench:
                    bench.quarantine.accept_all(accept or [])
                    quarantines.append(bench.quarantine)
                    for asked in dict.fromkeys(mode):
                        build_track(folder, opened, asked, bench, progress=progress)
    say_retained(folder)
    for quarantine in quarantines:
        quarantine.demand_empty()


def _editor_of(folder: DatasetFolder, source: Source, name: str | None) -> Editor:
    """The editor of the folder's edits of a source; another one is refused."""
    from builder.build import demand_same_editor, editor_for

    editor = editor_for(folder, source, name)
    demand_same_editor(folder, source.name, editor)
    return editor
