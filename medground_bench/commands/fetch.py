"""`medground fetch`: the pictures that a benchmark's cases need, from the user's own account of PhysioNet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench import plugins
from medground_bench.commands.console import progress
from medground_bench.core.errors import FolderTaken, MedgroundError, SourceMissing, UnknownName

if TYPE_CHECKING:
    from medground_bench.benchmark.counted import PictureColumns
    from medground_bench.benchmark.opening import Benchmark
    from medground_bench.fetching.account import Account
    from medground_bench.fetching.fetch import Fetched
    from medground_bench.fetching.remote import Fetchable, ProjectFile, WantedPicture

FOLDER = Path("medground-sources")
NOT_FETCHED = "not-fetched.csv"
MB = 1_000_000


class PicturesMissing(MedgroundError):
    """Pictures that PhysioNet did not give, or not as they should be."""


def fetch(
    dataset: Annotated[
        str, typer.Option("--for", help="The benchmark: a folder, or a hub id such as org/name.")
    ],
    source: Annotated[str, typer.Option("--source", help="mimic_cxr_jpg or vindr_cxr.")],
    user: Annotated[str, typer.Option("--user", help="Your name at physionet.org.")],
    to: Annotated[Path, typer.Option("--to", help="The folder for your copy.")] = FOLDER,
    rate: Annotated[float, typer.Option("--rate", min=0.01, help="At most so many MB a second.")] = 8.0,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="The password is the first line of standard input.")
    ] = False,
) -> None:
    """Download the pictures that a benchmark's cases need, and no others, with your own PhysioNet account.

    It needs the agreements of the source, signed by you. The password is asked for, or taken from the keyring
    (`keyring set physionet.org NAME`). Can be stopped at any time; the same command goes on where it was.

    Example: medground fetch --for org/medground-bench --source mimic_cxr_jpg --user NAME --to medground-sources
    """
    from medground_bench.benchmark.opening import open_benchmark
    from medground_bench.commands.passwords import password_of
    from medground_bench.fetching.account import Account, demand_name

    demand_name(user)
    name, kind = _source_of(source)
    tables, benchmark = kind.tables(), open_benchmark(dataset)
    _demand_apart(to, benchmark.folder)

    def account() -> Account:
        return Account(user, password_of(user, from_stdin=password_stdin))

    _fetch(kind, tables, _rows(benchmark, name), account, to, rate * MB)


def _fetch(
    kind: Fetchable,
    tables: Sequence[ProjectFile],
    rows: Sequence[PictureColumns],
    account: Callable[[], Account],
    to: Path,
    bytes_a_second: float,
) -> None:
    from medground_bench.fetching import remote
    from medground_bench.fetching.fetch import opened_fetch
    from medground_bench.fetching.pace import Pace
    from medground_bench.fetching.server import Server

    server = Server(account, Pace(bytes_a_second), remote.PHYSIONET)
    with opened_fetch(server, to.resolve()) as fetching:
        fetching.tables(tables)
        pictures = remote.wanted(kind.listed(to.resolve()), rows, kind.levels)
        _demand_readers(pictures)
        _report(fetching.pictures(pictures, progress), to)


def _source_of(pictures: str) -> tuple[str, Fetchable]:
    """The source whose pictures are called so, and its class; UnknownName for any other.

    They are called as the source is, or as the last part of one that consists of several data sets.
    """
    from medground_bench.fetching.remote import Fetchable

    names = [each.name for each in plugins.available("sources")]
    called = {(plugins.literal("sources", name, "PARTS") or (name,))[-1]: name for name in names}
    if pictures not in called:
        raise UnknownName("source of pictures", pictures, called)
    name = called[pictures]
    kind = plugins.load("sources", name)
    if not isinstance(kind, Fetchable):
        raise SourceMissing(
            f"there is nothing to fetch for {name}: its pictures are no files of PhysioNet's."
        )
    return name, kind


def _demand_apart(to: Path, benchmark: Path) -> None:
    """FolderTaken where credentialed pictures would lie in what is published, or around it."""
    to = to.resolve()
    if to.is_relative_to(benchmark) or benchmark.is_relative_to(to):
        raise FolderTaken(
            f"{to} and the benchmark folder {benchmark} lie in one another, and pictures of a credentialed source are "
            "never published with it. Give another folder with --to."
        )


def _rows(benchmark: Benchmark, source: str) -> list[PictureColumns]:
    """What the cases of a source say of their pictures; its questions, where it has no case yet."""
    from medground_bench.benchmark.counted import PictureColumns
    from medground_bench.benchmark.rows import CASES, QUESTIONS, SPLITS

    where, columns = {"source": source}, benchmark.dataset.columns
    rows = [
        row
        for table in CASES.values()
        for split in SPLITS
        for row in columns(table, split, PictureColumns, where)
    ]
    rows = rows or [row for split in SPLITS for row in columns(QUESTIONS, split, PictureColumns, where)]
    if rows:
        return rows
    raise SourceMissing(
        f"{benchmark.folder} has no case or question of {source}, so there is nothing to fetch for it."
    )


def _demand_readers(pictures: Sequence[WantedPicture]) -> None:
    """MedgroundError where what was fetched could not be checked here."""
    dicom = any(each.file.path.endswith((".dicom", ".dcm")) for each in pictures)
    if dicom and find_spec("pydicom") is None:
        raise MedgroundError(
            "the pictures are DICOM files, which cannot be checked here. Install what reads them: "
            "pip install 'medground-bench[dicom]'"
        )


def _report(fetched: Fetched, to: Path) -> None:
    """Say what came; PicturesMissing where some did not. No id is printed: a file in the folder names them."""
    from medground_bench.storage.tables import as_csv
    from medground_bench.storage.whole_files import write_whole

    typer.echo(f"{fetched.new:,} pictures fetched into {to}, {fetched.before:,} were there before")
    names = to / NOT_FETCHED
    names.unlink(missing_ok=True)
    if fetched.unfit:
        rows = [{"file": each.path, "why": each.words} for each in fetched.unfit]
        write_whole(names, as_csv(("file", "why"), rows), mode=0o600)
        counts = Counter(each.words for each in fetched.unfit)
        told = "; ".join(f"{count:,} because {words}" for words, count in sorted(counts.items()))
        raise PicturesMissing(
            f"{len(fetched.unfit):,} of the pictures are not there: {told}. {names} names them. The same command tries "
            "these again, and no others."
        )
