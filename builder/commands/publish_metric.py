"""`python -m builder publish-metric`: the metric's Space, from which `evaluate` loads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from builder.commands.options import DryRunOption, YesOption

ToMetricOption = Annotated[
    str, typer.Option("--to", metavar="ORG/attribution_overlap", help="The Space of the hub.")
]
MetricPlaceOption = Annotated[
    Path, typer.Option("--out", help="Where the files as they are sent, the statement and the log are kept.")
]


def publish_metric(
    to: ToMetricOption,
    out: MetricPlaceOption = Path("attribution_overlap.publish"),
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Publish the metric: look into its files, plan, push, read back, and wait for its Space to run.

    Can be stopped at any time; the same command goes on where it was.

    Example: python -m builder publish-metric --to ORG/attribution_overlap --dry-run
    """
    from builder.commands.publishing_programs import send_program
    from builder.publish.program_files import metric_files

    commit = send_program(to, metric_files(to), out, dry_run=dry_run, yes=yes)
    if commit:
        typer.echo(f'load it with: evaluate.load("{to}", revision="{commit}")')
