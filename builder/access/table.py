"""Requests as a CSV file for a spreadsheet, and decisions read back from one.

The columns `user`, `request_id`, `decision` and `reason` are read, in any order; the others are for whoever decides. A
row without a decision leaves its request as it is. All problems of a file are told with their lines.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.access.applicants import Applicant, shown
from builder.access.rulings import BadRulings, Decision, Ruling, reason_problem
from medground_bench.core.errors import told
from medground_bench.storage.tables import as_csv

NAMES = ("user", "request_id")
DECISION, REASON = "decision", "reason"
ABOUT = ("status", "date", "full_name", "email")
FIELD = "field: "
"""Before the label of a field, so that no field passes for a column that is read."""

FORMULA_STARTS = ("=", "+", "-", "@")
LARGEST_FILE_BYTES = 5 * 10**6


def as_table(applicants: Iterable[Applicant]) -> bytes:
    """The requests with empty columns for decision and reason.

    What people typed is one plain line in its cell, and where a spreadsheet would take it for a formula, it gets an
    apostrophe in front.
    """
    applicants = list(applicants)
    labels = sorted({label for each in applicants for label in each.fields})
    columns = [*NAMES, DECISION, REASON, *ABOUT, *(FIELD + label for label in labels)]
    header = {column: _text(column) for column in columns}
    return as_csv(
        list(header.values()), ({header[c]: cell for c, cell in _cells(each)} for each in applicants)
    )


def _cells(applicant: Applicant) -> Iterator[tuple[str, str]]:
    said = applicant.as_json()
    yield from ((column, _text(said[column])) for column in (*NAMES, *ABOUT))
    yield from ((FIELD + label, _text(value)) for label, value in applicant.fields.items())


def _text(cell: object) -> str:
    text = "" if cell is None else shown(cell)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """What a table decides, and how many of its rows decide nothing."""

    rulings: tuple[Ruling, ...]
    undecided: int


def read_table(path: Path) -> DecisionTable:
    """The decisions of a CSV file with commas or semicolons; BadRulings lists all that is wrong with it."""
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE_BYTES + 1)
    if len(content) > LARGEST_FILE_BYTES:
        raise BadRulings(f"{path} is larger than {LARGEST_FILE_BYTES:,} bytes. Is it a table of decisions?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRulings(f"{path} is no UTF-8 text. Save it as CSV in UTF-8.") from error
    reading = _Reading()
    reading.read(text)
    if reading.problems:
        raise BadRulings(
            f"{path}: {told(reading.problems)}. Nothing was sent. Mend the file and run it again."
        )
    return DecisionTable(tuple(reading.rulings), reading.undecided)


@dataclass
class _Reading:
    """The rulings and problems of a file so far."""

    rulings: list[Ruling] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    undecided: int = 0

    def read(self, text: str) -> None:
        """Take all lines."""
        first = text.partition("\n")[0]
        separator = ";" if first.count(";") > first.count(",") else ","
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        try:
            header = [cell.strip() for cell in next(rows, [])]
            if self.objections(header):
                return
            start = rows.line_num + 1
            for cells in rows:
                if any(cell.strip() for cell in cells):
                    self.row(start, header, cells)
                start = rows.line_num + 1
        except csv.Error as error:
            self.problems.append(f"line {rows.line_num}: it is no CSV ({error})")

    def objections(self, header: Sequence[str]) -> bool:
        """Whether something is wrong with the names of the columns."""
        known = [column for column in header if column in (*NAMES, DECISION, REASON)]
        twice = sorted({column for column in known if known.count(column) > 1})
        self.problems += [f"line 1: there are two columns {column}" for column in twice]
        if DECISION not in known or not set(NAMES) & set(known):
            self.problems.append(f"line 1: it needs a column {DECISION}, and {' or '.join(NAMES)}")
        return bool(self.problems)

    def row(self, line: int, header: Sequence[str], cells: Sequence[str]) -> None:
        """Take a row."""
        if len(cells) > len(header):
            self.problems.append(f"line {line}: it has {len(cells)} cells, and the header {len(header)}")
            return
        said = {column: cell.strip() for column, cell in zip(header, cells, strict=False)}
        decided, reason = said.get(DECISION, "").lower(), said.get(REASON, "")
        names = tuple(said[column] for column in NAMES if said.get(column))
        if not decided:
            self.undecided += 1
            if reason:
                self.problems.append(f"line {line}: there is a reason and no decision")
            return
        self.decided(line, names, decided, reason)

    def decided(self, line: int, names: tuple[str, ...], decided: str, reason: str) -> None:
        """Take a row that decides something."""
        place = f"line {line}: "
        if decided not in list(Decision):
            self.problems.append(f"{place}{shown(decided)[:40]!r} is neither {' nor '.join(Decision)}")
            return
        decision = Decision(decided)
        problem = reason_problem(decision, reason) if names else f"there is no {' and no '.join(NAMES)}"
        if problem:
            self.problems.append(f"{place}{problem}")
            return
        self.rulings.append(Ruling(names, decision, reason, place=place))
