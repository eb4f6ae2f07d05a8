"""What an operator does with a store: open it for an edition, decide what is held, remove a row, take a name out.

Each of these is an entry with a name and a reason. Opening it under a new protocol scores every submission again, from
the boxes on record; the board as it was stays beside the new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.accepting import SubmissionDesk
from medground_bench.leaderboard.audit import Event, LogEntry
from medground_bench.leaderboard.changes import Clock, Decide, StoreChange, change, digests, now
from medground_bench.leaderboard.examining import USUAL, Limits, examined, kept_scores
from medground_bench.leaderboard.people import demand_login, people_content, people_of, pseudonym_of
from medground_bench.leaderboard.records import (
    SubmissionRecord,
    cases_name,
    kept_board_name,
    record_name,
    scores_name,
)
from medground_bench.leaderboard.register import Register, Standing, SubmissionStatus
from medground_bench.leaderboard.replies import found
from medground_bench.leaderboard.store import (
    BOARD,
    PEOPLE,
    SETTINGS,
    Snapshot,
    StoreSettings,
    SubmissionStore,
)
from medground_bench.leaderboard.truth import Truth

SCORED_AGAIN = (SubmissionStatus.SCORED, SubmissionStatus.HELD)
CLOSED = "the store was opened for another revision before it was scored"


def open_edition(
    store: SubmissionStore, truth: Truth, settings: StoreSettings, by: str, clock: Clock = now
) -> None:
    """Open a store for a benchmark under this version's protocol; nothing where it is, with these settings.

    What was received for another revision, and nobody could score, ends there: it does not count.
    """
    demand_login(by)
    scored: dict[str, bytes] = {}

    def decide(snapshot: Snapshot, register: Register) -> StoreChange | None:
        entries, files = [], {}
        if SETTINGS not in snapshot.names or StoreSettings.of(snapshot) != settings:
            files[SETTINGS] = settings.content()
            entries.append(LogEntry(event=Event.SETTINGS, by=by, subject="settings", files=digests(files)))
        entries += [
            LogEntry(event=Event.FAILED, by=by, subject=each.id, reason=CLOSED)
            for each in register.submissions.values()
            if each.status is SubmissionStatus.RECEIVED and not each.edition.same_cases(truth.edition)
        ]
        if register.edition != truth.edition:
            _score_again(snapshot, register, truth, scored)
            opened = _opened(snapshot, register, truth, scored)
            entries += [replace(entry, by=by) for entry in opened.entries]
            files |= opened.files
        return StoreChange(tuple(entries), files) if entries else None

    change(store, decide, clock)


def settle(desk: SubmissionDesk, identity: str, by: str, *, shown: bool, reason: str) -> None:
    """Decide what is held for review: onto the board, or removed."""

    def decide(_snapshot: Snapshot, register: Register) -> StoreChange | None:
        standing = found(register, identity)
        if standing.status is not SubmissionStatus.HELD:
            raise MedgroundError(f"{identity} is {standing.status}, not held. There is nothing to decide.")
        return _entry(Event.SCORED if shown else Event.REMOVED, identity, by, reason)

    _decided(desk, decide, by, reason)


def remove(desk: SubmissionDesk, identity: str, by: str, *, reason: str) -> None:
    """Take a row from the board; the log says that it was there, who removed it and why."""

    def decide(_snapshot: Snapshot, register: Register) -> StoreChange | None:
        return _entry(Event.REMOVED, identity, by, reason) if found(register, identity).stands else None

    _decided(desk, decide, by, reason)


def forget(store: SubmissionStore, login: str, by: str, clock: Clock = now) -> None:
    """Take a person's name out: rows stay, under the pseudonym; on the hub, earlier commits still hold the name."""
    demand_login(by)

    def decide(snapshot: Snapshot, _register: Register) -> StoreChange | None:
        people = people_of(snapshot)
        pseudonym = pseudonym_of(login, people)
        if pseudonym is None:
            return None
        del people[pseudonym]
        entry = LogEntry(event=Event.FORGOTTEN, by=by, subject=pseudonym, reason="asked for by the person")
        return StoreChange((entry,), {PEOPLE: people_content(people)})

    change(store, decide, clock)


def _decided(desk: SubmissionDesk, decide: Decide, by: str, reason: str) -> None:
    demand_login(by)
    if not reason.strip() or not reason.isprintable():
        raise MedgroundError("give a reason in one line: it stands in the log for good.")
    change(desk.store, decide, desk.clock)


def _entry(event: Event, identity: str, by: str, reason: str) -> StoreChange:
    return StoreChange((LogEntry(event=event, by=by, subject=identity, reason=reason),), {})


def _score_again(snapshot: Snapshot, register: Register, truth: Truth, scored: dict[str, bytes]) -> None:
    """Fill in what every submission to the revision scores now, unless that is kept, or known from an earlier try."""
    edition = truth.edition
    for standing in register.submissions.values():
        known = standing.id in scored or scores_name(standing.id, edition) in snapshot.names
        if standing.edition.same_cases(edition) and standing.status in SCORED_AGAIN and not known:
            scored[standing.id] = rescored(snapshot, standing, truth)


def _opened(snapshot: Snapshot, register: Register, truth: Truth, scored: Mapping[str, bytes]) -> StoreChange:
    """The edition's own entry and files, the board as it was, and every submission that was scored again."""
    edition, before = truth.edition, register.edition
    files = {cases_name(edition): truth.cases.content()}
    if before is not None and BOARD in snapshot.names:
        files[kept_board_name(before, len(register.entries))] = snapshot.read(BOARD)
    entries = [
        LogEntry(event=Event.OPENED, by="", subject=edition.key, edition=edition, files=digests(files))
    ]
    for identity, content in scored.items():
        named = {scores_name(identity, edition): content}
        entry = LogEntry(event=Event.RESCORED, by="", subject=identity, edition=edition, files=digests(named))
        entries.append(entry)
        files |= named
    return StoreChange(tuple(entries), files)


def rescored(snapshot: Snapshot, standing: Standing, truth: Truth, limits: Limits = USUAL) -> bytes:
    """What the boxes on record score under this version's protocol, as it is kept."""
    record = SubmissionRecord.of(snapshot.read(record_name(standing.id)))
    again = examined(record.upload, truth, scored=True, limits=limits)
    if again.counts:
        raise MedgroundError(
            f"the boxes of {standing.id} are no longer accepted ({' '.join(again.counts)}). Remove it first, with a "
            "reason."
        )
    return kept_scores(record, again, truth)
