"""The command line of the builder; every command's help ends with an example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from medground_bench.commands.console import progress, run
from medground_bench.commands.options import NewestOption
from medground_bench.core.types import Mode, Track

if TYPE_CHECKING:
    from medground_bench.benchmark.folder import DatasetFolder

app = typer.Typer(
    help="Build MedGround-Bench: questions, answers, edits, verdicts, and the dataset folder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SourceOption = Annotated[
    str, typer.Option("--source", help="Where the questions come from, for example phantom.")
]
LvlmOption = Annotated[
    list[str], typer.Option("--lvlm", help="Key, local folder or org/name@commit; may be given again.")
]
ModeOption = Annotated[list[Mode], typer.Option("--mode", help="direct or reason; may be given again.")]
OutOption = Annotated[Path, typer.Option("--out", help="The dataset folder, for example medground-bench.")]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", help="Where results of finished work are kept; by default beside the dataset folder."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def build(
    source: SourceOption,
    lvlm: LvlmOption,
    mode: ModeOption,
    out: OutOption,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many pictures in the split test.")
    ] = None,
    store: StoreOption = None,
    newest: NewestOption = False,
) -> None:
    """Write the questions of a source and ask LVLMs about them.

    Can be stopped at any time; the same command goes on where it was.

    Example: python -m builder build --source phantom --lvlm phantom_gemma3 --mode direct --limit 40 --out
    medground-bench
    """
    from builder.build import bench_at, build_track, open_source, store_beside, write_questions
    from medground_bench.benchmark.folder import DatasetFolder
    from medground_bench.lvlms import open_lvlm

    folder, opened = DatasetFolder(out), open_source(source)
    lvlms = [open_lvlm(location, newest=newest) for location in dict.fromkeys(lvlm)]
    modes = list(dict.fromkeys(mode))
    with bench_at(store or store_beside(out), opened) as bench:
        write_questions(folder, opened, limit, [Track(one.key, each) for one in lvlms for each in modes])
        for one in lvlms:
            for each in modes:
                build_track(folder, one, each, bench, progress=progress)
    _say_retained(folder)


@app.command("add-lvlm")
def add_lvlm(
    lvlm: LvlmOption,
    mode: ModeOption,
    out: OutOption,
    store: StoreOption = None,
    newest: NewestOption = False,
) -> None:
    """Ask another LVLM the questions that the folder already has; no file of another LVLM changes.

    Example: python -m builder add-lvlm --lvlm phantom_qwen2_5_vl --mode direct --out medground-bench
    """
    from builder.build import bench_at, build_track, open_source, sources_of, store_beside
    from medground_bench.benchmark.folder import DatasetFolder
    from medground_bench.lvlms import open_lvlm

    folder = DatasetFolder(out)
    sources = [open_source(name) for name in sources_of(folder)]
    for location in dict.fromkeys(lvlm):
        opened = open_lvlm(location, newest=newest)
        for source in sources:
            with bench_at(store or store_beside(out), source) as bench:
                for each in dict.fromkeys(mode):
                    build_track(folder, opened, each, bench, progress=progress)
    _say_retained(folder)


@app.command()
def verdicts(out: OutOption) -> None:
    """Read the stored responses again and decide every verdict anew, without any LVLM.

    Example: python -m builder verdicts --out medground-bench
    """
    from builder.build import decide_again
    from medground_bench.benchmark.folder import DatasetFolder

    folder = DatasetFolder(out)
    changed = decide_again(folder)
    typer.echo(f"{changed} verdicts changed")
    _say_retained(folder)


@app.command()
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


@app.command("import-release")
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
    _say_retained(folder)


def main() -> None:
    """Run the command line and leave with its exit code."""
    run(app)


def _say_retained(folder: DatasetFolder) -> None:
    from builder.report import retained_table
    from medground_bench.benchmark.rows import SPLITS
    from medground_bench.benchmark.statistics import Statistics

    for split in SPLITS:
        numbers = Statistics.of(folder, split)
        if numbers.groups:
            Console().print(retained_table(numbers))
    typer.echo(f"written to {folder.path}")
