"""`python -m builder diff`: two builds side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from builder.commands.options import JsonOption


def diff(
    old: Annotated[Path, typer.Argument(help="The dataset folder as it was.")],
    new: Annotated[Path, typer.Argument(help="The dataset folder as it is now.")],
    as_json: JsonOption = False,
) -> None:
    """Print which retained cases a rebuild gained and lost, and why.

    Example: python -m builder diff medground-bench-1.0 medground-bench
    """
    from builder.diff import changes
    from builder.report import diff_tables
    from medground_bench.benchmark.folder import DatasetFolder

    found = changes(DatasetFolder(old), DatasetFolder(new))
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in found], indent=2))
    elif found:
        Console().print(diff_tables(found))
    else:
        typer.echo("the same cases are retained")
