"""From questions to everything an LVLM says about them: originals, edits and counterfactuals, asked lazily.

Units of work are edits and responses. Each is keyed by a hash of all its inputs and made in a fixed batch that is kept
as a whole, so a killed build goes on by itself and ends in the same bytes as one that was left alone.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from builder.counters import Counters
from builder.editors import Editor
from builder.engines import TRIES, UnitEngine, UnitFailure, ends_the_build
from builder.place import Place
from builder.quarantine import Quarantine, Quarantined
from builder.sources import KnowsCauses, Source, SourceQuestion
from builder.store import Store
from builder.talks import Desk, Results, Talk, Wave
from builder.units import AnswerUnit, EditUnit, answer_unit, edit_unit, response_of
from medground_bench.benchmark.rows import ORIGINAL
from medground_bench.core.answers import read_answer
from medground_bench.core.causal_filter import Edit, decide, next_edit
from medground_bench.core.causes import Counterfactual, next_counterfactual
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Answer, Answers, Group, Mode, Picture, Question, Response
from medground_bench.lvlms import LvlmDescription
from medground_bench.pictures import picture_digest, stored_png, to_study
from medground_bench.storage.whole_files import fingerprint

QUESTIONS_AT_ONCE = 32


class ChangedPicture(MedgroundError):
    """A source that shows another picture than when its question was written."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a build works with: where questions and edits come from, where results are kept, and who works."""

    source: Source
    editor: Editor
    edits: Store
    answers: Store
    quarantine: Quarantine
    records: Place
    engine: UnitEngine


@dataclass(slots=True)
class Interview:
    """A question, the prompt beside each of its pictures, and the responses so far: picture name -> response.

    lost  something about it is in quarantine, so there is no verdict
    """

    question: Question
    marker: bool | None
    prompt: str
    by_picture: dict[str, Response] = field(default_factory=dict)
    lost: bool = False

    @property
    def positive(self) -> bool:
        """Whether the finding is there; the causal filter is about these."""
        return self.question.answer is Answer.YES

    def answer(self, picture: str) -> Answer | None:
        """What the response to a picture says, None while it was not asked."""
        response = self.by_picture.get(picture)
        return None if response is None else read_answer(response.text, self.question.finding)

    def answers(self) -> Answers:
        """The filter's view of them; the original must have been asked."""
        return four_answers(self.question.answer, self.answer)


def four_answers(expected: Answer, answer_to: Callable[[str], Answer | None]) -> Answers:
    """The filter's view of the answers to the pictures of a question; the original must have been asked."""
    original = answer_to(ORIGINAL)
    if original is None:
        raise ValueError("the original picture was not asked")
    return Answers(expected, original, **{edit.value: answer_to(edit.value) for edit in Edit})


def answer_questions(
    questions: Iterable[SourceQuestion],
    lvlm: LvlmDescription,
    mode: Mode,
    bench: Bench,
    counters: Counters | None = None,
) -> Iterator[Interview]:
    """Everything one LVLM says in one mode, question by question, in the order of the question ids.

    counters  where what is asked and edited is counted
    """
    counters = Counters() if counters is None else counters
    desk = Desk(bench.edits, bench.answers, bench.quarantine, bench.engine, counters)
    ordered = sorted(questions, key=lambda known: known.question.question_id)
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="pictures") as readers:
        conversation = _Conversation(lvlm, mode, bench, desk, readers)
        for chunk in desk.carried_out(conversation.talks(ordered)):
            for interview in chunk:
                counters.questions += 1
                counters.positives += interview.positive
                yield interview


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """The native picture of a question as it is read; None for one in quarantine, which is under this key."""

    key: str
    picture: Future[Picture | UnitFailure] | None


