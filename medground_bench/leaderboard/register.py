"""What the log means: where every submission stands, whose it is, and what each person has spent. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from medground_bench.leaderboard.audit import Event, LogEntry, read_log
from medground_bench.leaderboard.records import Edition


class SubmissionStatus(StrEnum):
    """Where a submission stands; a row of the board is `scored`."""

    RECEIVED = "received"
    SCORED = "scored"
    HELD = "held"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"

    @property
    def stands(self) -> bool:
        """Whether it is on the board or on its way there."""
        return self in (SubmissionStatus.RECEIVED, SubmissionStatus.SCORED, SubmissionStatus.HELD)


ENDS = {
    Event.SCORED: SubmissionStatus.SCORED,
    Event.HELD: SubmissionStatus.HELD,
    Event.FAILED: SubmissionStatus.FAILED,
    Event.WITHDRAWN: SubmissionStatus.WITHDRAWN,
    Event.REMOVED: SubmissionStatus.REMOVED,
}
"""What an entry makes of the submission that it is about."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One submission as the log has it: the entry by which it was received, and the newest about it."""

    id: str
    status: SubmissionStatus
    accepted: LogEntry
    last: LogEntry

    @property
    def person(self) -> str:
        """The submitter's pseudonym."""
        return self.accepted.by

    @property
    def edition(self) -> Edition:
        """The benchmark that it answers, and the protocol that was in force."""
        assert self.accepted.edition is not None
        return self.accepted.edition

    @property
    def stands(self) -> bool:
        """Whether it is on the board or on its way there."""
        return self.status.stands

    @property
    def counts(self) -> bool:
        """Whether it takes a slot of the quota: not where scoring failed by our fault."""
        return self.status is not SubmissionStatus.FAILED


@dataclass(frozen=True)
class Register:
    """All entries, and what follows from them."""

    entries: Sequence[LogEntry]

    @classmethod
    def read(cls, log: bytes) -> Register:
        """What a log says; BrokenLog where its chain is broken."""
        return cls(read_log(log))

    @cached_property
    def submissions(self) -> Mapping[str, Standing]:
        """By id, in the order in which they were received."""
        found: dict[str, Standing] = {}
        for entry in self.entries:
            if entry.event is Event.RECEIVED:
                found[entry.subject] = Standing(entry.subject, SubmissionStatus.RECEIVED, entry, entry)
            elif entry.event in ENDS:
                found[entry.subject] = replace(found[entry.subject], status=ENDS[entry.event], last=entry)
        return found

    @cached_property
    def files(self) -> Mapping[str, str]:
        """Name -> SHA-256 of every file, as the newest entry that names it says."""
        return {name: digest for entry in self.entries for name, digest in entry.files.items()}

    @cached_property
    def opening(self) -> LogEntry | None:
        """The entry by which the newest edition was opened; None before the first."""
        return next((entry for entry in reversed(self.entries) if entry.event is Event.OPENED), None)

    @property
    def edition(self) -> Edition | None:
        """The one that is open now; None before the first."""
        return self.opening.edition if self.opening else None

    @property
    def here(self) -> tuple[Standing, ...]:
        """The submissions to the revision that is open now."""
        now = self.edition
        return tuple(each for each in self.submissions.values() if now and each.edition.same_cases(now))

    @property
    def rows(self) -> tuple[Standing, ...]:
        """Those that stand on the board."""
        return tuple(each for each in self.here if each.status is SubmissionStatus.SCORED)

    def spent(self, persons: Collection[str], now: datetime, within: timedelta) -> int:
        """How many slots of the quota were used lately by some, together; one that is still being scored counts."""
        return sum(
            each.person in persons and each.counts and _since(each.accepted, now) < within
            for each in self.submissions.values()
        )

    def refused(self, person: str, now: datetime, within: timedelta) -> int:
        """How many of a person's files were refused lately."""
        return sum(
            entry.event is Event.REFUSED and entry.by == person and _since(entry, now) < within
            for entry in self.entries
        )

    def taken(self, method: str, tracks: Sequence[str], person: str) -> bool:
        """Whether a name is not free: another's row has it, also one that was taken back, or one's own on such a track.

        One method may come in several files, of other tracks each; their rows are one.
        """
        same = (each for each in self.here if each.accepted.method.casefold() == method.casefold())
        return any(
            each.person != person or (each.stands and not set(tracks).isdisjoint(each.accepted.tracks))
            for each in same
            if each.counts
        )


def _since(entry: LogEntry, now: datetime) -> timedelta:
    return now - datetime.fromisoformat(entry.at)
