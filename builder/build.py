"""The build: fill a dataset folder with questions and with tracks (one LVLM in one mode each)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from builder.assemble import (
    answer_columns,
    answer_rows,
    case_rows,
    question_row,
    source_question,
    verdict_rows,
)
from builder.counters import BuildRecord, Counters, write_record
from builder.editors import Editor
from builder.engines import UnitEngine
from builder.engines.local import LocalEngine
from builder.ledger import Entry, Fault
from builder.place import Place
from builder.plan import Questions
from builder.quarantine import Quarantine
from builder.sources import BadSource, Source, SourceQuestion
from builder.stages import QUESTIONS_AT_ONCE, Bench, answer_questions
from builder.store import Store, locked
from builder.units import full_name
from medground_bench import plugins
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import (
    ANSWERS,
    CASES,
    QUESTIONS,
    SPLITS,
    VERDICTS,
    AnswerRow,
    QuestionRow,
    VerdictRow,
)
from medground_bench.core.causal_filter import decide
from medground_bench.core.errors import BadPicture, MedgroundError, SourceMissing, one_line
from medground_bench.core.progress import Progress, silently
from medground_bench.core.types import Answer, Answers, Mode, Track
from medground_bench.lvlms import LvlmDescription
from medground_bench.lvlms.server.served import demand_may_see
from medground_bench.pictures import picture_digest, stored_png
from medground_bench.storage.whole_files import hold


class OtherQuestions(MedgroundError):
    """A folder whose other tracks belong to another set of questions."""


class NeverAsked(MedgroundError):
    """A verdict that needs an answer which no LVLM was asked for."""


def open_source(name: str, roots: Sequence[Path] = ()) -> Source:
    """The source of that name on the user's own folders of it; BadSource for a folder that holds nothing of it."""
    (source,) = open_sources([name], roots)
    return source


def open_sources(names: Sequence[str], roots: Sequence[Path] = ()) -> list[Source]:
    """The sources of these names, each on those of the folders that hold something of it; BadSource for any other."""
    kinds = {name: plugins.load("sources", name) for name in names}
    for root in roots:
        if not root.is_dir():
            raise BadSource(f"--root {root} is no folder. Check the path.")
        if not any(kind.holds(root) for kind in kinds.values()):
            raise BadSource(
                f"--root {root} holds nothing of {' or '.join(names)}. `python -m builder sources check {root}` says "
                "what is looked for."
            )
    return [kind(tuple(root for root in roots if kind.holds(root))) for kind in kinds.values()]


def open_editor(name: str) -> Editor:
    """The editor of that name."""
    editor: Editor = plugins.load("editors", name)()
    return editor


def store_beside(out: Path) -> Path:
    """Where the results of a build are kept unless said otherwise: beside the dataset folder, never in it."""
    return out.with_name(f"{out.name}.store")


@contextmanager
def bench_at(
    store: Path | str,
    source: Source,
    editor: str | None = None,
    *,
    engine: UnitEngine | None = None,
    retry: bool = False,
) -> Iterator[Bench]:
    """The source, its editor, the store and the engine; a store on the disk is held for this process.

    editor  by default the source's own
    engine  by default the local one
    retry   try again what is in quarantine
    """
    place = Place(store)
    held = nullcontext() if place.local is None else locked(place.local)
    with held, nullcontext(engine) if engine else closing(LocalEngine()) as working:
        yield Bench(
            source,
            open_editor(editor or source.editor),
            edits=Store(place / "edits", ".png"),
            answers=Store(place / "answers"),
            quarantine=Quarantine(place / "quarantine", retry=retry),
            records=place / "builds",
            engine=working,
        )


@contextmanager
def writing(folder: DatasetFolder) -> Iterator[None]:
    """Hold a dataset folder for this process, with no file in it, so that two builders never write to it."""
    folder.path.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder.path, os.O_RDONLY)
    try:
        hold(handle, folder.path, "another builder")
        yield
    finally:
        os.close(handle)


