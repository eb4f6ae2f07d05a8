"""What an operator does with a store: open it for an edition, decide what is held, remove a row, take a name out.

Each of these is an entry with a name and a reason. Opening it under a new protocol scores every submission again, from
the boxes on record; the board as it was stays beside the new one.
"""

from __future__ import annotations

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.accepting import Desk
from medground_bench.leaderboard.audit import Entry, Event
from medground_bench.leaderboard.changes import Change, Clock, Decide, change, digests, now
from medground_bench.leaderboard.examining import USUAL, Limits, examined, kept_scores
from medground_bench.leaderboard.ledger import Ledger, Standing, Status
from medground_bench.leaderboard.people import demand_login, people_content, people_of, pseudonym_of
from medground_bench.leaderboard.records import (
    SubmissionRecord,
    cases_name,
    kept_board_name,
    record_name,
    scores_name,
)
from medground_bench.leaderboard.replies import found
from medground_bench.leaderboard.store import BOARD, PEOPLE, SETTINGS, Settings, Snapshot, Store
from medground_bench.leaderboard.truth import Truth

SCORED_AGAIN = (Status.SCORED, Status.HELD)


def open_edition(store: Store, truth: Truth, settings: Settings, by: str, clock: Clock = now) -> None:
    """Open a store for a benchmark under this version's protocol; nothing where it is, with these settings."""
    demand_login(by)

    def decide(snapshot: Snapshot, ledger: Ledger) -> Change | None:
        entries, files = [], {}
        if SETTINGS not in snapshot.names or Settings.of(snapshot) != settings:
            files[SETTINGS] = settings.content()
            entries.append(Entry(event=Event.SETTINGS, by=by, subject="settings", files=digests(files)))
        if ledger.edition != truth.edition:
            opened, files_of_it = _opened(snapshot, ledger, truth, by)
            entries, files = [*entries, *opened], files | files_of_it
        return Change(tuple(entries), files) if entries else None

    change(store, decide, clock)


def settle(desk: Desk, identity: str, by: str, *, shown: bool, reason: str) -> None:
    """Decide what is held for review: onto the board, or removed."""

    def decide(_snapshot: Snapshot, ledger: Ledger) -> Change | None:
        standing = found(ledger, identity)
        if standing.status is not Status.HELD:
            raise MedgroundError(f"{identity} is {standing.status}, not held. There is nothing to decide.")
        return _entry(Event.SCORED if shown else Event.REMOVED, identity, by, reason)

    _decided(desk, decide, by, reason)


def remove(desk: Desk, identity: str, by: str, *, reason: str) -> None:
    """Take a row from the board; the log says that it was there, who removed it and why."""

    def decide(_snapshot: Snapshot, ledger: Ledger) -> Change | None:
        return _entry(Event.REMOVED, identity, by, reason) if found(ledger, identity).stands else None

    _decided(desk, decide, by, reason)


def forget(store: Store, login: str, by: str, clock: Clock = now) -> None:
    """Take a person's name out: rows stay, under the pseudonym; on the hub, earlier commits still hold the name."""
    demand_login(by)

    def decide(snapshot: Snapshot, _ledger: Ledger) -> Change | None:
        people = people_of(snapshot)
        pseudonym = pseudonym_of(login, people)
        if pseudonym is None:
            return None
        del people[pseudonym]
        entry = Entry(event=Event.FORGOTTEN, by=by, subject=pseudonym, reason="asked for by the person")
        return Change((entry,), {PEOPLE: people_content(people)})

    change(store, decide, clock)


def _decided(desk: Desk, decide: Decide, by: str, reason: str) -> None:
    demand_login(by)
    if not reason.strip() or not reason.isprintable():
        raise MedgroundError("give a reason in one line: it stands in the log for good.")
    change(desk.store, decide, desk.clock)


def _entry(event: Event, identity: str, by: str, reason: str) -> Change:
    return Change((Entry(event=event, by=by, subject=identity, reason=reason),), {})


def _opened(
    snapshot: Snapshot, ledger: Ledger, truth: Truth, by: str
) -> tuple[list[Entry], dict[str, bytes]]:
    """The edition's own entry and files, and every submission of that revision scored again."""
    edition, before = truth.edition, ledger.edition
    files = {cases_name(edition): truth.cases.content()}
    if before is not None and BOARD in snapshot.names:
        files[kept_board_name(before)] = snapshot.read(BOARD)
    entries = [Entry(event=Event.OPENED, by=by, subject=edition.key, edition=edition, files=digests(files))]
    same = (edition.dataset, edition.revision)
    for standing in ledger.submissions.values():
        if (standing.edition.dataset, standing.edition.revision) == same and standing.status in SCORED_AGAIN:
            scored = {scores_name(standing.id, edition): rescored(snapshot, standing, truth)}
            entries.append(
                Entry(
                    event=Event.RESCORED, by=by, subject=standing.id, edition=edition, files=digests(scored)
                )
            )
            files |= scored
    return entries, files


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
