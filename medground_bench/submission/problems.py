"""What can be wrong with an untrusted file, and how it is reported: a stable code, a place, a sentence. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum

from medground_bench.core.errors import SHOWN


class Code(StrEnum):
    """Stable names of what can be wrong with a prediction file.

    >>> Code.BOX_OUTSIDE.value
    'BOX_OUTSIDE'
    """

    TOO_LARGE = "TOO_LARGE"
    NOT_JSON_LINES = "NOT_JSON_LINES"
    GZIP_BROKEN = "GZIP_BROKEN"
    GZIP_BOMB = "GZIP_BOMB"
    BAD_UTF8 = "BAD_UTF8"
    NULL_BYTE = "NULL_BYTE"
    EMPTY_FILE = "EMPTY_FILE"
    LOOKS_RELATIVE = "LOOKS_RELATIVE"
    LOOKS_RESIZED = "LOOKS_RESIZED"
    LOOKS_XYWH = "LOOKS_XYWH"
    LOOKS_SWAPPED = "LOOKS_SWAPPED"
    MISSING_CASE = "MISSING_CASE"
    BAD_JSON = "BAD_JSON"
    TOO_DEEP = "TOO_DEEP"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    NOT_AN_OBJECT = "NOT_AN_OBJECT"
    MISSING_KEY = "MISSING_KEY"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    WRONG_TYPE = "WRONG_TYPE"
    UNKNOWN_CASE = "UNKNOWN_CASE"
    DUPLICATE_CASE = "DUPLICATE_CASE"
    TOO_MANY_BOXES = "TOO_MANY_BOXES"
    BOX_SHAPE = "BOX_SHAPE"
    NOT_FINITE = "NOT_FINITE"
    BOX_ORDER = "BOX_ORDER"
    BOX_EMPTY = "BOX_EMPTY"
    BOX_OUTSIDE = "BOX_OUTSIDE"
    BAD_CONCEPT = "BAD_CONCEPT"
    BAD_SECONDS = "BAD_SECONDS"
    BAD_TOKENS = "BAD_TOKENS"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `line` counts from 1, None for the whole file; `case_id` is None where none could be read.

    >>> str(Problem(3, "vindr/a/mass@medgemma:direct", Code.BOX_SHAPE, "box 1: 3 numbers, not 4."))
    'line 3, case vindr/a/mass@medgemma:direct: box 1: 3 numbers, not 4. [BOX_SHAPE]'
    """

    line: int | None
    case_id: str | None
    code: Code
    message: str

    def __str__(self) -> str:
        """One paragraph: where, what, what to do, and the code."""
        line = f"line {self.line}" if self.line is not None else "the file"
        case = f", case {self.case_id}" if self.case_id is not None else ""
        return f"{line}{case}: {self.message} [{self.code}]"


@dataclass(frozen=True, slots=True)
class Problems:
    """A file that was refused: the first problems in file order, and how many there are of each code.

    >>> Problems(shown=(), counts={Code.BOX_SHAPE: 60, Code.MISSING_CASE: 1}).total
    61
    """

    shown: tuple[Problem, ...]
    counts: Mapping[Code, int]

    @property
    def total(self) -> int:
        """All problems, shown or not."""
        return sum(self.counts.values())


class Refused(Exception):
    """A part of the file that cannot be used, on its way to the report.

    >>> Refused(Code.NULL_BYTE, "there is a null byte at byte 3; that is no text.").code.value
    'NULL_BYTE'
    """

    def __init__(self, code: Code, message: str, case_id: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.case_id = code, message, case_id


@dataclass(slots=True)
class Report:
    """Collects problems: the first ones whole, the others as counts. Problems of the whole file go first.

    >>> report = Report()
    >>> with report.catching(7, None):
    ...     raise Refused(Code.BAD_JSON, "not JSON.")
    >>> [str(problem) for problem in report.problems().shown]
    ['line 7: not JSON. [BAD_JSON]']
    """

    of_file: list[Problem] = field(default_factory=list)
    of_lines: list[Problem] = field(default_factory=list)
    counts: Counter[Code] = field(default_factory=Counter)
    hints: dict[Code, str] = field(default_factory=dict)

    def add(self, line: int | None, case_id: str | None, code: Code, message: str) -> None:
        """Count a problem, and keep it whole while it is among the first ones; those without a line come last."""
        self.counts[code] += 1
        problems = self.of_file if line is None and case_id is None else self.of_lines
        if len(problems) < SHOWN or _place(line) < _place(problems[-1].line):
            problems.append(Problem(line, case_id, code, message))
            problems.sort(key=lambda problem: _place(problem.line))
            del problems[SHOWN:]

    def hint(self, code: Code, what_to_do: str) -> None:
        """What to do about every problem of a code, known once the whole file is read."""
        self.hints[code] = what_to_do

    @contextmanager
    def catching(self, line: int | None, case_id: str | None, prefix: str = "") -> Iterator[None]:
        """Turn a refusal inside the block into a problem of that line and case."""
        try:
            yield
        except Refused as refusal:
            self.add(line, case_id or refusal.case_id, refusal.code, prefix + refusal.message)

    def problems(self) -> Problems:
        """Everything reported so far."""
        first = (self.of_file + self.of_lines)[:SHOWN]
        shown = (
            replace(problem, message=f"{problem.message} {self.hints[problem.code]}")
            if problem.code in self.hints
            else problem
            for problem in first
        )
        return Problems(tuple(shown), dict(sorted(self.counts.items())))


def _place(line: int | None) -> float:
    return math.inf if line is None else line


def kind(value: object) -> str:
    """What a JSON value is, in words.

    >>> kind(True), kind(1.5), kind(None)
    ('a boolean', 'a number', 'null')
    """
    names = {bool: "a boolean", str: "text", list: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), "a number")


def shown(text: str) -> str:
    r"""Foreign text made safe to print: one line of ASCII, at most 120 characters.

    >>> print(shown("caf\N{LATIN SMALL LETTER E WITH ACUTE}\n"))
    caf\xe9\n
    """
    plain = text[:120].encode("ascii", "backslashreplace").decode("ascii")
    legible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in plain)
    return legible[:120] + ("..." if len(text) > 120 else "")