@dataclass(frozen=True, slots=True, eq=False)
class _Conversation:
    """One LVLM in one mode at work; pictures are read ahead by threads."""

    lvlm: LvlmDescription
    mode: Mode
    bench: Bench
    desk: Desk
    readers: ThreadPoolExecutor

    def talks(self, ordered: Sequence[SourceQuestion]) -> Iterator[tuple[list[Interview], Talk]]:
        """A talk for some questions at once, with their interviews; the pictures of the next ones are read already."""
        ahead: deque[tuple[list[Interview], list[_Reading]]] = deque()
        for start in range(0, len(ordered), QUESTIONS_AT_ONCE):
            several = ordered[start : start + QUESTIONS_AT_ONCE]
            chunk = [
                Interview(known.question, known.marker, prompt(known.question.finding, self.mode))
                for known in several
            ]
            ahead.append((chunk, self._readings(several)))
            if len(ahead) > 1:
                yield self._talk(*ahead.popleft())
        while ahead:
            yield self._talk(*ahead.popleft())

    def _talk(self, chunk: list[Interview], readings: list[_Reading]) -> tuple[list[Interview], Talk]:
        return chunk, self._said(chunk, readings)

    def _readings(self, several: Sequence[SourceQuestion]) -> list[_Reading]:
        """The native pictures, each read once for all its questions."""
        source, pictures = self.bench.source, dict[tuple[str, str | None], Future[Picture | UnitFailure]]()
        readings: list[_Reading] = []
        for known in several:
            key = _picture_key(source, known, ORIGINAL)
            if self.desk.quarantine.holds(key):
                self.desk.counters.count("pictures", "lost")
                readings.append(_Reading(key, None))
                continue
            image = (known.question.image_id, known.image_sha256)
            if image not in pictures:
                pictures[image] = self.readers.submit(_tried, partial(_original, known, source))
            readings.append(_Reading(key, pictures[image]))
        return readings

    def _said(self, chunk: Sequence[Interview], readings: list[_Reading]) -> Talk:
        natives: dict[str, Picture] = {}
        for interview, reading in zip(chunk, readings, strict=True):
            picture = None if reading.picture is None else reading.picture.result()
            self._note(interview, ORIGINAL, reading.key, picture, natives)
        readings.clear()  # native pictures are large: each goes as soon as no edit of it is wanted
        here = [interview for interview in chunk if not interview.lost]
        yield from self._ask(here, ORIGINAL, [natives[each.question.question_id] for each in here])
        while wanted := _wanted(chunk, _next_edit):
            ids = {each.question.question_id for group in wanted.values() for each in group}
            natives = {of: native for of, native in natives.items() if of in ids}
            for edit, group in wanted.items():
                kept, pictures = yield from self._edited(group, edit, natives)
                yield from self._ask(kept, edit.value, pictures)
        natives.clear()
        if isinstance(self.bench.source, KnowsCauses):
            yield from self._said_to_counterfactuals(chunk, self.bench.source)

    def _said_to_counterfactuals(self, chunk: Sequence[Interview], source: KnowsCauses) -> Talk:
        while wanted := _wanted(chunk, _next_counterfactual):
            for counterfactual, group in wanted.items():
                name, pictures = counterfactual.value, dict[str, Picture]()
                drawn = self.readers.map(
                    _tried, [partial(source.without, each.question, counterfactual) for each in group]
                )
                for interview, picture in zip(group, drawn, strict=True):
                    known = SourceQuestion(interview.question, interview.marker)
                    self._note(
                        interview, name, _picture_key(self.bench.source, known, name), picture, pictures
                    )
                kept = [each for each in group if not each.lost]
                yield from self._ask(kept, name, [pictures[each.question.question_id] for each in kept])

    def _note(
        self,
        interview: Interview,
        name: str,
        key: str,
        picture: Picture | UnitFailure | None,
        pictures: dict[str, Picture],
    ) -> None:
        """Keep a picture that was read; a question without one is lost."""
        if picture is None or isinstance(picture, UnitFailure):
            interview.lost = True
        else:
            pictures[interview.question.question_id] = picture
            self.desk.quarantine.release([key])
        if isinstance(picture, UnitFailure):
            self.desk.counters.count("pictures", "lost")
            of, source = interview.question.question_id, self.bench.source.name
            self.desk.set_aside(Quarantined(key, "question", source, of, name, picture.error, picture.raised))

    def _ask(
        self, group: Sequence[Interview], name: str, natives: Sequence[Picture]
    ) -> Generator[Wave, Results, None]:
        """Put one picture of each question before the LVLM and note the responses under `name`."""

        def unit(interview: Interview, native: Picture) -> AnswerUnit:
            study = to_study(native).picture
            return answer_unit(self.lvlm, interview.question.question_id, name, study, interview.prompt)

        units = list(self.readers.map(unit, group, natives))
        results = yield Wave(units, self.lvlm)
        for interview, asked in zip(group, units, strict=True):
            result = results[asked.key]
            if result is None:
                interview.lost = True
            else:
                interview.by_picture[name] = response_of(result)

    def _edited(
        self, group: Sequence[Interview], edit: Edit, natives: Mapping[str, Picture]
    ) -> Generator[Wave, Results, tuple[list[Interview], list[Picture]]]:
        """The edited native pictures, and the interviews they are for; the others of the group are lost."""
        editor = self.bench.editor

        def unit(interview: Interview) -> EditUnit:
            question = interview.question
            return edit_unit(editor, question, natives[question.question_id], edit)

        units = list(self.readers.map(unit, group))
        results = yield Wave(units, editor)
        contents = [results[asked.key] for asked in units]
        for interview, content in zip(group, contents, strict=True):
            interview.lost |= content is None
        pictures = list(self.readers.map(_picture, [content for content in contents if content is not None]))
        return [interview for interview in group if not interview.lost], pictures


