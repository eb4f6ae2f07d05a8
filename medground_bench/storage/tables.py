"""Tables as CSV, the one way they are written: shares are fractions 0..1 with six digits."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

DIGITS = 6
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a text for a formula."""


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """A header and a line a row; a cell is empty where a row has None or no such column. Same rows, same bytes."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {name: round(cell, DIGITS) if isinstance(cell, float) else cell for name, cell in row.items()}
        )
    return buffer.getvalue().encode()


def harmless(text: str) -> str:
    """A text that no spreadsheet runs.

    >>> harmless("=1+1"), harmless("1+1")
    ("'=1+1", '1+1')
    """
    return f"'{text}" if text.startswith(FORMULAS) else text
