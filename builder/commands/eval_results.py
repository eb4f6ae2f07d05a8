"""`python -m builder eval-results`: scores as files for the model repositories of the LVLMs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench.core.modes import Mode

if TYPE_CHECKING:
    from builder.publish.eval_results import Ranked


def eval_results(
    of: Annotated[str, typer.Option("--of", help="The published benchmark, org/name@<commit>.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the files, one folder a model repository.")],
    board: Annotated[
        Path | None,
        typer.Option(
            "--board",
            help="Folder with the board of a run on that benchmark; without it, the numbers that the paper reports.",
        ),
    ] = None,
    mode: Annotated[
        list[Mode] | None,
        typer.Option(
            "--mode",
            help="direct or reason; both if not given. The cases of the paper that its authors released are direct.",
        ),
    ] = None,
    source_url: Annotated[
        str | None, typer.Option("--source-url", help="Page where the numbers can be checked.")
    ] = None,
) -> None:
    """Write what the hub ranks models by: MedFocus' mean IoU of every LVLM, a file a mode.

    Nothing is sent. For a model of others the result is a pull request, whose value the hub shows as a community
    result until they merge it; the command for it is printed.

    Example: python -m builder eval-results --of org/medground-bench@0123456789abcdef0123456789abcdef01234567
    --out eval-results
    """
    from builder.publish.eval_results import benchmark_at, values_of, write

    values = values_of(board, benchmark_at(of), mode or list(Mode), source_url)
    for file in write(values, out):
        typer.echo(str(file))
    _say_what_to_do(values, out)


def _say_what_to_do(values: list[Ranked], out: Path) -> None:
    typer.echo("\nTo offer them to the models' owners:", err=True)
    for place, on_the_hub in sorted({(each.place, each.on_the_hub) for each in values}):
        if on_the_hub:
            typer.echo(f"hf upload {place} {out / place} . --create-pr", err=True)
        else:
            typer.echo(
                f"{place} is in no repository: add {out / place} where you publish its weights", err=True
            )
