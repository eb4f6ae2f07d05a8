"""The command line of MedGround-Bench; every command's help ends with an example.

Heavy imports live inside the commands, so that `medground --help` and `medground list` need neither torch nor gradio.
Exit codes: 0 done, 1 the input is at fault, 2 usage (also a name nobody has), 3 our fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench import __version__
from medground_bench.ablation import What
from medground_bench.commands import submissions
from medground_bench.commands.atlas import atlas_app
from medground_bench.commands.console import progress, run
from medground_bench.commands.options import BenchmarkOption, JsonOption, open_benchmark
from medground_bench.core.errors import MethodFailed, UnknownName
from medground_bench.core.types import Mode

if TYPE_CHECKING:
    from medground_bench.runs.predict import Outcome

DEFAULT_LVLM = "phantom_gemma3"

app = typer.Typer(
    help="Causally validated visual attribution for chest X-rays: benchmark, methods, metric.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ImageArgument = Annotated[
    Path, typer.Argument(metavar="IMAGE", help="A chest X-ray: PNG, JPEG, TIFF, BMP, WEBP or DICOM.")
]
LvlmOption = Annotated[
    str, typer.Option("--lvlm", help="A key of `medground list lvlms`, a folder, or org/name@commit.")
]
ModeOption = Annotated[Mode, typer.Option("--mode", help="How the LVLM is asked.")]
FolderOption = Annotated[
    Path | None, typer.Option("--out", help="Folder for pictures and JSON; medground-out/<image> by default.")
]
VOCABULARY_HELP = "Concepts for MedFocus: imagenome, lung_zones, or a YAML file."

TUNED = Path("medground-tuned")
ALL_METHODS = "all"


class Kind(StrEnum):
    """What can be listed."""

    METHODS = "methods"
    LVLMS = "lvlms"
    SOURCES = "sources"
    LOCALIZERS = "localizers"
    EDITORS = "editors"


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


@app.command()
def demo(
    cases: Annotated[int, typer.Option("--cases", min=4, help="About so many cases in every track.")] = 12,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Open the Space on the results.")] = True,
    out: Annotated[Path, typer.Option("--out", help="Where everything is kept.")] = Path("medground-demo"),
) -> None:
    """Build, run, score and show the phantom benchmark.

    Every method runs on both embedded LVLMs in both modes; then the Space opens on the results.

    Can be stopped at any time; the same command goes on where it was.

    Example: medground demo --cases 6 --no-serve
    """
    from rich.console import Console

    from medground_bench.commands.demo import run_demo, serve_space
    from medground_bench.commands.tables import demo_report

    made = run_demo(out, cases)
    Console().print(demo_report(made))
    typer.echo(f"written to {out}")
    if serve:
        typer.echo("Opening the Space on it; Ctrl-C ends it.")
        serve_space(out)


@app.command()
def attribute(
    image: ImageArgument,
    finding: Annotated[str | None, typer.Option("--finding", help="A finding, for example cardiomegaly.")] = None,
    question: Annotated[str | None, typer.Option("--question", help="A yes/no question in your own words.")] = None,
    lvlm: LvlmOption = DEFAULT_LVLM,
    method: Annotated[list[str] | None, typer.Option("--method", help="May be given again; medfocus if not.")] = None,
    mode: ModeOption = Mode.DIRECT,
    vocabulary: Annotated[str | None, typer.Option("--vocabulary", help=VOCABULARY_HELP)] = None,
    out: FolderOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show what an LVLM's answer about a picture rests on.

    The embedded LVLMs know the ten findings of the phantom; others may be asked about anything. A folder holds one run:
    what an earlier one of this command wrote there is replaced, but not without --out when it was about another file.

    Example: medground attribute xray.png --finding cardiomegaly --method medfocus --method occlusion
    """
    finding, question = ((words or "").strip() or None for words in (finding, question))
    if (finding is None) == (question is None):
        raise typer.BadParameter("give either --finding or --question", param_hint="--finding / --question")
    methods = method or ["medfocus"]
    for name in methods:
        _demand("methods", name)
    from medground_bench.runs.explain import Ask
    from medground_bench.runs.explanation_folder import attribute_file, folder_of

    folder = out or folder_of(image)
    wanted = Ask(mode, finding, question)
    attributed = attribute_file(image, wanted, lvlm, methods, vocabulary=vocabulary)
    attributed.save(folder)
    _tell((*attributed.how.notes, attributed.note))
    typer.echo(json.dumps(attributed.as_json(), indent=2) if as_json else attributed.as_text())
    typer.echo(f"written to {folder}", err=as_json)
    if attributed.failures:
        failed = ", ".join(attributed.failures)
        raise MethodFailed(
            f"{failed} failed on {image}. The reasons, and what the others found, are in {folder}."
        )


