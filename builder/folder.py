"""The dataset folder: one parquet per table, split and LVLM (or source), and the README that makes it loadable.

The README is load-bearing: its YAML names the configs, and the digest of each config's content in `description` makes
`datasets` forget what it cached of an earlier build.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from builder.card import Config, card
from builder.rows import AnswerRow, CaseRow, QuestionRow, VerdictRow
from medground_bench.benchmark.folder import readable
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Mode
from medground_bench.storage.whole_files import fingerprint, sha256, sweep, write_whole

Row = TypeVar("Row", QuestionRow, AnswerRow, VerdictRow, CaseRow)
SPLITS = ("test", "tune")
PICTURE_DICTIONARY_BYTES = 1 << 30
"""Questions about one picture share its bytes on the disk, however many pictures there are."""

ROWS_A_GROUP = 1000


class Table(Generic[Row]):
    """A config of the dataset: its name, its rows, and which of their columns sort them."""

    def __init__(self, name: str, row: type[Row], *order: str) -> None:
        self.name = name
        self.row: type[Row] = row
        self.order = order

    def key(self, row: Row) -> tuple[tuple[bool, str | int], ...]:
        """Sorts rows; a missing value comes first."""
        values = (getattr(row, column) for column in self.order)
        return tuple((value is not None, "" if value is None else value) for value in values)


DIRECT = Table("direct", CaseRow, "case_id")
REASON = Table("reason", CaseRow, "case_id")
QUESTIONS = Table("questions", QuestionRow, "question_id")
VERDICTS = Table("verdicts", VerdictRow, "source", "mode", "question_id", "release_index")
ANSWERS = Table("answers", AnswerRow, "source", "mode", "question_id", "picture")
TABLES = (DIRECT, REASON, QUESTIONS, VERDICTS, ANSWERS)
CASES = {Mode.DIRECT: DIRECT, Mode.REASON: REASON}


class Folder:
    """A dataset folder on the disk; files are named `<table>/<split>-<LVLM or source>.parquet`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, table: Table[Row], split: str, owner: str) -> Path:
        """Where the rows of one LVLM or source are; a slash in a hub id becomes two hyphens."""
        return self.path / table.name / f"{split}-{owner.replace('/', '--')}.parquet"

    def read(self, table: Table[Row], split: str, owner: str = "*") -> list[Row]:
        """The rows of one owner, or of all; none when there is no such file."""
        pattern = self.file(table, split, owner).name
        return [row for file in sorted((self.path / table.name).glob(pattern)) for row in _rows(table, file)]

    def write(self, table: Table[Row], split: str, owner: str, rows: Iterable[Row]) -> None:
        """Replace the rows of one owner; no rows give a valid empty file."""
        ordered = sorted(rows, key=table.key)
        write_whole(self.file(table, split, owner), _parquet(table, ordered))

    def write_card(self) -> None:
        """Write the README for the files that are there; the last step of every change."""
        write_whole(self.path / "README.md", card(self._configs()).encode("utf-8"))

    def sweep(self) -> None:
        """Clear what a killed run left."""
        if self.path.is_dir():
            sweep(self.path)

    def demand(self) -> None:
        """SourceMissing unless this is a dataset folder."""
        if not any((self.path / table.name).is_dir() for table in (QUESTIONS, VERDICTS)):
            raise SourceMissing(
                f"{self.path.resolve()} is no benchmark folder: it has neither {QUESTIONS.name}/ nor {VERDICTS.name}/. "
                "Build one first, for example with "
                f"python -m builder build --source phantom --lvlm phantom_gemma3 --mode direct --out {self.path}"
            )

    def _configs(self) -> list[Config]:
        """The configs with their splits; those without any row are left out, because `datasets` cannot load them."""
        configs = []
        for table in TABLES:
            files = sorted((self.path / table.name).glob("*.parquet"))
            counts = {split: _count(files, split) for split in SPLITS}
            rows = {split: count for split, count in counts.items() if count}
            if rows:
                digest = fingerprint(**{file.name: sha256(file.read_bytes()) for file in files})
                configs.append(Config(table.name, digest, rows))
        return configs


def _count(files: Iterable[Path], split: str) -> int:
    counted = 0
    for file in files:
        if file.name.startswith(f"{split}-"):
            with readable(file):
                counted += pq.read_metadata(file).num_rows
    return counted


def _parquet(table: Table[Row], rows: Sequence[Row]) -> bytes:
    names = [field.name for field in fields(table.row)]
    columns = {name: [_cell(name, getattr(row, name)) for row in rows] for name in names}
    schema = _schema(tuple(names))
    arrow = pa.table([pa.array(columns[name], schema.field(name).type) for name in names], schema=schema)
    buffer = pa.BufferOutputStream()
    with pq.ParquetWriter(
        buffer,
        schema,
        compression="zstd",
        compression_level=3,
        version="2.6",
        write_statistics=False,
        dictionary_pagesize_limit=PICTURE_DICTIONARY_BYTES,
    ) as writer:
        if rows:  # `datasets` cannot read a row group without rows, but a file without row groups
            writer.write_table(arrow, row_group_size=ROWS_A_GROUP)
    return bytes(buffer.getvalue())


def _rows(table: Table[Row], file: Path) -> list[Row]:
    with readable(file):
        return [table.row(**_plain(cells)) for cells in pq.read_table(file).to_pylist()]


def _plain(cells: dict[str, Any]) -> dict[str, Any]:
    """The fields of a row out of its parquet cells."""
    if cells.get("image") is not None:
        cells["image"] = cells["image"]["bytes"]
    for name in {"boxes", "response_token_ids", "response_tokens"} & set(cells):
        cells[name] = tuple(tuple(box) if name == "boxes" else box for box in cells[name])
    return cells


def _cell(name: str, value: object) -> object:
    return {"bytes": value, "path": None} if name == "image" and value is not None else value


@lru_cache(maxsize=len(TABLES))
def _schema(columns: tuple[str, ...]) -> pa.Schema:
    """Arrow schema whose metadata carries the `datasets` features."""
    from datasets import Features, Image, List, Value

    special = {
        "boxes": List(List(Value("float64"), length=4)),
        "response_token_ids": List(Value("int64")),
        "response_tokens": List(Value("string")),
        "image": Image(),
        "width": Value("int32"),
        "height": Value("int32"),
        "marker": Value("bool"),
        "release_index": Value("int64"),
    }
    features = Features({name: special.get(name, Value("string")) for name in columns})
    return features.arrow_schema
