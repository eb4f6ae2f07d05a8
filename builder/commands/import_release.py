"""`python -m builder import-release`: the authors' released split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from builder.commands.options import OutOption, say_retained


def import_release(
    file: Annotated[Path, typer.Argument(help="The authors' released direct.json or reasoning.json.")],
    out: OutOption,
) -> None:
    """Put the verdicts of the authors' released split into a folder.

    Example: python -m builder import-release direct.json --out medground-bench
    """
    from builder.release import import_release as put
    from medground_bench.benchmark.folder import DatasetFolder

    folder = DatasetFolder(out)
    rows = put(file, folder)
    typer.echo(f"{len(rows)} released verdicts")
    say_retained(folder)
