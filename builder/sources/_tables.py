"""Tables of a source: bytes that somebody else wrote become rows by the names of their columns, and nothing runs.

UTF-8 with or without a byte order mark, either end of line. The delimiter is the one under which the header has the
columns that are asked for, so that a copy saved again with another one is read too. Names of columns go by their
letters: case and spaces around them do not matter.

No error and no entry quotes a cell: in a table without its first line the header is a row, with a patient's report.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder.ledger import Entry, Fault, Ledger
from builder.sources import BadSource

DELIMITERS = ("\t", ",", ";", "|")
LARGEST_TABLE_BYTES = 1 << 29
LONGEST_CELL = 200
"""Characters of a cell with four numbers."""

Corners = tuple[float, float, float, float]
"""x0, y0, x1, y1."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the line of the file on which it ends, counted from 1, and column -> cell."""

    number: int
    cells: Mapping[str, str]


def rows_of(path: Path, columns: Sequence[str], ledger: Ledger) -> Iterator[Row]:
    """The rows of a table by the columns that are needed; BadSource where the table is not one with these columns.

    A row with fewer or more cells than the header goes to the ledger: the last one as CUT_SHORT when the file has no
    end of line there, any other one as BAD_ROW.
    """
    text = _text_of(path)
    delimiter = _delimiter(path, text, columns)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    places: dict[str, int] = {}
    width = 0
    try:
        for cells in reader:
            if not any(cells):
                continue
            if not places:
                names, width = _names(cells), len(cells)
                places = {column: names.index(column) for column in columns}
            elif len(cells) == width:
                yield Row(reader.line_num, {column: cells[at].strip() for column, at in places.items()})
            else:
                _note_width(path, reader.line_num, text, ledger)
    except csv.Error:
        raise BadSource(f"{path}, line {reader.line_num}: is no table. Download the file again.") from None


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_TABLE_BYTES:
            raise BadSource(f"{path} is too large for the table it should be. Check the file.")
        content = _member_of(path) if path.suffix == ".zip" else path.read_bytes()
    except (OSError, zipfile.BadZipFile):
        raise BadSource(
            f"{path} cannot be read. Check it and its permissions, or download it again."
        ) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadSource(f"{path} is not UTF-8 text. Download it again, and do not save it anew.") from None
    if not text.strip():
        raise BadSource(f"{path} is empty. Download it again.")
    return text


def _member_of(path: Path) -> bytes:
    """The only table in a zip archive."""
    with zipfile.ZipFile(path) as archive:
        tables = [each for each in archive.infolist() if PurePosixPath(each.filename).suffix == ".csv"]
        if len(tables) != 1 or tables[0].file_size > LARGEST_TABLE_BYTES:
            raise BadSource(f"{path} should hold one table of ordinary size. Download it again.")
        with archive.open(tables[0]) as file:
            return file.read(LARGEST_TABLE_BYTES)


def _delimiter(path: Path, text: str, columns: Sequence[str]) -> str:
    header = next(line for line in text.splitlines() if line.strip())
    found: list[str] = []
    for delimiter in DELIMITERS:
        try:
            names = _names(next(csv.reader([header], delimiter=delimiter)))
        except csv.Error:  # a cell too long for any column's name
            continue
        if all(names.count(column) == 1 for column in columns):
            return delimiter
        found = max(found, names, key=len)
    absent = [column for column in columns if found.count(column) != 1]
    raise BadSource(
        f"{path}: of the columns in its first line, which has {len(found)} cells, {', '.join(absent)} should be there "
        "once each. It is another file or version, or its first line is lost; `python -m builder sources check` says "
        "which is meant."
    )


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().casefold() for cell in cells]


def _note_width(path: Path, line: int, text: str, ledger: Ledger) -> None:
    cut = not text.endswith(("\n", "\r")) and line >= len(text.splitlines())
    fault = Fault.CUT_SHORT if cut else Fault.BAD_ROW
    words = "the file ends within it" if cut else "it has another number of cells than the header"
    ledger.note(Entry(path.name, line, fault, words))


def corners_in(text: str) -> Corners | None:
    """Four finite numbers as a list is written, such as `[10, 20, 30, 40]`; None for anything else. Nothing is run."""
    if len(text) > LONGEST_CELL:
        return None
    try:
        return corners_of(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def corners_of(values: object) -> Corners | None:
    """Four finite numbers; None for anything else, also for true and false."""
    if not isinstance(values, (list, tuple)) or len(values) != 4:
        return None
    if not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        return None
    x0, y0, x1, y1 = map(float, values)
    return x0, y0, x1, y1


def number_in(text: str) -> float:
    """A number as a table writes it; NaN for an empty cell and for anything else."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def records_in(path: Path) -> list[object]:
    """The list in a JSON file; BadSource for a file that is none, as one is that was cut short."""
    try:
        records = json.loads(_text_of(path))
    except (ValueError, RecursionError):
        raise BadSource(f"{path} is no JSON, or was cut short. Download it again.") from None
    if not isinstance(records, list) or not records:
        raise BadSource(f"{path} holds no list of studies. It is another file; download it again.")
    return records
