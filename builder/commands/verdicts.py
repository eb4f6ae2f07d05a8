"""`python -m builder verdicts`: stored responses read again."""

from __future__ import annotations

import typer

from builder.commands.options import OutOption, say_retained


def verdicts(out: OutOption) -> None:
    """Read the stored responses again and decide every verdict anew, without any LVLM.

    Example: python -m builder verdicts --out medground-bench
    """
    from builder.build import decide_again
    from medground_bench.benchmark.folder import DatasetFolder

    folder = DatasetFolder(out)
    changed = decide_again(folder)
    typer.echo(f"{changed} verdicts changed")
    say_retained(folder)
