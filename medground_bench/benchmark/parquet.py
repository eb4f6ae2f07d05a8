"""Rows as parquet and back. The schema carries the features by which `datasets` loads the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from medground_bench.benchmark.counted import (
    AskedColumns,
    FilterColumns,
    PictureColumns,
    ReadingColumns,
    ShownColumns,
    SourceColumns,
)
from medground_bench.benchmark.rows import (
    AnswerRow,
    CaseRow,
    ContentColumns,
    KeyColumns,
    QuestionColumns,
    QuestionRow,
    TrackColumns,
    TruthColumns,
    VerdictRow,
)
from medground_bench.core.errors import SourceMissing

if TYPE_CHECKING:
    from datasets import Features

Columns = TypeVar(
    "Columns",
    AnswerRow, CaseRow, QuestionRow, VerdictRow,
    ContentColumns, KeyColumns, PictureColumns, QuestionColumns, TrackColumns, TruthColumns,
    AskedColumns, FilterColumns, ReadingColumns, ShownColumns, SourceColumns,
)  # fmt: skip

PICTURE_DICTIONARY_BYTES = 1 << 30
"""Questions about one picture share its bytes on the disk, however many pictures there are."""

ROWS_A_GROUP = 1000
MOST_DETAIL = 200
"""Characters of another library's message that are passed on."""


def encoded(kind: type[Columns], rows: Sequence[Columns]) -> bytes:
    """A file of these rows; no rows give a valid empty one. Same rows, same bytes.

    >>> encoded(TrackColumns, [TrackColumns(lvlm="medgemma_4b", mode="direct")])[:4]
    b'PAR1'
    """
    schema = schema_of(field.name for field in fields(kind))
    columns = {name: [_cell(name, getattr(row, name)) for row in rows] for name in schema.names}
    arrays = [pa.array(columns[name], schema.field(name).type) for name in schema.names]
    return encoded_table(pa.table(arrays, schema=schema))


def schema_of(columns: Iterable[str]) -> pa.Schema:
    """Columns with their types and the features of `datasets`.

    >>> schema_of(["boxes", "width"]).field("width").type
    DataType(int32)
    """
    return _schema(tuple(columns))


def features_of(columns: Iterable[str]) -> Features:
    """Columns with their types as `datasets` has them.

    >>> features_of(["width", "image"])["image"]
    Image(mode=None, decode=True)
    """
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
    return Features({name: special.get(name, Value("string")) for name in columns})


def encoded_table(arrow: pa.Table) -> bytes:
    """A file of a table in the schema of its rows: what `encoded` gives for them, to the byte.

    It holds the rows and nothing else: no statistics, no values of rows that are gone, no other metadata.

    >>> rows = [TrackColumns(lvlm="medgemma_4b", mode="direct")]
    >>> table = pa.table({"lvlm": ["medgemma_4b"], "mode": ["direct"]}, schema=schema_of(["lvlm", "mode"]))
    >>> encoded_table(table) == encoded(TrackColumns, rows)
    True
    """
    buffer = pa.BufferOutputStream()
    with pq.ParquetWriter(
        buffer,
        arrow.schema,
        compression="zstd",
        compression_level=3,
        version="2.6",
        write_statistics=False,
        dictionary_pagesize_limit=PICTURE_DICTIONARY_BYTES,
    ) as writer:
        if arrow.num_rows:  # `datasets` cannot read a row group without rows, but a file without row groups
            writer.write_table(arrow, row_group_size=ROWS_A_GROUP)
    return bytes(buffer.getvalue())


def decoded(file: Path, kind: type[Columns], where: Mapping[str, str] | None = None) -> list[Columns]:
    """The rows of a file, or a few of their columns; SourceMissing for one that is damaged or of another version.

    where  column -> value of the rows that are wanted; None takes all

    >>> from tempfile import TemporaryDirectory
    >>> rows = [TrackColumns(lvlm=lvlm, mode="direct") for lvlm in ("gemma3_4b", "medgemma_4b")]
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "tracks.parquet"
    ...     size = file.write_bytes(encoded(TrackColumns, rows))
    ...     decoded(file, TrackColumns, {"lvlm": "medgemma_4b"})
    [TrackColumns(lvlm='medgemma_4b', mode='direct')]
    """
    names = [field.name for field in fields(kind)]
    conditions = [(name, "==", value) for name, value in (where or {}).items()]
    with readable(file):
        table = pq.read_table(file, columns=names, filters=conditions or None)
        columns = [_values(name, table[name]) for name in names]
        return [kind(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]


def count(file: Path) -> int:
    """How many rows a file has.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "tracks.parquet"
    ...     size = file.write_bytes(encoded(TrackColumns, []))
    ...     count(file)
    0
    """
    with readable(file):
        return int(pq.read_metadata(file).num_rows)


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """SourceMissing when a parquet file turns out to be damaged, or to be of another version of the benchmark.

    >>> with readable(Path("direct/test-x.parquet")):
    ...     raise KeyError("levels")
    Traceback (most recent call last):
    medground_bench.core.errors.SourceMissing: direct/test-x.parquet is damaged or of another version ('levels'). ...
    """
    try:
        yield
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise SourceMissing(
            f"{file} is damaged or of another version ({' '.join(str(error).split())[:MOST_DETAIL]}). "
            "Build or download the benchmark again."
        ) from error


def _cell(name: str, value: object) -> object:
    return {"bytes": value, "path": None} if name == "image" and value is not None else value


def _values(name: str, column: pa.ChunkedArray) -> list[Any]:  # as above
    """A column as values of a field; column by column, because most need no look at each cell."""
    cells: list[Any] = column.to_pylist()
    return [_value(name, cell) for cell in cells] if pa.types.is_nested(column.type) else cells


def _value(name: str, cell: object) -> Any:  # the schema types it, which no checker can see
    """The value of a field out of its parquet cell."""
    if isinstance(cell, dict):
        return cell["bytes"]
    if isinstance(cell, list):
        return tuple(tuple(box) for box in cell) if name == "boxes" else tuple(cell)
    return cell


@cache
def _schema(columns: tuple[str, ...]) -> pa.Schema:
    return features_of(columns).arrow_schema
