"""The log of a store: JSON lines, each with the hash of the one before. Lines are added and never changed. Pure.

An entry says who did what, when, why, and the hashes of the files that came with it, so whoever has the last hash can
tell whether any entry or any file was changed since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.records import Edition
from medground_bench.storage.whole_files import sha256

FILE = "audit.jsonl"
FIRST = "0" * 64
"""What stands before the first entry."""


class Event(StrEnum):
    """What an entry says."""

    OPENED = "opened"
    SETTINGS = "settings"
    REFUSED = "refused"
    RECEIVED = "received"
    SCORED = "scored"
    HELD = "held"
    FAILED = "failed"
    RESCORED = "rescored"
    MENDED = "mended"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"
    FORGOTTEN = "forgotten"


class BrokenLog(MedgroundError):
    """A log in which an entry was changed, left out or put in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One line of the log.

    at        UTC, ISO 8601
    by        pseudonym of the submitter, or the login of an operator
    subject   a submission, the hash of a refused file, an edition, a pseudonym
    reason    in words, or the codes of the problems; never a word of a submitter
    files     name -> SHA-256 of every file that came with it
    previous  hash of the entry before
    """

    event: Event
    by: str
    subject: str
    reason: str = ""
    method: str = ""
    tracks: tuple[str, ...] = ()
    file_sha256: str = ""
    edition: Edition | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    number: int = 0
    at: str = ""
    previous: str = FIRST

    def line(self) -> bytes:
        """As it stands in the log: ASCII, so that nothing in it moves a cursor or ends a line."""
        return json.dumps(asdict(self), sort_keys=True).encode("ascii") + b"\n"

    @property
    def hash(self) -> str:
        """By which the next entry names it."""
        return sha256(self.line())


@lru_cache(maxsize=4)  # whoever changes a store looks at one log several times
def read_log(content: bytes) -> tuple[LogEntry, ...]:
    """All entries; BrokenLog names the first that does not follow from the one before."""
    entries: list[LogEntry] = []
    previous = FIRST
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        entry = _read(line, number)
        if (entry.number, entry.previous) != (number, previous) or entry.line() != line:
            raise BrokenLog(
                f"entry {number} of {FILE} does not follow from the one before: an entry was changed, left out or put "
                "in. Compare with a copy of the store, or on the hub with the repository's history."
            )
        entries.append(entry)
        previous = sha256(line)
    return tuple(entries)


def extended(content: bytes, entries: Iterable[LogEntry], at: str) -> bytes:
    """The log with new entries at its end, each numbered, dated and chained."""
    known = read_log(content)
    number, previous = len(known), known[-1].hash if known else FIRST
    for entry in entries:
        number += 1
        chained = replace(entry, number=number, at=at, previous=previous)
        content += chained.line()
        previous = chained.hash
    return content


def _read(line: bytes, number: int) -> LogEntry:
    try:
        said = json.loads(line)
        edition = said.pop("edition")
        said |= {"event": Event(said["event"]), "tracks": tuple(said["tracks"])}
        return LogEntry(edition=Edition(**edition) if edition else None, **said)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenLog(f"line {number} of {FILE} is no entry ({error}).") from error
