"""A table of the board as files: CSV, JSON, parquet, and LaTeX for a paper. The same numbers, to the last digit."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping

import pyarrow as pa

from medground_bench.benchmark.parquet import encoded_table
from medground_bench.leaderboard.columns import IOU, Column, Pooling, Unit
from medground_bench.leaderboard.entries import Badge
from medground_bench.leaderboard.rows import ALL
from medground_bench.leaderboard.views import DIGITS, BoardTable, BoardTableRow, Value
from medground_bench.storage.tables import harmless

ABOUT_ROW = ("method", "shown", "family", "badge", "rank_best", "rank_last")
"""What stands before the columns in every file."""

IN_LATEX = str.maketrans(
    {letter: f"\\{letter}" for letter in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def fields_of(table: BoardTable) -> tuple[str, ...]:
    """The columns of a file."""
    return (*ABOUT_ROW, *(field for column in table.columns for field in column.fields))


def records_of(table: BoardTable) -> list[dict[str, Value]]:
    """A record a row, in the table's order."""
    return [
        {
            "method": row.method,
            "shown": row.shown,
            "family": row.family.value,
            "badge": row.badge.value,
            "rank_best": row.rank.best if row.rank else None,
            "rank_last": row.rank.last if row.rank else None,
            **row.values,
        }
        for row in table.rows
    ]


def as_csv(table: BoardTable) -> bytes:
    """A header and a line a row; a cell without a value is empty."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(fields_of(table))
    for record in records_of(table):
        writer.writerow([spelled(record.get(field)) for field in fields_of(table)])
    return buffer.getvalue().encode()


def as_json(table: BoardTable) -> bytes:
    """What was asked, what the columns mean, and the rows."""
    content = {
        "query": table.query.as_params(),
        "caption": table.caption,
        "elsewhere": list(table.elsewhere),
        "cases": table.cases,
        "images": table.images,
        "columns": [described(column) for column in table.columns],
        "rows": records_of(table),
    }
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode("ascii")


def as_parquet(table: BoardTable) -> bytes:
    """A row a row; numbers as doubles, counts as integers."""
    records = records_of(table)
    counts = {
        "rank_best",
        "rank_last",
        *(each.key for each in table.columns if each.pooling is Pooling.COUNT),
    }
    words = {*ABOUT_ROW[:4], *(each.key for each in table.columns if each.unit in (Unit.WORDS, Unit.LINK))}
    kinds = {field: pa.float64() for field in fields_of(table)}
    kinds |= dict.fromkeys(counts, pa.int64()) | dict.fromkeys(words, pa.string())
    arrays = {
        field: pa.array([record.get(field) for record in records], kind) for field, kind in kinds.items()
    }
    return encoded_table(pa.table(arrays))


def as_latex(table: BoardTable) -> bytes:
    """A table with rules of `booktabs`; scores in percent as on the page, a paper's rows below a rule of their own."""
    heads = [
        f"{column.name} ({column.unit})" if column.unit is Unit.PERCENT else column.name
        for column in table.columns
    ]
    lines = [
        f"% {' '.join(f'{name}={value}' for name, value in table.query.as_params().items())}",
        f"% {table.caption}",
        rf"\begin{{tabular}}{{ll{'r' * len(heads)}}}",
        r"\toprule",
        _latex_line(["Method", "Rank", *heads]),
        r"\midrule",
        *(_latex_row(row, table) for row in table.ours),
        *([r"\midrule"] if table.ours and table.reported else []),
        *(_latex_row(row, table) for row in table.reported),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return ("\n".join(lines) + "\n").encode()


EXPORTS: Mapping[str, Callable[[BoardTable], bytes]] = {
    "csv": as_csv,
    "json": as_json,
    "parquet": as_parquet,
    "tex": as_latex,
}
"""Ending of a file -> how it is made."""


def file_name(table: BoardTable, ending: str) -> str:
    """What the file of a table is called: by what was asked."""
    query = table.query
    said = [value for value in query.as_params().values() if value not in (ALL, query.sort)]
    words = "-".join("".join(letter if letter.isalnum() else "_" for letter in value) for value in said)
    return f"board-{words}.{ending}"


def described(column: Column) -> dict[str, str]:
    """A column for whoever reads the rows."""
    return {
        "key": column.key,
        "name": column.name,
        "unit": column.unit.value,
        "direction": column.direction.value,
        "explanation": column.explanation,
    }


def spelled(value: Value) -> str:
    """A value in CSV: a number with six digits at most and no zeros behind, so that every language writes the same."""
    if isinstance(value, float):
        return f"{value:.{DIGITS}f}".rstrip("0").rstrip(".")
    return harmless(value) if isinstance(value, str) else "" if value is None else str(value)


def _latex_row(row: BoardTableRow, table: BoardTable) -> str:
    name = f"{row.shown} ({row.badge.words})" if row.badge is not Badge.REPRODUCED else row.shown
    cells = []
    for column in table.columns:
        interval = row.interval(column) if column.key == IOU else ""
        cells.append(f"{row.text(column)} ({interval})" if interval else row.text(column))
    return _latex_line([name, str(row.rank) if row.rank else "-", *cells])


def _latex_line(cells: list[str]) -> str:
    return " & ".join(cell.translate(IN_LATEX) for cell in cells) + r" \\"
