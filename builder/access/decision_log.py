"""Who decided what about whose request, why, and when: an append-only file of JSON lines beside the maintainer.

A line is on the disk before a decision is sent, and another when it is over, so a kill in between loses no decision:
the next run finds the open line, asks the hub what became of it and closes it. A line holds user name and id of the
request, decision, reason and rule, and nothing else that a person typed. Only its user may read the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from builder.access.rulings import Decision, Handling
from builder.publish import log as logs
from medground_bench.core.errors import MedgroundError
from medground_bench.storage.whole_files import flush_folder, hold

FIRST = '{"at": "'
"""How every line begins, also one that a kill cut short."""


class Ending(StrEnum):
    """What became of a decision."""

    BEGUN = "begun"
    DONE = "done"
    FOUND_DONE = "found done"
    UNDONE = "not done"
    GONE = "request is gone"


class NoDecisionLog(MedgroundError):
    """A file that holds something else, to which no decision is appended."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A decision before it is sent (`begun`), or when it is over; `by` is whose token decided."""

    by: str
    dataset: str
    user: str | None
    request_id: str
    decision: str
    reason: str
    rule: str
    ending: str

    @classmethod
    def begun(cls, handling: Handling, dataset: str, by: str) -> LogLine:
        """Before a decision is sent."""
        applicant, ruling = handling.applicant, handling.ruling
        about = (ruling.decision.value, ruling.reason, ruling.rule, Ending.BEGUN.value)
        return cls(by, dataset, applicant.user, applicant.request, *about)

    def ended(self, ending: Ending) -> LogLine:
        """The same decision when it is over."""
        return replace(self, ending=ending.value)

    @property
    def subject(self) -> tuple[str, str]:
        """Whose request in which dataset."""
        return self.dataset, self.request_id or self.user or ""


@dataclass(frozen=True)
class DecisionLog:
    """A held file, and the decisions in it of which no end was seen.

    damaged  how many lines a kill cut short
    """

    path: Path
    unended: tuple[LogLine, ...]
    damaged: int

    def append(self, line: LogLine) -> None:
        """A line with the time, that is on the disk when this returns."""
        logs.append(self.path, asdict(line))


@contextmanager
def opened_log(path: Path) -> Iterator[DecisionLog]:
    """Go on with a log, or begin one; NoDecisionLog for a file that holds something else.

    MedgroundError while another process appends to it.
    """
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, logs.OWN_FILE)
    try:
        hold(handle, path)
        raw = path.read_bytes()
        lines = [_read(each, path) for each in raw.splitlines()]
        os.fchmod(handle, logs.OWN_FILE)
        flush_folder(path.parent)
        if raw and not raw.endswith(b"\n"):
            os.write(handle, b"\n")
        whole = [line for line in lines if line]
        yield DecisionLog(path, _unended(whole), len(lines) - len(whole))
    finally:
        os.close(handle)


def _read(raw: bytes, path: Path) -> LogLine | None:
    """A line; None for one that a kill cut short."""
    text = raw.decode("ascii", "replace")
    if not text or (text != FIRST[: len(text)] and not text.startswith(FIRST)):
        raise NoDecisionLog(
            f"{path} is no log of decisions about access. Name another file with --log; nothing was sent."
        )
    try:
        said = json.loads(text)
        del said["at"]
        line = LogLine(**said)
        Decision(line.decision)
    except (ValueError, TypeError):
        return None
    return line


def _unended(lines: Iterable[LogLine]) -> tuple[LogLine, ...]:
    """The decisions that were begun and whose end is not there."""
    open_lines: dict[tuple[str, str], LogLine] = {}
    for line in lines:
        if line.ending == Ending.BEGUN:
            open_lines[line.subject] = line
        else:
            open_lines.pop(line.subject, None)
    return tuple(open_lines.values())
