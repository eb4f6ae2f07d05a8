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
    source_question,
    verdict_rows,
)
from builder.counters import BuildRecord, Counters, write_record
from builder.editors import Editor, OfSources
from builder.engines import UnitEngine
from builder.engines.local import LocalEngine
from builder.place import Place
from builder.plan import Questions
from builder.quarantine import Quarantine
from builder.questions import OtherQuestions, demand_same_questions, question_rows
from builder.sources import BadSource, Source
from builder.stages import QUESTIONS_AT_ONCE, Bench, answer_questions
from builder.store import Store, held
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
from medground_bench.core.errors import MedgroundError, SourceMissing, Unsupported
from medground_bench.core.progress import Progress, silently
from medground_bench.core.types import Answer, Answers, Mode, Track
from medground_bench.lvlms import LvlmDescription
from medground_bench.lvlms.server.served import demand_may_see
from medground_bench.storage.whole_files import hold


class OtherEditor(MedgroundError):
    """A folder whose other tracks have edits by another editor, or by another version of it."""


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


def editor_for(folder: DatasetFolder, source: Source, name: str | None) -> Editor:
    """The editor that is to edit a source's pictures; Unsupported where it cannot.

    name  by default that of the folder's edits of this source, or else the source's own
    """
    made = {str(row.editor).partition("@")[0] for row in _edited(folder, source.name)}
    editor = open_editor(name or (made.pop() if len(made) == 1 else source.editor))
    if isinstance(editor, OfSources) and source.name not in editor.edits:
        raise Unsupported(
            f"the editor {editor.name} edits pictures of {', '.join(sorted(editor.edits))} alone, and the source is "
            f"{source.name}. Its own editor is {source.editor}."
        )
    return editor


def demand_same_editor(
    folder: DatasetFolder, source: str, editor: Editor, tracks: Collection[Track] = ()
) -> None:
    """OtherEditor where this editor would make other edits of a source than those that stay in the folder.

    tracks  those that will be built again with it
    """
    stay = {str(row.editor) for row in _edited(folder, source) if row.track not in set(tracks)}
    others = sorted(stay - {full_name(editor)})
    if others:
        raise OtherEditor(
            f"{folder.path} holds edits of {source} by {', '.join(others)}, and {full_name(editor)} makes other ones: "
            "tracks side by side in its tables would rest on different edits. Give another --out."
        )


def _edited(folder: DatasetFolder, source: str) -> list[VerdictRow]:
    rows = (row for split in SPLITS for row in folder.read(VERDICTS, split))
    return [row for row in rows if row.source == source and row.editor is not None]


def store_beside(out: Path) -> Path:
    """Where the results of a build are kept unless said otherwise: beside the dataset folder, never in it."""
    named = out if out.name not in ("", "..") else out.resolve()
    return named.with_name(f"{named.name}.store")


@contextmanager
def bench_at(
    store: Place | Path | str,
    source: Source,
    editor: Editor | str | None = None,
    *,
    engine: UnitEngine | None = None,
    retry: bool = False,
) -> Iterator[Bench]:
    """The source, its editor, the store and the engine; a store on the disk is held for this process.

    editor  one that is open, or its name; by default the source's own
    engine  by default the local one
    retry   try again what is in quarantine
    """
    place = store if isinstance(store, Place) else Place(store)
    if editor is None or isinstance(editor, str):
        editor = open_editor(editor or source.editor)
    with held(place), nullcontext(engine) if engine else closing(LocalEngine()) as working:
        yield Bench(
            source,
            editor,
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
    """The sources whose questions a folder has; SourceMissing where it has none."""
    folder.demand()
    found = sorted({row.source for split in SPLITS for row in folder.read(QUESTIONS, split)})
    if not found:
        raise SourceMissing(
            f"{folder.path} has no questions, only verdicts of the authors' release. Join it with your copies by "
            "python -m builder import-release FILE --source NAME --root FOLDER, or write questions by python -m "
            "builder build."
        )
    return found


def count_questions(source: Source, limit: int | None) -> Questions:
    """How many questions a source has in all its splits; no picture is read."""
    answers = Counter(
        known.question.answer for split in source.splits() for known in source.questions(split, limit)
    )
    return Questions(source.name, answers[Answer.YES], answers[Answer.NO])


def write_questions(
    folder: DatasetFolder,
    source: Source,
    limit: int | None,
    tracks: Collection[Track],
    *,
    place: Place | None = None,
    progress: Progress = silently,
) -> dict[str, str]:
    """Write the questions of a source; refused when other tracks of the folder were made for other questions.

    limit    at most so many pictures, None for all
    tracks   those that will be built again, so that they may be of other questions
    place    the store, where digests of pictures are kept, so that the next time none is decoded for them
    returns  question id -> patient id, where it is known, which is for the store and not for the folder
    """
    folder.clear_leftovers()
    found = question_rows(source, limit, place, progress)
    rows = {split: [row for _known, row in own] for split, own in found.items()}
    demand_same_questions(folder, source.name, rows, tracks)
    for split, own in rows.items():
        folder.write(QUESTIONS, split, source.name, own)
    folder.write_card()
    every = [each for own in found.values() for each in own]
    return {row.question_id: known.patient_id for known, row in every if known.patient_id is not None}


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
            if any(row.question_id not in questions for row in own):
                raise OtherQuestions(
                    f"{folder.path}, {lvlm}, split {split}: holds answers to questions that it no longer has. Run the "
                    "build of this LVLM again: it asks only what is missing."
                )
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
