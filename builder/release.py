"""The authors' released split: verdicts, and with a copy of a source its cases with their boxes.

The released JSON names a case by LVLM, source and its position in the authors' own question list, which is kept as
`release_index`. Which question that is can only be told from a copy of the source, whose questions have the same
positions. Without one the columns `question_id`, `image_id` and `finding` stay null, and the responses are read without
knowing the finding: a bare statement ("There is no mass.") is then unreadable.

Joined with a source, a released case is a question of the folder with answers, verdict and, where our reader and filter
retain it, a case with boxes. The release has no tokens of its responses and names neither weights nor editor; these
columns are null, so that such a case can be scored and no method can explain it. Tokens that another tokenizer makes of
the text would be a guess at what was generated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.assemble import answer_columns, case_rows, verdict_rows
from builder.build import store_beside, write_questions, writing
from builder.ledger import Entry, Fault
from builder.patients import write_patients
from builder.place import Place
from builder.sources import KnowsRelease, Source
from builder.store import held
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import (
    ANSWERS,
    CASES,
    ORIGINAL,
    QUESTIONS,
    VERDICTS,
    AnswerRow,
    CaseRow,
    QuestionRow,
    VerdictRow,
    is_released,
)
from medground_bench.core.answers import read_answer
from medground_bench.core.causal_filter import decide
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.core.progress import Progress, silently
from medground_bench.core.types import Answer, Answers, Mode, Track

SPLIT = "test"
KEYS = {Mode.DIRECT: "direct", Mode.REASON: "cot"}
"""Mode -> how the authors' files call it, as in `prediction_edited_kept_direct`."""

COLUMNS = {
    ORIGINAL: "prediction_{mode}",
    "foreground": "prediction_edited_{mode}",
    "background": "prediction_edited_kept_{mode}",
    "background_normal": "prediction_edited_kept_normal_{mode}",
}
SOURCES = ("imagenome", "vindr_cxr", "padchest_gr")


class BadRelease(MedgroundError):
    """A file that is not the authors' released JSON, or has nothing of a source."""


class OwnAnswers(MedgroundError):
    """A folder whose own answers the release would have to replace."""


@dataclass(frozen=True, slots=True)
class ReleasedCase:
    """One entry of a released file.

    number     of the entry, counted from 1
    index      the question's position in the authors' own list
    responses  picture, as `AnswerRow.picture` calls it -> what the LVLM said, word for word
    """

    number: int
    track: Track
    source: str
    index: int
    expected: Answer
    responses: Mapping[str, str]

    def verdict_row(self) -> VerdictRow:
        """Its verdict while the question is not known."""
        said = {picture: read_answer(text, None) for picture, text in self.responses.items()}
        four = Answers(self.expected, **said)
        return VerdictRow(
            question_id=None,
            source=self.source,
            image_id=None,
            finding=None,
            lvlm=self.track.lvlm,
            lvlm_revision=None,
            mode=self.track.mode.value,
            **answer_columns(four, decide(four)),
            release_index=self.index,
        )

    def answer_rows(self, question: QuestionRow) -> list[AnswerRow]:
        """Its answers to that question."""
        return [
            AnswerRow(
                question_id=question.question_id,
                source=question.source,
                image_id=question.image_id,
                finding=question.finding,
                answer=question.answer,
                lvlm=self.track.lvlm,
                lvlm_revision=None,
                mode=self.track.mode.value,
                picture=picture,
                response=text,
                response_token_ids=None,
                response_tokens=None,
                said=read_answer(text, question.finding).value,
            )
            for picture, text in self.responses.items()
        ]


Joined = tuple[ReleasedCase, QuestionRow | None]
"""A released case with its question, where that is known."""


def read_release(file: Path) -> list[ReleasedCase]:
    """The entries of a released JSON file, in its order; each case once."""
    if not file.is_file():
        raise SourceMissing(f"{file} is not there. Give the authors' released direct.json or reasoning.json.")
    try:
        entries = json.loads(file.read_bytes())
    except ValueError as error:
        raise BadRelease(f"{file} is not JSON: {error}. Give the authors' released file as it is.") from error
    if not isinstance(entries, list) or not entries:
        raise BadRelease(f"{file} holds no list of cases. Give the authors' released file as it is.")
    cases = [_case(entry, number, file) for number, entry in enumerate(entries, start=1)]
    _refuse_repeats(cases, file)
    return cases


