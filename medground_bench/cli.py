"""The command line of MedGround-Bench; every command's help ends with an example.

Heavy imports live inside the commands, so that `medground --help` and `medground list` need neither torch nor gradio.
Exit codes: 0 done, 1 the input is at fault, 2 usage (also a name nobody has), 3 our fault.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench import __version__
from medground_bench.console import run
from medground_bench.errors import BadSubmission, MethodFailed, SourceMissing, UnknownName
from medground_bench.types import Mode

if TYPE_CHECKING:
    from medground_bench.benchmark import Benchmark
    from medground_bench.submission import Submission

DEFAULT_LVLM = "phantom_gemma3"

app = typer.Typer(
    help="Causally validated visual attribution for chest X-rays: benchmark, methods, metric.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ImageArgument = Annotated[
    Path, typer.Argument(metavar="IMAGE", help="A chest X-ray: PNG, JPEG, TIFF, BMP or WEBP.")
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A prediction file, .jsonl or .jsonl.gz.")]
BenchmarkOption = Annotated[
    str, typer.Option("--benchmark", help="A benchmark folder, or a hub id such as org/name.")
]
LvlmOption = Annotated[
    str, typer.Option("--lvlm", help="A key of `medground list lvlms`, a folder, or org/name@commit.")
]
ModeOption = Annotated[Mode, typer.Option("--mode", help="How the LVLM is asked.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
FolderOption = Annotated[
    Path | None, typer.Option("--out", help="Folder for pictures and JSON; medground-out/<image> by default.")
]


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

    from medground_bench.demo import run_demo, serve_space
    from medground_bench.show import demo_report

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
    out: FolderOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show what an LVLM's answer about a picture rests on.

    The embedded LVLMs know the ten findings of the phantom; others may be asked about anything.

    Example: medground attribute xray.png --finding cardiomegaly --method medfocus --method occlusion
    """
    if (finding is None) == (question is None):
        raise typer.BadParameter("give either --finding or --question", param_hint="--finding / --question")
    methods = method or ["medfocus"]
    for name in methods:
        _demand("methods", name)
    from medground_bench.on_disk import attribute_file
    from medground_bench.one_picture import Ask

    folder = out or _folder_of(image)
    attributed = attribute_file(image, Ask(mode, finding, question), lvlm, methods, folder)
    if attributed.note:
        typer.echo(f"note: {attributed.note}", err=True)
    typer.echo(json.dumps(attributed.as_json(), indent=2) if as_json else attributed.as_text())
    typer.echo(f"written to {folder}", err=as_json)


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

    Boxes are native pixels.

    Example: medground localize xray.png --out concepts
    """
    _demand("localizers", localizer)
    from medground_bench.on_disk import localize_file

    folder = out or _folder_of(image)
    located = localize_file(image, localizer, folder)
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
    opened = _open_benchmark(benchmark)
    opened.references(lvlm=lvlm, mode=mode)
    from medground_bench.lvlms import open_lvlm
    from medground_bench.many_runs import method_names
    from medground_bench.methods import open_method
    from medground_bench.predict import Run, predict_several

    asked = open_lvlm(lvlm)
    names = method_names(asked) if ALL_METHODS in method else list(dict.fromkeys(method))
    for name in names:
        open_method(name, asked)
    useless = []
    for outcome in predict_several(opened, asked, [Run(name, mode) for name in names], out, tuned=tuned):
        typer.echo(outcome.as_text())
        for failure in outcome.failures[:5]:
            typer.echo(f"  {failure.case_id}: {failure.error}", err=True)
        useless += [str(outcome.file)] if outcome.all_failed else []
    if useless:
        raise MethodFailed(f"the method failed on every case of {', '.join(useless)}.")


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
    opened = _open_benchmark(benchmark)
    modes = (
        [mode]
        if mode
        else [track.mode for track in opened.tracks("tune") if track.lvlm == lvlm and track.cases]
    )
    for each in modes or Mode:
        opened.references(lvlm=lvlm, mode=each, split="tune")
    from rich.console import Console

    from medground_bench.lvlms import open_lvlm
    from medground_bench.sweep_chart import sweep_table
    from medground_bench.tune import tune_to

    asked = open_lvlm(lvlm)
    for each in modes or Mode:
        kept = tune_to(out, opened, asked, method, each)
        Console().print(sweep_table(kept.sweep))
        typer.echo(f"written to {kept.file} and {kept.picture.name}")


@app.command()
def check(file: FileArgument, benchmark: BenchmarkOption) -> None:
    """Tell every problem of a prediction file.

    Example: medground check medfocus.jsonl --benchmark medground-bench
    """
    given = _read_submission(file, benchmark, whole_tracks=True)
    tracks = ", ".join(f"{track.lvlm} {track.mode}" for track in given.tracks) or "none"
    typer.echo(f"{file}: no problem. {len(given.predictions)} cases; whole tracks: {tracks}.")


@app.command()
def score(file: FileArgument, benchmark: BenchmarkOption, as_json: JsonOption = False) -> None:
    """Score a prediction file.

    A case that it lacks of a track that it touches counts as 0 and as failed; so does one on which, by the .run.json
    beside the file, the method failed.

    Example: medground score medfocus.jsonl --benchmark medground-bench --json
    """
    given = _read_submission(file, benchmark, whole_tracks=False)
    import numpy as np
    from rich.console import Console

    from medground_bench import scoring
    from medground_bench.run_file import predictions_of
    from medground_bench.show import scores_table

    touched = {(track.lvlm, track.mode) for track in given.tracks}
    references = [
        each for each in _open_benchmark(benchmark).references() if (each.lvlm, each.mode) in touched
    ]
    predictions = predictions_of(file, given.predictions)
    rows = scoring.score(references, predictions, rng=np.random.default_rng(0))
    if as_json:
        typer.echo(json.dumps({"file": str(file), "tracks": [row.as_dict() for row in rows]}, indent=2))
    else:
        Console().print(scores_table(rows))


@app.command("list")
def list_(kind: Annotated[Kind, typer.Argument(help="What to list.")], as_json: JsonOption = False) -> None:
    """List what is installed, also from other packages.

    Example: medground list methods
    """
    from medground_bench.show import listing

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


def _folder_of(image: Path) -> Path:
    return Path("medground-out") / image.stem


def _open_benchmark(location: str) -> Benchmark:
    from medground_bench.benchmark import Benchmark

    return Benchmark.open(location)


def _read_submission(file: Path, benchmark: str, *, whole_tracks: bool) -> Submission:
    from medground_bench.submission import Problems, read_submission

    references = _open_benchmark(benchmark).references()
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise SourceMissing(f"{file}: there is no such file. Check the path.") from error
    given = read_submission(content, references, whole_tracks=whole_tracks)
    if isinstance(given, Problems):
        shown = "".join(f"\n  {problem}" for problem in given.shown)
        more = f"\n  ... and {given.total - len(given.shown)} more." if given.total > len(given.shown) else ""
        counts = ", ".join(f"{code} {count}" for code, count in given.counts.items())
        raise BadSubmission(f"{file} has {given.total} problems ({counts}):{shown}{more}")
    return given


if __name__ == "__main__":
    main()
