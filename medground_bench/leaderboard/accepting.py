"""The desk where predictions are handed in: check, quota, record, scoring, receipt.

A submission is written down before it is scored, and its slot of the quota is taken with it in one step. Whatever stops
the scoring, the same file sent again, or `take_up`, goes on from there and ends in one row. Nothing that is said rests
on a single case's expert boxes: it is one of a fixed list, or of the checker, which never sees them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from threading import Lock

from medground_bench.core.errors import MedgroundError, one_line
from medground_bench.leaderboard import replies
from medground_bench.leaderboard.audit import Event, LogEntry
from medground_bench.leaderboard.changes import Clock, StoreChange, change, digests, now
from medground_bench.leaderboard.examining import USUAL, Examined, Limits, ScorerDied, examined
from medground_bench.leaderboard.finishing import is_copy_of_ours, is_near_copy, scored
from medground_bench.leaderboard.kept_files import kept_file
from medground_bench.leaderboard.near_copies import Quads
from medground_bench.leaderboard.people import (
    demand_login,
    people_of,
    person_of,
    pseudonym_of,
)
from medground_bench.leaderboard.published import WORDS, rows_of
from medground_bench.leaderboard.records import (
    BadRecord,
    Receipt,
    SubmissionRecord,
    receipt_address,
    record_name,
    submission_id,
)
from medground_bench.leaderboard.register import Register, Standing, SubmissionStatus
from medground_bench.leaderboard.replies import NotAccepted, Reply
from medground_bench.leaderboard.store import FileMissing, Snapshot, StoreSettings, SubmissionStore
from medground_bench.leaderboard.truth import Truth
from medground_bench.storage.whole_files import sha256
from medground_bench.submission.metadata import FieldProblem, Metadata, read_metadata

log = logging.getLogger(__name__)

NOT_EXAMINED = Examined(counts={})
WEEK, DAY = timedelta(days=7), timedelta(days=1)


class Stage(StrEnum):
    """How far a submission is."""

    READING = "reading the file"
    WRITING = "writing it down"
    SCORING = "scoring"
    COMPARING = "comparing with other submissions"
    PUBLISHING = "putting it on the board"


Tell = Callable[[Stage], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What somebody sends: bytes, what is said about them, and who it is. The name of a file is never kept."""

    person: str
    content: bytes
    metadata: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A file as far as it was read; `metadata` is None where that is at fault, or where nothing was read at all."""

    problems: tuple[FieldProblem, ...]
    metadata: Metadata | None = None
    examined: Examined = NOT_EXAMINED

    @property
    def told(self) -> tuple[str, ...]:
        return (*map(str, self.problems), *self.examined.problems)

    @property
    def codes(self) -> str:
        """What was wrong, in codes alone: for the log."""
        return " ".join(sorted({problem.code.value for problem in self.problems} | set(self.examined.counts)))


@dataclass(frozen=True)
class SubmissionDesk:
    """Where predictions for one benchmark are handed in, with its store behind it.

    ours     asked for the boxes by case id of every method that we ran, on every track by itself
    at_work  ids of what is being scored here
    """

    store: SubmissionStore
    truth: Truth
    clock: Clock = now
    ours: Callable[[], Iterable[Mapping[str, Quads]]] = tuple
    limits: Limits = USUAL
    turn: Lock = field(default_factory=Lock, repr=False)
    at_work: set[str] = field(default_factory=set, repr=False)

    def check(self, upload: Upload) -> Reply:
        """Everything that is wrong with an upload; nothing is spent or kept."""
        demand_login(upload.person)
        snapshot = self._look()
        checked = self._checked(upload)
        late = self._late(checked, snapshot, Register.read(snapshot.log), upload.person)
        if checked.told or late:
            return replies.refusal((*checked.told, *map(str, late)), checked.examined.more)
        return replies.passes()

    def submit(self, upload: Upload, tell: Tell = lambda _stage: None) -> Reply:
        """Take a submission, score it, and give its receipt; NotAccepted where nothing was kept: try again.

        Where something stops the scoring, the receipt is that of a submission that is received, and `take_up` ends it.
        """
        demand_login(upload.person)
        with replies.not_accepted():
            snapshot = self._look()
            person = pseudonym_of(upload.person, people_of(snapshot))
            self._demand_patience(snapshot, person)
            known = self._known(upload, person, Register.read(snapshot.log))
            if known is None:
                received = self._take_in(upload, snapshot, tell)
                if isinstance(received, Reply):
                    return received
                known = received
            else:
                self._mend(upload, known, snapshot)
        return self._finish(snapshot, known, tell)

    def take_up(self) -> tuple[Reply, ...]:
        """Finish what was received and whose scoring something stopped; replies tell what is received still."""
        snapshot = self._look()
        waiting = [
            each
            for each in Register.read(snapshot.log).here
            if each.status is SubmissionStatus.RECEIVED and each.id not in self.at_work
        ]
        return tuple(self._finish(snapshot, each, lambda _stage: None) for each in waiting)

    def receipt(self, identity: str) -> Receipt:
        """Of a submission, as it stands now."""
        snapshot = self._look()
        return self._receipt(snapshot, replies.found(Register.read(snapshot.log), identity))

    def said(self, identity: str) -> Metadata | None:
        """What was said of a submission; None where its record is damaged."""
        snapshot = self._look()
        register = Register.read(snapshot.log)
        replies.found(register, identity)
        try:
            return WORDS.of(snapshot, register, record_name(identity))
        except (BadRecord, FileMissing):
            return None

    def withdraw(self, identity: str, person: str) -> Receipt:
        """Take one's own submission from the board; that it was there stays in the log."""
        demand_login(person)
        with replies.not_accepted():
            self._change(lambda snapshot, register: _withdrawal(snapshot, register, identity, person))
            return self.receipt(identity)

    def _look(self) -> Snapshot:
        snapshot = self.store.look()
        replies.demand_edition(Register.read(snapshot.log), self.truth.edition)
        return snapshot

    def _change(self, decide: Callable[[Snapshot, Register], StoreChange | None]) -> Register:
        with self.turn:
            return change(self.store, decide, self.clock)

    def _demand_patience(self, snapshot: Snapshot, person: str | None) -> None:
        """Refuse whoever sends one faulty file after the other, before any more is looked into."""
        register, most = Register.read(snapshot.log), StoreSettings.of(snapshot).refused_per_day
        if person and register.refused(person, self.clock(), DAY) >= most:
            raise NotAccepted(replies.too_many_refused(most))

    def _known(self, upload: Upload, person: str | None, register: Register) -> Standing | None:
        """The very same submission, where it is on record and was not lost by our fault."""
        metadata = read_metadata(upload.metadata)
        if person is None or not isinstance(metadata, Metadata):
            return None
        identity = submission_id(person, sha256(upload.content), metadata, self.truth.edition)
        standing = register.submissions.get(identity)
        return standing if standing and standing.counts else None

    def _checked(self, upload: Upload) -> _Checked:
        """Everything that can be said of an upload by itself."""
        said = read_metadata(upload.metadata)
        try:
            found = examined(upload.content, self.truth, scored=False, limits=self.limits)
        except ScorerDied as died:
            raise NotAccepted(f"not accepted: {died}") from died
        if not isinstance(said, Metadata):
            return _Checked(examined=found, problems=said)
        problems = replies.against_file(said, found.lvlms, self.truth) if not found.counts else ()
        return _Checked(metadata=said, examined=found, problems=problems)

    def _late(
        self, checked: _Checked, snapshot: Snapshot, register: Register, login: str
    ) -> tuple[FieldProblem, ...]:
        """What speaks against a sound file, given what else there is: its name, and the quota."""
        if checked.metadata is None:
            return ()
        settings, person = StoreSettings.of(snapshot), pseudonym_of(login, people_of(snapshot)) or ""
        method, spent = checked.metadata.method, self._spent(snapshot, register, login)
        if replies.is_reserved(method, login, settings) or register.taken(
            method, checked.examined.tracks, person
        ):
            return (replies.name_taken(method), *spent)
        return spent

    def _spent(self, snapshot: Snapshot, register: Register, login: str) -> tuple[FieldProblem, ...]:
        """Whether all slots of a person are taken, by whoever shares them."""
        settings, people = StoreSettings.of(snapshot), people_of(snapshot)
        persons = {pseudonym_of(each, people) or "" for each in settings.team_of(login)}
        if register.spent(persons, self.clock(), WEEK) < settings.scored_per_week:
            return ()
        return (replies.quota_spent(settings.scored_per_week),)

    def _take_in(self, upload: Upload, snapshot: Snapshot, tell: Tell) -> Standing | Reply:
        """Read, check and write down what is new; where it stands, or a refusal."""
        spent = self._spent(snapshot, Register.read(snapshot.log), upload.person)
        if spent:
            return self._refuse(upload, _Checked(problems=spent))
        tell(Stage.READING)
        checked = self._checked(upload)
        if checked.told:
            return self._refuse(upload, checked)
        tell(Stage.WRITING)
        rows_of(snapshot)  # fails here, before a slot is taken, where the board would fail afterwards
        return self._receive(upload, checked)

    def _refuse(self, upload: Upload, checked: _Checked) -> Reply:
        """Write down that a file is refused, and say why."""
        self._change(lambda snapshot, _register: _refusal(snapshot, upload, checked))
        return replies.refusal(checked.told, checked.examined.more)

    def _receive(self, upload: Upload, checked: _Checked) -> Standing | Reply:
        """Write a submission down and take its slot, in one step; where it stands, or a refusal."""
        accepted: list[str] = []
        late: list[FieldProblem] = []

        def decide(snapshot: Snapshot, register: Register) -> StoreChange | None:
            replies.demand_edition(register, self.truth.edition)
            person, files = person_of(upload.person, snapshot)
            record = self._record(upload, checked, person)
            accepted[:] = [record.id]
            standing = register.submissions.get(record.id)
            if standing and standing.counts:
                return None
            late[:] = self._late(checked, snapshot, register, upload.person)
            if late:
                return _refusal(snapshot, upload, _Checked(problems=tuple(late)))
            return self._reception(record, files)

        register = self._change(decide)
        return replies.refusal(tuple(map(str, late)), 0) if late else register.submissions[accepted[0]]

    def _record(self, upload: Upload, checked: _Checked, person: str) -> SubmissionRecord:
        """What is kept of a sound file: the same for the same submission, whenever it is sent."""
        assert checked.metadata is not None
        digest = sha256(upload.content)
        return SubmissionRecord(
            id=submission_id(person, digest, checked.metadata, self.truth.edition),
            person=person,
            file_sha256=digest,
            dataset=self.truth.dataset,
            dataset_revision=self.truth.revision,
            tracks=checked.examined.tracks,
            metadata=checked.metadata,
            lines=checked.examined.lines,
        )

    def _mend(self, upload: Upload, known: Standing, snapshot: Snapshot) -> None:
        """Write a record again that is damaged, of the very submission that is sent again."""
        register, name = Register.read(snapshot.log), record_name(known.id)
        with suppress(BadRecord, FileMissing):
            kept_file(snapshot, register, name)
            return
        checked = self._checked(upload)
        files = {} if checked.told else {name: self._record(upload, checked, known.person).content()}
        if digests(files) == {name: register.files[name]}:  # not where today's rules or words are others
            entry = LogEntry(event=Event.MENDED, by=known.person, subject=known.id, files=digests(files))
            self._change(lambda _snapshot, _register: StoreChange((entry,), files))

    def _reception(self, record: SubmissionRecord, files: Mapping[str, bytes]) -> StoreChange:
        named = {record.name: record.content()}
        entry = LogEntry(
            event=Event.RECEIVED,
            by=record.person,
            subject=record.id,
            method=record.metadata.method,
            tracks=record.tracks,
            file_sha256=record.file_sha256,
            edition=self.truth.edition,
            files=digests(named),
        )
        return StoreChange((entry,), {**files, **named})

    def _finish(self, snapshot: Snapshot, standing: Standing, tell: Tell) -> Reply:
        """Score what was received, unless that is done, and say where it stands; a receipt needs no store any more."""
        said = replies.SAID
        if standing.status is SubmissionStatus.RECEIVED:
            self.at_work.add(standing.id)
            try:
                standing = self._ended(standing.id, tell)
            except replies.OtherEdition:
                raise
            except (MedgroundError, OSError) as error:
                log.error("%s is received and not scored yet: %s", standing.id, one_line(error))
                said = {standing.status: replies.LATER}
            finally:
                self.at_work.discard(standing.id)
        return Reply(
            status=standing.status.value,
            said=said[standing.status],
            receipt=self._receipt(snapshot, standing),
        )

    def _ended(self, identity: str, tell: Tell) -> Standing:
        """Where a submission stands after it was scored and compared, unless it has ended already."""
        snapshot = self._look()
        register = Register.read(snapshot.log)
        standing = replies.found(register, identity)
        if standing.status is not SubmissionStatus.RECEIVED:
            return standing
        record = SubmissionRecord.of(kept_file(snapshot, register, record_name(identity)))
        tell(Stage.SCORING)
        ending = scored(record, self.truth, self.limits)
        tell(Stage.COMPARING)
        if ending.event is Event.SCORED and self._is_copy(record, snapshot, register):
            ending = replace(ending, event=Event.HELD)
        tell(Stage.PUBLISHING)
        after = self._change(lambda _snapshot, register: ending.of(register, identity))
        return replies.found(after, identity)

    def _is_copy(self, record: SubmissionRecord, snapshot: Snapshot, register: Register) -> bool:
        """Whether its boxes were somebody else's first; those of our methods are every operator's own."""
        people, operators = people_of(snapshot), StoreSettings.of(snapshot).operators
        is_an_operators = record.person in {pseudonym_of(login, people) for login in operators}
        if not is_an_operators and is_copy_of_ours(record, self.ours(), self.truth.frames):
            return True
        return is_near_copy(record, snapshot, register, self.truth.frames)

    def _receipt(self, snapshot: Snapshot, standing: Standing) -> Receipt:
        accepted, page = standing.accepted, StoreSettings.of(snapshot).page
        link = (
            f"{page}/?{receipt_address(standing.id)}"
            if page
            else self.store.address(record_name(standing.id))
        )
        return Receipt(
            id=standing.id,
            status=standing.status.value,
            method=accepted.method,
            tracks=", ".join(accepted.tracks),
            file_sha256=accepted.file_sha256,
            dataset=standing.edition.dataset,
            dataset_revision=standing.edition.revision,
            protocol=self.truth.edition.protocol,
            received_at=accepted.at,
            entry=accepted.hash,
            link=link,
        )


def _refusal(snapshot: Snapshot, upload: Upload, checked: _Checked) -> StoreChange:
    """That a file was refused, by its hash and the codes alone."""
    person, files = person_of(upload.person, snapshot)
    entry = LogEntry(event=Event.REFUSED, by=person, subject=sha256(upload.content), reason=checked.codes)
    return StoreChange((entry,), files)


def _withdrawal(snapshot: Snapshot, register: Register, identity: str, login: str) -> StoreChange | None:
    standing = replies.found(register, identity)
    if standing.person != pseudonym_of(login, people_of(snapshot)):
        raise MedgroundError(
            f"{identity} is another person's submission. Only its submitter can withdraw it."
        )
    if not standing.stands:
        return None
    entry = LogEntry(
        event=Event.WITHDRAWN, by=standing.person, subject=identity, reason="withdrawn by its submitter"
    )
    return StoreChange((entry,), {})