@app.command()
def localize(
    image: ImageArgument,
    localizer: Annotated[
        str, typer.Option("--localizer", help="A name of `medground list localizers`.")
    ] = "uot",
    out: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the 11 anatomical concepts on a picture.

    Boxes are native pixels. What an earlier run wrote into the folder is replaced, but not without --out when it was
    about another file.

    Example: medground localize xray.png --out concepts
    """
    _demand("localizers", localizer)
    from medground_bench.runs.explanation_folder import folder_of, localize_file

    folder = out or folder_of(image)
    located = localize_file(image, localizer, folder)
    _tell(located.how.notes)
    typer.echo(json.dumps(located.as_json(), indent=2) if as_json else located.as_text())
    typer.echo(f"written to {folder}", err=as_json)


@app.command()
def predict(
    benchmark: BenchmarkOption,
    lvlm: LvlmOption,
    method: Annotated[
        list[str],
        typer.Option("--method", help="A name of `medground list methods`; may be given again, or `all`."),
    ],
    mode: ModeOption,
    out: Annotated[
        Path,
        typer.Option("--out", help="The prediction file, .jsonl or .jsonl.gz; a folder for several methods."),
    ],
    tuned: Annotated[Path, typer.Option("--tuned", help="Folder of what `medground tune` chose.")] = TUNED,
) -> None:
    """Write the prediction file of one method, or of several.

    Runs over one track: one LVLM in one mode. Can be stopped at any time; the same command goes on where it was.
    Settings that `medground tune` chose for the LVLM and mode are used, and recorded beside the file.

    Example: medground predict --benchmark medground-bench --lvlm phantom_gemma3 --method medfocus --mode direct
    --out medfocus.jsonl
    """
    for name in method:
        if name != ALL_METHODS:
            _demand("methods", name)
    opened = open_benchmark(benchmark)
    from medground_bench.lvlms import key_of, open_lvlm

    opened.references(lvlm=key_of(lvlm), mode=mode)
    from medground_bench.methods import open_method
    from medground_bench.runs.parallel import method_names
    from medground_bench.runs.predict import Run, predict_several

    asked = open_lvlm(lvlm)
    names = method_names(asked) if ALL_METHODS in method else list(dict.fromkeys(method))
    for name in names:
        open_method(name, asked)
    runs = [Run(name, mode) for name in names]
    _report(predict_several(opened, asked, runs, out, tuned=tuned, progress=progress))


@app.command()
def tune(
    benchmark: BenchmarkOption,
    lvlm: LvlmOption,
    method: Annotated[
        str, typer.Option("--method", help="A method with a layer, head or baseline to choose.")
    ],
    mode: Annotated[
        Mode | None, typer.Option("--mode", help="How the LVLM is asked; both if not given.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the choice and its picture.")] = TUNED,
) -> None:
    """Choose a method's layer, head or baseline.

    Tries them all on the benchmark's split `tune` and keeps the best by mean IoU, with a picture of the sweep, where
    `medground predict` finds it.

    Example: medground tune --benchmark medground-bench --lvlm phantom_gemma3 --method attention_head
    """
    _demand("methods", method)
    opened = open_benchmark(benchmark)
    from medground_bench.lvlms import key_of, open_lvlm

    key = key_of(lvlm)
    modes = (
        [mode]
        if mode
        else [track.mode for track in opened.tracks("tune") if track.lvlm == key and track.cases]
    )
    for each in modes or Mode:
        opened.references(lvlm=key, mode=each, split="tune")
    from rich.console import Console

    from medground_bench.runs.sweep_chart import sweep_table
    from medground_bench.runs.tune import tune_to

    asked = open_lvlm(lvlm)
    for each in modes or Mode:
        kept = tune_to(out, opened, asked, method, each, progress=progress)
        Console().print(sweep_table(kept.sweep))
        typer.echo(f"written to {kept.file} and {kept.picture.name}")


@app.command()
def ablate(
    benchmark: BenchmarkOption,
    out: Annotated[Path, typer.Option("--out", help="Folder for tables, figures and kept results.")],
    what: Annotated[What, typer.Option("--what", help="Which part; all share their results.")] = What.ALL,
    lvlm: Annotated[list[str] | None, typer.Option("--lvlm", help="May be given again; all if not.")] = None,
    mode: Annotated[list[Mode] | None, typer.Option("--mode", help="May be given again; both if not.")] = None,
    localizer: Annotated[str | None, typer.Option("--localizer", help="That of every other row; uot if not.")] = None,
    vocabulary: Annotated[str | None, typer.Option("--vocabulary", help=VOCABULARY_HELP)] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Questions of each group of a track.")] = None,
) -> None:  # fmt: skip
    """Change one thing of MedFocus at a time.

    Tables 2, 7 and 8 and figure 6 of the paper on any benchmark, as CSV files and as figures for print. A row that
    cannot be run here is told with the reason. Can be stopped at any time; the same command goes on where it was.

    Example: medground ablate --benchmark medground-bench --lvlm phantom_gemma3 --what localizers --out ablation
    """
    if localizer is not None:
        _demand("localizers", localizer)
    opened = open_benchmark(benchmark)
    from rich.console import Console

    from medground_bench.ablation.report import Plan
    from medground_bench.ablation.report import ablate as run_ablation
    from medground_bench.ablation.summary import summary
    from medground_bench.ablation.variants import Variant

    own = Variant()
    base = replace(own, localizer=localizer or own.localizer, vocabulary=vocabulary or own.vocabulary)
    plan = Plan(what=what, base=base, lvlms=lvlm or (), modes=mode or (), limit=limit)
    made = run_ablation(opened, plan, out, progress=progress)
    Console().print(summary(made))
    typer.echo(f"written to {out}: {', '.join(file.name for file in made.files)}")


app.add_typer(atlas_app, name="atlas")
app.command()(submissions.check)
app.command()(submissions.score)


@app.command("list")
def list_(kind: Annotated[Kind, typer.Argument(help="What to list.")], as_json: JsonOption = False) -> None:
    """List what is installed, also from other packages.

    Example: medground list methods
    """
    from medground_bench.commands.tables import listing

    entries = listing(kind.value)
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
    elif entries:
        width = max(len(entry["name"]) for entry in entries)
        for entry in entries:
            typer.echo(f"{entry['name']:<{width}}  {entry['about']}")
    else:
        typer.echo(f"no {kind} here: they belong to the builder, which comes with a checkout.", err=True)


def main() -> None:
    """Run the command line and leave with its exit code."""
    run(app)


def _demand(kind: str, name: str) -> None:
    """UnknownName before anything heavy is imported or opened."""
    from medground_bench import plugins

    known = {plugin.name for plugin in plugins.available(kind)}
    if name not in known:
        raise UnknownName(kind.removesuffix("s"), name, known)


def _report(outcomes: Iterable[Outcome]) -> None:
    """Say how each run went as it ends; MethodFailed names those of which every case failed."""
    useless = []
    for outcome in outcomes:
        typer.echo(outcome.as_text())
        for failure in outcome.failures[:5]:
            typer.echo(f"  {failure.case_id}: {failure.error}", err=True)
        useless += [str(outcome.file)] if outcome.all_failed else []
    if useless:
        raise MethodFailed(f"the method failed on every case of {', '.join(useless)}.")


def _tell(notes: Iterable[str | None]) -> None:
    for note in filter(None, notes):
        typer.echo(f"note: {note}", err=True)


if __name__ == "__main__":
    main()
