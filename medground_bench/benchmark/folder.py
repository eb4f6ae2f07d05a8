"""The dataset folder: one parquet per table, split and LVLM (or source), and the README that makes it loadable.

The README is load-bearing: its YAML names the configs, and the digest of each config's content in `description` makes
`datasets` forget what it cached of an earlier build.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from medground_bench.benchmark.card import Config, card, is_card
from medground_bench.benchmark.counted import SourceColumns
from medground_bench.benchmark.parquet import Columns, count, decoded, encoded
from medground_bench.benchmark.rows import QUESTIONS, SPLITS, TABLES, VERDICTS, AnyRow, Table
from medground_bench.core.errors import FolderTaken, SourceMissing
from medground_bench.core.types import file_stem
from medground_bench.storage.whole_files import clear_leftovers, fingerprint, sha256, write_whole


class DatasetFolder:
    """A dataset folder on the disk; files are named `<table>/<split>-<LVLM or source>.parquet`.

    >>> folder = DatasetFolder(Path("medground-bench"))
    >>> folder.file(VERDICTS, "test", "org/name@1f2e").as_posix()
    'medground-bench/verdicts/test-org--name@1f2e.parquet'
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, table: Table[AnyRow], split: str, owner: str) -> Path:
        """Where the rows of one LVLM or source are."""
        return self.path / table.name / f"{split}-{file_stem(owner)}.parquet"

    def files(self, table: Table[AnyRow], split: str, owner: str = "*") -> list[Path]:
        """The files of one owner, or of all, that are there."""
        return sorted((self.path / table.name).glob(self.file(table, split, owner).name))

    def all_files(self, table: str) -> list[Path]:
        """The files of a table, of all splits and owners."""
        return sorted((self.path / table).glob("*.parquet"))

    def read(self, table: Table[AnyRow], split: str, owner: str = "*") -> list[AnyRow]:
        """The rows of one owner, or of all; none when there is no such file."""
        return [row for file in self.files(table, split, owner) for row in decoded(file, table.row)]

    def columns(
        self, table: Table[AnyRow], split: str, kind: type[Columns], where: Mapping[str, str] | None = None
    ) -> Iterator[Columns]:
        """A few columns of a table's rows, those where columns have these values."""
        for file in self.files(table, split):
            yield from decoded(file, kind, where)

    def write(self, table: Table[AnyRow], split: str, owner: str, rows: Iterable[AnyRow]) -> None:
        """Replace the rows of one owner; no rows give a valid empty file."""
        write_whole(self.file(table, split, owner), encoded(table.row, sorted(rows, key=table.key)))

    def write_card(self) -> None:
        """Write the README for the files that are there; the last step of every change."""
        write_whole(self.path / "README.md", card(self.configs()).encode("utf-8"))

    def configs(self) -> list[Config]:
        """The configs with their splits; those without any row are left out, because `datasets` cannot load them."""
        configs = []
        for table in TABLES:
            files = self.all_files(table.name)
            counts = {
                split: sum(count(file) for file in files if file.name.startswith(f"{split}-"))
                for split in SPLITS
            }
            rows = {split: number for split, number in counts.items() if number}
            if rows:
                digest = fingerprint(**{file.name: sha256(file.read_bytes()) for file in files})
                configs.append(Config(table.name, digest, rows))
        return configs

    def sources(self) -> set[str]:
        """Those of all rows, in any table and split."""
        files = (file for table in TABLES for file in self.all_files(table.name))
        return {row.source for file in files for row in decoded(file, SourceColumns)}

    def clear_leftovers(self) -> None:
        """Clear what a killed run left."""
        if self.path.is_dir():
            clear_leftovers(self.path)

    def is_one(self) -> bool:
        """Whether it is there and one: it has its own questions, or verdicts of a released split."""
        return any((self.path / table.name).is_dir() for table in (QUESTIONS, VERDICTS))

    def demand(self) -> None:
        """SourceMissing unless this is a dataset folder."""
        if not self.is_one():
            raise SourceMissing(
                f"{self.path.resolve()} is no benchmark folder: it has neither {QUESTIONS.name}/ nor {VERDICTS.name}/. "
                "Build one first with the builder's command build; medground demo does it for the phantom."
            )

    def demand_free(self) -> None:
        """FolderTaken where it holds something else, whose README would be lost; hidden files do not count."""
        if not self.path.exists() or not any(each.name[0] != "." for each in self.path.iterdir()):
            return
        page = self.path / "README.md"
        foreign = page.exists() and not is_card(page.read_text("utf-8", errors="replace"))
        if foreign or not self.is_one():
            raise FolderTaken(
                f"{self.path.resolve()} holds something else than a dataset folder. Give a new or an empty folder."
            )
