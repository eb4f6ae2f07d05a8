"""`python -m builder stats`: what a folder says in numbers, and what it cost to build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from builder.commands.options import JsonOption, OutOption, StoreOption

ToOption = Annotated[
    Path | None,
    typer.Option("--to", help="A folder for tables 3 and 4, the groups of figure 6, the work, and a figure."),
]


def stats(
    out: OutOption, store: StoreOption = None, to: ToOption = None, as_json: JsonOption = False
) -> None:
    """Print accuracy, unreadable answers, the filter's groups, the retained cases, and the calls and edits of a folder.

    With --to, the paper's tables 3 and 4, the groups of figure 6 and the work are also written as CSV and Markdown,
    and what the filter made of the questions as a figure a split.

    Example: python -m builder stats --out medground-bench --to stats
    """
    from builder.build import store_beside
    from builder.counters import by_track, read_records
    from builder.place import Place
    from builder.report import tables_of, work_tables
    from builder.stats_files import write_stats
    from medground_bench.benchmark.folder import DatasetFolder
    from medground_bench.benchmark.rows import SPLITS
    from medground_bench.benchmark.statistics import Statistics

    folder = DatasetFolder(out)
    folder.demand()
    numbers = [Statistics.of(folder, split) for split in SPLITS]
    numbers = [each for each in numbers if each.accuracy or each.groups]
    builds = read_records(Place(store or store_beside(out)) / "builds")
    works = by_track(builds)
    written = write_stats(to, numbers, works) if to else []
    if as_json:
        splits = [each.as_json() for each in numbers]
        typer.echo(json.dumps({"splits": splits, "builds": [each.as_json() for each in builds]}, indent=2))
        return
    for each in numbers:
        Console().print(tables_of(each))
    if builds:
        Console().print(*work_tables(works), sep="\n")
    if to:
        typer.echo(f"written to {to}: {', '.join(file.name for file in written)}")