def _original(known: SourceQuestion, source: Source) -> Picture:
    """The native picture; ChangedPicture when it is not the one for which the question was written."""
    picture = source.picture(known.question)
    if known.image_sha256 not in (None, picture_digest(picture)):
        raise ChangedPicture(
            f"the pictures of {source.name} are no longer those the questions were written for: one or more differ. "
            "Build the questions again with python -m builder build."
        )
    return picture


def _tried(get: Callable[[], Picture]) -> Picture | UnitFailure:
    """A picture of a source, which may fail as often as a unit may."""
    failure = UnitFailure("")
    for _ in range(TRIES):
        try:
            return get()
        except Exception as error:
            if ends_the_build(error):
                raise
            failure = UnitFailure.of(error)
    return failure


def _picture_key(source: Source, known: SourceQuestion, name: str) -> str:
    """Identity of a question's picture in quarantine."""
    return fingerprint(
        source=source.name, question=known.question.question_id, image=known.image_sha256, picture=name
    )


Name = TypeVar("Name", Edit, Counterfactual)


def _wanted(
    chunk: Sequence[Interview], next_of: Callable[[Interview], Name | None]
) -> dict[Name, list[Interview]]:
    groups: dict[Name, list[Interview]] = {}
    for interview in chunk:
        wanted = next_of(interview) if interview.positive and not interview.lost else None
        if wanted is not None:
            groups.setdefault(wanted, []).append(interview)
    return dict(sorted(groups.items()))


def _next_edit(interview: Interview) -> Edit | None:
    return next_edit(interview.answers())


def _next_counterfactual(interview: Interview) -> Counterfactual | None:
    if decide(interview.answers()).group is Group.INCORRECT:
        return None
    known = {name: answer for name in Counterfactual if (answer := interview.answer(name.value)) is not None}
    return next_counterfactual(bool(interview.marker), known)


def _picture(content: bytes) -> Picture:
    picture = stored_png.decode(content)
    if picture is None:
        raise SourceMissing(
            "the store holds an edited picture that is no PNG. Remove the store and build again."
        )
    return picture