def import_release(
    file: Path,
    folder: DatasetFolder,
    sources: Sequence[Source] = (),
    store: Place | None = None,
    *,
    progress: Progress = silently,
) -> list[VerdictRow]:
    """Put a released file into a folder as the split `test`; what an earlier import put there of its mode is replaced.

    sources  to join with: their questions are written, and what cannot be joined stands in their ledgers and has a
             verdict without a question
    store    where patients are kept; by default beside the folder
    returns  the verdict of every released case
    """
    cases = read_release(file)
    _refuse_absent(cases, sources, file)
    rows: list[VerdictRow] = []
    with writing(folder):
        _refuse_own(cases, sources, folder)
        folder.clear_leftovers()
        place = store or Place(store_beside(folder.path))
        questions = _questions(cases, sources, folder, place, progress)
        joined = _joined(cases, questions, sources, file.name)
        for lvlm in sorted({case.track.lvlm for case in cases}):
            rows += _write(folder, lvlm, [each for each in joined if each[0].track.lvlm == lvlm])
        folder.write_card()
    return rows


def _questions(
    cases: Sequence[ReleasedCase],
    sources: Sequence[Source],
    folder: DatasetFolder,
    store: Place,
    progress: Progress,
) -> dict[tuple[str, int], QuestionRow]:
    """Write the questions of the sources; gives those with a position by source and position."""
    questions = {}
    for source in sources:
        tracks = {case.track for case in cases if case.source == source.name}
        with held(store):
            patients = write_questions(folder, source, None, tracks, place=store, progress=progress)
            write_patients(store, source.name, patients)
        for row in folder.read(QUESTIONS, SPLIT, source.name):
            if row.release_index is not None:
                questions[source.name, row.release_index] = row
    return questions


def _joined(
    cases: Sequence[ReleasedCase],
    questions: Mapping[tuple[str, int], QuestionRow],
    sources: Sequence[Source],
    file: str,
) -> list[Joined]:
    """Every case with its question; what speaks against that goes to the ledger of the source.

    Where a copy is not the authors' files, none of its questions is taken: in another order, a position is another
    question.
    """
    ledgers = {source.name: source.ledger for source in sources}
    others = {source.name: words for source in sources if (words := _other_files(source)) is not None}
    for name, words in others.items():
        ledgers[name].note(Entry(file, None, Fault.OTHER_FILES, words))
    joined: list[Joined] = []
    for case in cases:
        question = None if case.source in others else questions.get((case.source, case.index))
        problem = _problem(case, question)
        if problem is not None and case.source in ledgers and case.source not in others:
            fault, words = problem
            what = f"{case.track}, index {case.index}: {words}; it has a verdict without a question"
            ledgers[case.source].note(Entry(file, case.number, fault, what))
        joined.append((case, question if problem is None else None))
    return joined


def _problem(case: ReleasedCase, question: QuestionRow | None) -> tuple[Fault, str] | None:
    """Why a case is not that question."""
    if question is None:
        return Fault.NOT_IN_SOURCE, "the source gives no question with this index"
    if question.answer != case.expected:
        words = f"the release expects {case.expected.value} and the source {question.answer}"
        return Fault.OTHER_ANSWER, words
    return None


def _other_files(source: Source) -> str | None:
    """What is to be said of a copy whose positions may not be the authors'."""
    if not isinstance(source, KnowsRelease):
        return None
    held, expected = sum(source.asked(SPLIT).values()), source.expected(SPLIT)
    if held == expected:
        return None
    whose = "are not those the authors had" if expected is None else f"should hold {expected:,}"
    return (
        f"{source.name}: its files {whose}, with {held:,} questions; an index may name another question than theirs, "
        "so none is joined"
    )


