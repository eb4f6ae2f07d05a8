"""`python -m builder stats`: what a folder says in numbers."""

from __future__ import annotations

import json

import typer
from rich.console import Console

from builder.commands.options import JsonOption, OutOption


def stats(out: OutOption, as_json: JsonOption = False) -> None:
    """Print accuracy, unreadable answers, the filter's groups and the retained cases of a folder.

    Example: python -m builder stats --out medground-bench
    """
    from builder.report import tables_of
    from medground_bench.benchmark.folder import DatasetFolder
    from medground_bench.benchmark.rows import SPLITS
    from medground_bench.benchmark.statistics import Statistics

    folder = DatasetFolder(out)
    folder.demand()
    numbers = [Statistics.of(folder, split) for split in SPLITS]
    numbers = [each for each in numbers if each.accuracy or each.groups]
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in numbers], indent=2))
        return
    for each in numbers:
        Console().print(tables_of(each))