def sources_of(folder: DatasetFolder) -> list[str]:
    """The sources whose questions a folder has."""
    folder.demand()
    return sorted({row.source for split in SPLITS for row in folder.read(QUESTIONS, split)})


def count_questions(source: Source, limit: int | None) -> Questions:
    """How many questions a source has in all its splits; no picture is read."""
    answers = Counter(
        known.question.answer for split in source.splits() for known in source.questions(split, limit)
    )
    return Questions(source.name, answers[Answer.YES], answers[Answer.NO])


def write_questions(
    folder: DatasetFolder, source: Source, limit: int | None, tracks: Collection[Track]
) -> dict[str, str]:
    """Write the questions of a source; refused when other tracks of the folder were made for other questions.

    limit    at most so many pictures, None for all
    tracks   those that will be built again, so that they may be of other questions
    returns  question id -> patient id, where it is known, which is for the store and not for the folder
    """
    folder.clear_leftovers()
    patients: dict[str, str] = {}
    for split in source.splits():
        rows = []
        for known, row in _question_rows(source, split, limit):
            rows.append(row)
            if known.patient_id is not None:
                patients[row.question_id] = known.patient_id
        _refuse_other_questions(folder, split, rows, set(tracks))
        folder.write(QUESTIONS, split, source.name, rows)
    folder.write_card()
    return patients


def build_track(
    folder: DatasetFolder, lvlm: LvlmDescription, mode: Mode, bench: Bench, *, progress: Progress = silently
) -> None:
    """Ask one LVLM in one mode all questions of the folder that are of the bench's source, and write what follows."""
    name = bench.source.name
    demand_may_see(lvlm, [] if bench.source.may_show else [name])
    questions = {split: folder.read(QUESTIONS, split, name) for split in SPLITS}
    if not any(questions.values()):
        raise SourceMissing(
            f"{folder.path} has no questions of {name}. Run python -m builder build --source {name} first."
        )
    total = sum(len(rows) for rows in questions.values())
    track, log = Track(lvlm.key, mode), _Log.of(bench, lvlm, mode)
    with progress(str(track), total, "questions") as advance, log.kept():
        for split, rows in questions.items():
            answers: list[AnswerRow] = []
            for interview in answer_questions(map(source_question, rows), lvlm, mode, bench, log.counters):
                if not interview.lost:
                    answers += answer_rows(interview, track, lvlm.revision, full_name(bench.editor))
                log.advance()
                advance(1)
            if rows:
                _write_track(folder, split, track, rows, answers)
    folder.write_card()


