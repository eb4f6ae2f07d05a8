"""What several commands of the command line share: their options, and opening what these name."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench import plugins
from medground_bench.commands.console import progress
from medground_bench.core.errors import BadSubmission, SourceMissing, UnknownName
from medground_bench.core.modes import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medground_bench.benchmark.opening import Benchmark
    from medground_bench.core.types import Reference
    from medground_bench.submission.read import Submission


class EngineName(StrEnum):
    """Where long work is done: in this process, or by several workers."""

    LOCAL = "local"
    RAY = "ray"


BenchmarkOption = Annotated[
    str, typer.Option("--benchmark", help="A benchmark folder, or a hub id such as org/name.")
]
RootOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--root",
        help="A folder with your own copy of a source, for a published benchmark without boxes or pictures; may be "
        "given again. Which source it belongs to is told by what is in it.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ImageArgument = Annotated[
    Path, typer.Argument(metavar="IMAGE", help="A chest X-ray: PNG, JPEG, TIFF, BMP, WEBP or DICOM.")
]
LvlmOption = Annotated[
    str,
    typer.Option(
        "--lvlm",
        help="A key of `medground list lvlms`, a folder, org/name@commit, or http://host:port/v1#model.",
    ),
]
NewestOption = Annotated[
    bool, typer.Option("--newest", help="Take the LVLM's newest commit on the hub, not the pinned one.")
]
ModeOption = Annotated[Mode, typer.Option("--mode", help="How the LVLM is asked.")]
FolderOption = Annotated[
    Path | None, typer.Option("--out", help="Folder for pictures and JSON; medground-out/<image> by default.")
]
PredictionsArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A prediction file, .jsonl or .jsonl.gz.")
]
EngineOption = Annotated[
    EngineName,
    typer.Option("--engine", help="local: one device here. ray: several workers, here or on a cluster."),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="With ray: so many LVLMs at once; by default one a GPU."),
]
GpusOption = Annotated[
    float | None, typer.Option("--gpus", min=0, help="With ray: GPUs of each worker; 0.5 puts two on one.")
]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", help="With ray: of a cluster that runs; by default one is started here."),
]
VOCABULARY_HELP = "Concepts for MedFocus: imagenome, lung_zones, or a YAML file."

TUNED = Path("medground-tuned")

DEFAULT_LVLM = "phantom_gemma3"


def open_joined(benchmark: str, root: Sequence[Path] | None) -> Benchmark:
    """The benchmark of a folder or hub id, joined with the user's copies; what is heavy is imported now."""
    from medground_bench.benchmark.copies import told_apart
    from medground_bench.benchmark.opening import open_benchmark

    return open_benchmark(benchmark, told_apart(root or ()), progress=progress)


def refuse_ray_options(workers: int | None, gpus: float | None, address: str | None) -> None:
    """A refusal of what only `--engine ray` takes."""
    if (workers, gpus, address) != (None, None, None):
        raise typer.BadParameter("--workers, --gpus and --address are for --engine ray.")


def demand_name(kind: str, name: str) -> None:
    """UnknownName before anything heavy is imported or opened."""
    names = {plugin.name for plugin in plugins.available(kind)}
    if name not in names:
        raise UnknownName(kind.removesuffix("s"), name, names)


def tell(notes: Iterable[str | None]) -> None:
    """Say what a user should know beside the result."""
    for note in filter(None, notes):
        typer.echo(f"note: {note}", err=True)


def read_predictions(file: Path, references: Sequence[Reference], *, whole_tracks: bool) -> Submission:
    """The predictions in a file; BadSubmission tells the first problems and counts all."""
    from medground_bench.submission.read import Problems, read_submission

    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise SourceMissing(f"{file}: there is no such file. Check the path.") from error
    submission = read_submission(content, references, whole_tracks=whole_tracks)
    if isinstance(submission, Problems):
        shown = "".join(f"\n  {problem}" for problem in submission.shown)
        more = (
            f"\n  ... and {submission.total - len(submission.shown)} more."
            if submission.total > len(submission.shown)
            else ""
        )
        counts = ", ".join(f"{code} {count}" for code, count in submission.counts.items())
        raise BadSubmission(f"{file} has {submission.total} problems ({counts}):{shown}{more}")
    return submission
