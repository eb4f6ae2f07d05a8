"""The command line of the builder: which file does what; every command's help ends with an example."""

from __future__ import annotations

import typer

from builder.commands.access import access
from builder.commands.add_lvlm import add_lvlm
from builder.commands.board import board
from builder.commands.build import build
from builder.commands.diff import diff
from builder.commands.eval_results import eval_results
from builder.commands.fidelity import fidelity
from builder.commands.import_release import import_release
from builder.commands.plan import plan
from builder.commands.publish import publish
from builder.commands.publish_metric import publish_metric
from builder.commands.publish_space import publish_space
from builder.commands.sources import sources
from builder.commands.stats import stats
from builder.commands.verdicts import verdicts
from medground_bench.commands.console import run

app = typer.Typer(
    help="Build MedGround-Bench: questions, answers, edits, verdicts, and the dataset folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (build, verdicts, stats, fidelity, diff, plan, publish):
    app.command()(command)
app.command("add-lvlm")(add_lvlm)
app.command("import-release")(import_release)
app.command("eval-results")(eval_results)
app.command("publish-metric")(publish_metric)
app.command("publish-space")(publish_space)
app.add_typer(sources, name="sources")
app.add_typer(access, name="access")
app.add_typer(board, name="board")


def main() -> None:
    """Run the command line and leave with its exit code."""
    run(app)
