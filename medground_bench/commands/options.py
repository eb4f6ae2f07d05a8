"""What several commands of the command line share: their options, and opening what these name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench import plugins
from medground_bench.core.errors import UnknownName
from medground_bench.core.types import Mode

if TYPE_CHECKING:
    from medground_bench.benchmark.opening import Benchmark

BenchmarkOption = Annotated[
    str, typer.Option("--benchmark", help="A benchmark folder, or a hub id such as org/name.")
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
VOCABULARY_HELP = "Concepts for MedFocus: imagenome, lung_zones, or a YAML file."

TUNED = Path("medground-tuned")

DEFAULT_LVLM = "phantom_gemma3"


def open_benchmark(location: str) -> Benchmark:
    """The benchmark of a folder or hub id; what is heavy is imported now."""
    from medground_bench.benchmark.opening import Benchmark

    return Benchmark.open(location)


def demand_name(kind: str, name: str) -> None:
    """UnknownName before anything heavy is imported or opened."""
    known = {plugin.name for plugin in plugins.available(kind)}
    if name not in known:
        raise UnknownName(kind.removesuffix("s"), name, known)


def tell(notes: Iterable[str | None]) -> None:
    """Say what a user should know beside the result."""
    for note in filter(None, notes):
        typer.echo(f"note: {note}", err=True)