def _write(folder: DatasetFolder, lvlm: str, joined: Sequence[Joined]) -> list[VerdictRow]:
    """Write what was released of one LVLM beside what is not; gives the verdicts."""
    modes = {case.track.mode for case, _question in joined}
    questions = {question.question_id: question for _case, question in joined if question is not None}
    answers = [row for case, question in joined if question is not None for row in case.answer_rows(question)]
    verdicts = verdict_rows(questions, answers)
    verdicts += [case.verdict_row() for case, question in joined if question is None]
    others = [row for row in folder.read(VERDICTS, SPLIT, lvlm) if not _replaced(row, modes)]
    folder.write(VERDICTS, SPLIT, lvlm, others + verdicts)
    if answers or folder.files(ANSWERS, SPLIT, lvlm):
        kept = [row for row in folder.read(ANSWERS, SPLIT, lvlm) if not _replaced(row, modes)]
        folder.write(ANSWERS, SPLIT, lvlm, kept + answers)
    for mode in sorted(modes):
        cases = case_rows(questions, [row for row in answers if row.mode == mode], verdicts)
        if answers or folder.files(CASES[mode], SPLIT, lvlm):
            own = [row for row in folder.read(CASES[mode], SPLIT, lvlm) if not _replaced(row, modes)]
            folder.write(CASES[mode], SPLIT, lvlm, own + cases)
    return verdicts


def _replaced(row: AnswerRow | VerdictRow | CaseRow, modes: set[Mode]) -> bool:
    return is_released(row) and row.mode in modes


def _case(entry: object, number: int, file: Path) -> ReleasedCase:
    where = f"{file}, entry {number}"
    if not isinstance(entry, dict):
        raise BadRelease(f"{where}: is no object. Give the authors' released file as it is.")
    mode = next((mode for mode, key in KEYS.items() if COLUMNS[ORIGINAL].format(mode=key) in entry), None)
    if mode is None:
        raise BadRelease(f"{where}: has neither prediction_direct nor prediction_cot.")
    text = _texts(entry, where)
    index = entry.get("index")
    if type(index) is not int or index < 0:
        raise BadRelease(f"{where}: index is {index!r}, not a position.")
    if text("dataset") not in SOURCES:
        raise BadRelease(f"{where}: dataset is {text('dataset')!r}, not one of {', '.join(SOURCES)}.")
    expected = read_answer(text("answer"), None)
    if expected is Answer.UNREADABLE:
        raise BadRelease(f"{where}: answer is {entry['answer']!r}, not yes or no.")
    responses = {picture: text(key.format(mode=KEYS[mode])) for picture, key in COLUMNS.items()}
    return ReleasedCase(number, Track(text("model"), mode), text("dataset"), index, expected, responses)


def _texts(entry: Mapping[str, object], where: str) -> Callable[[str], str]:
    def text(key: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str):
            raise BadRelease(f"{where}: {key} is {value!r}, not text.")
        return value

    return text


def _refuse_repeats(cases: Sequence[ReleasedCase], file: Path) -> None:
    seen: set[tuple[Track, str, int]] = set()
    for case in cases:
        key = (case.track, case.source, case.index)
        if key in seen:
            raise BadRelease(f"{file}: {case.track.lvlm}, {case.source}, index {case.index} is there twice.")
        seen.add(key)


def _refuse_absent(cases: Sequence[ReleasedCase], sources: Sequence[Source], file: Path) -> None:
    there = sorted({case.source for case in cases})
    for source in sources:
        if source.name not in there:
            raise BadRelease(
                f"{file} has no case of {source.name}, only of {', '.join(there)}. Leave out --source {source.name}."
            )


def _refuse_own(cases: Sequence[ReleasedCase], sources: Sequence[Source], folder: DatasetFolder) -> None:
    """A case id is there once, so a joined track cannot stand beside one that was built."""
    names = {source.name for source in sources}
    joined = {(case.track, case.source) for case in cases if case.source in names}
    answers = folder.read(ANSWERS, SPLIT) if joined else []
    built = sorted({(row.track, row.source) for row in answers if not is_released(row)} & joined)
    if built:
        named = ", ".join(f"{track} on {source}" for track, source in built)
        raise OwnAnswers(f"{folder.path} holds answers that were built: {named}. Give another --out.")
