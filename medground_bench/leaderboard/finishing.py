"""How a submission ends that was received: scored, held as a copy of another's or of ours, or failed by our fault."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from medground_bench.core.errors import one_line
from medground_bench.core.types import Frame
from medground_bench.leaderboard.audit import Event, LogEntry
from medground_bench.leaderboard.changes import StoreChange, digests
from medground_bench.leaderboard.examining import Limits, ScorerDied, examined, kept_scores
from medground_bench.leaderboard.kept_files import kept_file
from medground_bench.leaderboard.near_copies import HELD_FROM, Quads, repeats_any, shared_share
from medground_bench.leaderboard.records import BadRecord, SubmissionRecord, record_name, scores_name
from medground_bench.leaderboard.register import Register, Standing, SubmissionStatus
from medground_bench.leaderboard.replies import found
from medground_bench.leaderboard.store import FileMissing, Snapshot
from medground_bench.leaderboard.truth import Truth

log = logging.getLogger(__name__)

LOOKED_AT = 100
"""Cases of an earlier submission, or of a method of ours, that are compared first."""


@dataclass(frozen=True, slots=True)
class ScoringEnd:
    """What ends the scoring of a submission, with its file of scores, or with why there is none."""

    event: Event
    files: Mapping[str, bytes] = field(default_factory=dict)
    reason: str = ""

    def of(self, register: Register, identity: str) -> StoreChange | None:
        """The one entry about it; None where the submission has ended already."""
        standing = found(register, identity)
        if standing.status is not SubmissionStatus.RECEIVED:
            return None
        entry = LogEntry(
            event=self.event,
            by=standing.person,
            subject=identity,
            reason=self.reason,
            files=digests(self.files),
        )
        return StoreChange((entry,), self.files)


def scored(record: SubmissionRecord, truth: Truth, limits: Limits) -> ScoringEnd:
    """A submission with its scores; FAILED where there are none, and never a score for that."""
    try:
        made = examined(record.upload, truth, scored=True, limits=limits)
    except ScorerDied:
        return _failed(record, "scoring ended without a result")
    if made.counts:
        return _failed(record, f"its boxes are no longer accepted: {' '.join(sorted(made.counts))}")
    return ScoringEnd(Event.SCORED, {scores_name(record.id, truth.edition): kept_scores(record, made, truth)})


def is_near_copy(
    record: SubmissionRecord, snapshot: Snapshot, register: Register, frames: Mapping[str, Frame]
) -> bool:
    """Whether its boxes were somebody else's first: of all that it repeats, the earliest says whose they are."""
    mine, boxes = found(register, record.id), record.boxes
    for earlier in register.here:
        if earlier.id == mine.id:
            return False
        if set(earlier.accepted.tracks) & set(record.tracks):
            content = _content(snapshot, register, earlier)
            if content is not None and _repeats(boxes, content, frames):
                return earlier.person != mine.person
    return False


def is_copy_of_ours(
    record: SubmissionRecord, ours: Iterable[Mapping[str, Quads]], frames: Mapping[str, Frame]
) -> bool:
    """Whether its boxes are those of a method that we ran, given as the boxes of every method on every track."""
    boxes = record.boxes
    return any(
        repeats_any(boxes, dict(islice(run.items(), LOOKED_AT)), frames)
        and shared_share(boxes, run, frames) >= HELD_FROM
        for run in ours
    )


def _content(snapshot: Snapshot, register: Register, earlier: Standing) -> bytes | None:
    """The record of a submission; None where it is damaged and has no row, so that nobody has seen what it holds."""
    try:
        return kept_file(snapshot, register, record_name(earlier.id))
    except (BadRecord, FileMissing) as error:
        if earlier.status is SubmissionStatus.SCORED:
            raise
        log.error("nothing is compared with %s: %s", earlier.id, one_line(error))
        return None


def _failed(record: SubmissionRecord, why: str) -> ScoringEnd:
    log.error("%s failed and does not count: %s", record.id, why)
    return ScoringEnd(Event.FAILED, reason=why)


def _repeats(boxes: Mapping[str, Quads], earlier: bytes, frames: Mapping[str, Frame]) -> bool:
    """Whether boxes are those of an earlier record; most are told apart by a few cases."""
    if not repeats_any(boxes, SubmissionRecord.some_boxes(earlier, LOOKED_AT), frames):
        return False
    return shared_share(boxes, SubmissionRecord.of(earlier).boxes, frames) >= HELD_FROM
