"""`python -m builder build`: the questions of a source, and what LVLMs say about them."""

from __future__ import annotations

from typing import Annotated

import typer

from builder.commands.options import (
    EditorOption,
    LvlmOption,
    ModeOption,
    OutOption,
    SourceOption,
    StoreOption,
    say_retained,
)
from medground_bench.commands.console import progress
from medground_bench.commands.options import NewestOption


def build(
    source: SourceOption,
    lvlm: LvlmOption,
    mode: ModeOption,
    out: OutOption,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many pictures in the split test.")
    ] = None,
    store: StoreOption = None,
    editor: EditorOption = None,
    newest: NewestOption = False,
) -> None:
    """Write the questions of a source and ask LVLMs about them.

    Can be stopped at any time; the same command goes on where it was.

    Example: python -m builder build --source phantom --lvlm phantom_gemma3 --mode direct --limit 40 --out
    medground-bench
    """
    from builder.build import bench_at, build_track, open_source, store_beside, write_questions
    from medground_bench.benchmark.folder import DatasetFolder
    from medground_bench.core.types import Track
    from medground_bench.lvlms import open_lvlm

    folder, opened = DatasetFolder(out), open_source(source)
    lvlms = [open_lvlm(location, newest=newest) for location in dict.fromkeys(lvlm)]
    modes = list(dict.fromkeys(mode))
    with bench_at(store or store_beside(out), opened, editor) as bench:
        write_questions(folder, opened, limit, [Track(one.key, each) for one in lvlms for each in modes])
        for one in lvlms:
            for each in modes:
                build_track(folder, one, each, bench, progress=progress)
    say_retained(folder)
