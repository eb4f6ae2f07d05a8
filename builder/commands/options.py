"""What several commands of the builder share: their options, and the table of retained cases with which they end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from medground_bench.commands.options import EngineName, refuse_ray_options
from medground_bench.core.errors import MedgroundError
from medground_bench.core.modes import Mode

if TYPE_CHECKING:
    from builder.engines import UnitEngine
    from builder.place import Place
    from builder.sources import Source
    from medground_bench.benchmark.folder import DatasetFolder


SourceOption = Annotated[
    str, typer.Option("--source", help="Where the questions come from, for example phantom.")
]
LvlmOption = Annotated[
    list[str],
    typer.Option(
        "--lvlm", help="Key, local folder, org/name@commit or http://host:port/v1#model; may be given again."
    ),
]
ModeOption = Annotated[list[Mode], typer.Option("--mode", help="direct or reason; may be given again.")]
OutOption = Annotated[Path, typer.Option("--out", help="The dataset folder, for example medground-bench.")]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="Where results of finished work are kept, a folder or an address such as s3://bucket/store; by default "
        "beside the dataset folder.",
    ),
]
RetryOption = Annotated[bool, typer.Option("--retry-quarantine", help="Try again what is in quarantine.")]
AcceptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-quarantine",
        metavar="KEY",
        help="Take the benchmark without this unit; may be given again.",
    ),
]
EditorOption = Annotated[
    str | None,
    typer.Option(
        "--editor",
        help="Who makes the edits; by default who made the folder's, else the source's own editor.",
    ),
]
RootOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--root",
        help="A folder with your copy of a source of files; may be given again. Which source it belongs to is told by "
        "what is in it.",
    ),
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, help="At most so many pictures in the split test.")
]
AllowMissingOption = Annotated[
    bool, typer.Option("--allow-missing", help="Exit code 0 although the ledger of the source has entries.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")]
YesOption = Annotated[
    bool, typer.Option("--yes", help="Agree beforehand; needed where there is no terminal.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class NotAgreed(MedgroundError):
    """What nobody agreed to."""


@contextmanager
def engine_of(
    name: EngineName, workers: int | None, gpus: float | None, address: str | None
) -> Iterator[UnitEngine]:
    """The engine that the options name, as long as it is needed."""
    if name is EngineName.LOCAL:
        refuse_ray_options(workers, gpus, address)
        from builder.engines.local import LocalEngine

        engine: UnitEngine = LocalEngine()
    else:
        from builder.engines.ray import RayEngine
        from medground_bench.runs.ray_cluster import Cluster

        engine = RayEngine(Cluster(workers, gpus, address))
    with closing(engine):
        yield engine


def demand_agreement(question: str, *, yes: bool) -> None:
    """NotAgreed unless someone at the terminal says yes, or has said so by `--yes`."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotAgreed(f"{question} There is no terminal to ask at: read the plan above, then give --yes.")
    if not typer.confirm(question, err=True):
        raise NotAgreed("nothing was changed.")


def say_retained(folder: DatasetFolder) -> None:
    """Print what the causal filter kept, and where it is."""
    from builder.report import retained_table
    from medground_bench.benchmark.rows import SPLITS
    from medground_bench.benchmark.statistics import Statistics

    for split in SPLITS:
        numbers = Statistics.of(folder, split)
        if numbers.groups:
            Console().print(retained_table(numbers))
    typer.echo(f"written to {folder.path}")


def say_ledger(source: Source, file: str, limit: int | None) -> None:
    """Print on stderr what a source could not give, and where it gives other numbers of questions than its authors."""
    from builder.source_check import differences

    told = [*getattr(source, "notes", ()), *differences(source)] if limit is None else []
    for line in [*told, *_entries(source, file)]:
        typer.echo(line, err=True)


@contextmanager
def telling_ledgers(sources: Sequence[Source], store: Place) -> Iterator[None]:
    """Where what is done meanwhile is refused, write and print first what the sources could not give: it may be why."""
    try:
        yield
    except MedgroundError:
        for source in sources:
            for line in _entries(source, source.ledger.write(store, source.name)):
                typer.echo(line, err=True)
        raise


def _entries(source: Source, file: str) -> list[str]:
    lines = source.ledger.lines()
    return [*lines, f"{len(source.ledger)} in the ledger of {source.name}, {file}"] if lines else []
