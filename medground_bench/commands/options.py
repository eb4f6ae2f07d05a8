"""What several commands of the command line share: their options, and opening what these name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from medground_bench.benchmark.folder import Benchmark

BenchmarkOption = Annotated[
    str, typer.Option("--benchmark", help="A benchmark folder, or a hub id such as org/name.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def open_benchmark(location: str) -> Benchmark:
    """The benchmark of a folder or hub id; what is heavy is imported now."""
    from medground_bench.benchmark.folder import Benchmark

    return Benchmark.open(location)