@dataclass(slots=True)
class _Log:
    """Keeps the counters of one build of a track in the store, as it goes."""

    records: Place
    name: str
    record: BuildRecord

    @classmethod
    def of(cls, bench: Bench, lvlm: LvlmDescription, mode: Mode) -> _Log:
        started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        track = Track(lvlm.key, mode)
        record = BuildRecord(
            started=started,
            source=bench.source.name,
            editor=full_name(bench.editor),
            lvlm=lvlm.key,
            lvlm_revision=lvlm.revision,
            mode=mode.value,
            whole=False,
            counters=Counters(),
        )
        name = f"{started.replace(':', '')}-{os.getpid()}-{bench.source.name}-{track.stem}"
        return cls(bench.records, name, record)

    @property
    def counters(self) -> Counters:
        return self.record.counters

    def advance(self) -> None:
        """A question more; the record is written now and then, because a kill leaves no time for it."""
        if self.counters.questions % QUESTIONS_AT_ONCE == 0:
            write_record(self.records, self.name, self.record)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Writes it at the end, also at that of a build that fails or is stopped."""
        try:
            yield
            self.record = replace(self.record, whole=True)
        finally:
            write_record(self.records, self.name, self.record)


def decide_again(folder: DatasetFolder) -> int:
    """Read all responses again and decide all verdicts anew, without any LVLM; returns how many verdicts changed.

    Verdicts of the authors' release that are joined with no source have no response here: they rest on the answers as
    they were read at the import.
    """
    folder.demand()
    folder.clear_leftovers()
    changed = 0
    for split in SPLITS:
        questions = {row.question_id: row for row in folder.read(QUESTIONS, split)}
        before = folder.read(VERDICTS, split)
        answers = folder.read(ANSWERS, split)
        for lvlm in sorted({row.lvlm for row in before} | {row.lvlm for row in answers}):
            own = [row for row in answers if row.lvlm == lvlm]
            unjoined = [_decided(row) for row in before if row.lvlm == lvlm and row.question_id is None]
            try:
                verdicts = verdict_rows(questions, own)
            except ValueError as error:
                raise NeverAsked(
                    f"{folder.path}, {lvlm}, split {split}: {error}. Run the build again: it asks only what is missing."
                ) from error
            folder.write(VERDICTS, split, lvlm, verdicts + unjoined)
            for mode, table in CASES.items():
                if any(row.mode == mode for row in own):
                    cases = case_rows(questions, [row for row in own if row.mode == mode], verdicts)
                    folder.write(table, split, lvlm, cases)
        changed += len(set(folder.read(VERDICTS, split)) - set(before))
    folder.write_card()
    return changed


def _decided(row: VerdictRow) -> VerdictRow:
    texts = (row.original, row.foreground, row.background, row.background_normal)
    original, *edits = (None if text is None else Answer(text) for text in texts)
    four = Answers(Answer(row.answer), original or Answer.UNREADABLE, *edits)
    return replace(row, **answer_columns(four, decide(four)))


def _question_rows(
    source: Source, split: str, limit: int | None
) -> Iterator[tuple[SourceQuestion, QuestionRow]]:
    """What is known of each question with its row; one whose picture cannot be read goes to the source's ledger."""
    image_id, content, digest = None, b"", ""
    for known in source.questions(split, limit):
        if known.question.image_id != image_id:
            image_id = known.question.image_id
            try:
                picture = source.picture(known.question)
                content, digest = (
                    stored_png.encode(picture) if source.may_show else b"",
                    picture_digest(picture),
                )
            except BadPicture as problem:
                digest = ""
                words = "a picture has a good header and cannot be read; its questions are left out"
                source.ledger.note(
                    Entry(source.name, None, Fault.UNREADABLE_PICTURE, words, one_line(problem))
                )
        if digest:
            yield known, question_row(known, content if source.may_show else None, digest, source.levels)


def _refuse_other_questions(
    folder: DatasetFolder, split: str, rows: Sequence[QuestionRow], tracks: set[Track]
) -> None:
    source = rows[0].source if rows else ""
    before = {row.question_id: row for row in folder.read(QUESTIONS, split, source)}
    if before == {row.question_id: row for row in rows}:
        return
    others = {row.track for row in folder.read(ANSWERS, split) if row.source == source} - tracks
    if others:
        named = ", ".join(map(str, sorted(others)))
        raise OtherQuestions(
            f"{folder.path} holds tracks over another set of {source} questions: {named}. Use the same --limit, "
            "name these tracks too so that they are built again, or give another --out."
        )


Sourced = TypeVar("Sourced", AnswerRow, VerdictRow)


def _write_track(
    folder: DatasetFolder, split: str, track: Track, rows: Sequence[QuestionRow], answers: list[AnswerRow]
) -> None:
    """Write one split of a track over the rows, all of one source."""
    lvlm, mode = track.lvlm, track.mode
    questions = {row.question_id: row for row in rows}
    source = rows[0].source
    verdicts = verdict_rows(questions, answers)
    cases = case_rows(questions, answers, verdicts)

    def others(before: Iterable[Sourced]) -> list[Sourced]:
        return [row for row in before if (row.source, row.mode) != (source, mode)]

    folder.write(ANSWERS, split, lvlm, others(folder.read(ANSWERS, split, lvlm)) + answers)
    folder.write(VERDICTS, split, lvlm, others(folder.read(VERDICTS, split, lvlm)) + verdicts)
    other_cases = [row for row in folder.read(CASES[mode], split, lvlm) if row.source != source]
    folder.write(CASES[mode], split, lvlm, other_cases + cases)
