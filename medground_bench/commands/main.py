"""The command line of MedGround-Bench: which file does what; every command's help ends with an example.

Heavy imports live inside the commands, so that `medground --help` and `medground list` need neither torch nor gradio.
Exit codes: 0 done, 1 the input is at fault, 2 usage (also a name nobody has), 3 our fault.
"""

from __future__ import annotations

from typing import Annotated

import typer

from medground_bench import __version__
from medground_bench.commands.ablate import ablate
from medground_bench.commands.atlas import atlas_app
from medground_bench.commands.attribute import attribute
from medground_bench.commands.board import board
from medground_bench.commands.check import check
from medground_bench.commands.console import run
from medground_bench.commands.demo import demo
from medground_bench.commands.fetch import fetch
from medground_bench.commands.listing import list_
from medground_bench.commands.localize import localize
from medground_bench.commands.predict import predict
from medground_bench.commands.probe import probe
from medground_bench.commands.score import score
from medground_bench.commands.submit import submit, withdraw
from medground_bench.commands.tune import tune

app = typer.Typer(
    help="Causally validated visual attribution for chest X-rays: benchmark, methods, metric.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    demo,
    attribute,
    localize,
    predict,
    tune,
    ablate,
    probe,
    check,
    score,
    fetch,
    submit,
    withdraw,
    board,
):
    app.command()(command)
app.command("list")(list_)
app.add_typer(atlas_app, name="atlas")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"medground {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Options before any command."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    run(app)


if __name__ == "__main__":
    main()
