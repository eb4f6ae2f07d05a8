"""`python -m builder publish-space`: the main Space, with the library that it runs on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from builder.commands.options import DryRunOption, YesOption

ToSpaceOption = Annotated[
    str, typer.Option("--to", metavar="ORG/medground-bench", help="The Space of the hub.")
]
ResultsOption = Annotated[
    Path | None,
    typer.Option(
        "--results",
        help="A folder with board.json, and cases.json and tuned/ if there are, as of medground demo.",
    ),
]
SpacePlaceOption = Annotated[
    Path, typer.Option("--out", help="Where the files as they are sent, the statement and the log are kept.")
]


def publish_space(
    to: ToSpaceOption,
    results: ResultsOption = None,
    out: SpacePlaceOption = Path("space.publish"),
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Publish the Space: look into its files, plan, push, read back, and wait for it to run.

    Of the results the board, the cases of phantoms and the tuned settings go along. Without --results the Space has no
    board, also where it had one before. Can be stopped at any time; the same command goes on where it was.

    Example: python -m builder publish-space --to ORG/medground-bench --results medground-demo --dry-run
    """
    from builder.commands.publishing_programs import send_program
    from builder.publish.program_files import space_files

    send_program(to, space_files(to, results), out, dry_run=dry_run, yes=yes)
