"""From questions and responses to the rows of the dataset folder. Pure: values in, rows out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypedDict

from builder.sources import SourceQuestion
from builder.stages import Interview, four_answers
from medground_bench.benchmark.rows import ORIGINAL, AnswerRow, CaseRow, QuestionRow, VerdictRow, native_frame
from medground_bench.core.answers import read_answer
from medground_bench.core.case_ids import case_id
from medground_bench.core.causal_filter import Edit, decide
from medground_bench.core.causes import Counterfactual, known_cause
from medground_bench.core.prompts import prompt
from medground_bench.core.prompts import question as question_text
from medground_bench.core.types import Answer, Answers, Box, Group, Question, Track, Verdict
from medground_bench.pictures import Levels

EDITS = frozenset(edit.value for edit in Edit)


def question_row(
    known: SourceQuestion, image: bytes | None, image_sha256: str, levels: Levels
) -> QuestionRow:
    """The row of a question; `image` is None where the picture may not be shown."""
    question = known.question
    return QuestionRow(
        question_id=question.question_id,
        source=question.source,
        image_id=question.image_id,
        finding=question.finding,
        question=question_text(question.finding),
        answer=question.answer.value,
        boxes=tuple(box.xyxy for box in question.boxes),
        width=question.native.width,
        height=question.native.height,
        image=image,
        image_sha256=image_sha256,
        levels=levels.value,
        marker=known.marker,
        release_index=known.release_index,
    )


def source_question(row: QuestionRow) -> SourceQuestion:
    """The way back from a row; SourceMissing from one without the size of its picture."""
    frame = native_frame(row, f"question {row.question_id}")
    boxes = tuple(Box(*corners, frame) for corners in row.boxes or ())
    question = Question(row.source, row.image_id, row.finding, Answer(row.answer), frame, boxes)
    return SourceQuestion(question, row.marker, row.image_sha256, release_index=row.release_index)


def answer_rows(interview: Interview, track: Track, revision: str, editor: str) -> list[AnswerRow]:
    """One row per picture of the question that the LVLM, at this revision, was asked about.

    editor  who made the edits, as `name@version`
    """
    question = interview.question
    return [
        AnswerRow(
            question_id=question.question_id,
            source=question.source,
            image_id=question.image_id,
            finding=question.finding,
            answer=question.answer.value,
            lvlm=track.lvlm,
            lvlm_revision=revision,
            mode=track.mode.value,
            picture=picture,
            response=response.text,
            response_token_ids=response.token_ids,
            response_tokens=response.tokens,
            said=read_answer(response.text, question.finding).value,
            editor=editor if picture in EDITS else None,
        )
        for picture, response in interview.by_picture.items()
    ]


def verdict_rows(questions: Mapping[str, QuestionRow], answers: Iterable[AnswerRow]) -> list[VerdictRow]:
    """The verdict on every positive question of one LVLM's answers in any modes.

    The responses are read again, so that a better reader or filter needs no LVLM. ValueError when a verdict now needs
    an answer that was never asked for.
    """
    rows = []
    for (question_id, _mode), group in _by_question(answers).items():
        question, original = questions[question_id], group[ORIGINAL]
        if original.answer != Answer.YES:
            continue
        by_picture = {picture: read_answer(row.response, row.finding) for picture, row in group.items()}
        four = four_answers(Answer.YES, by_picture.get)
        verdict = decide(four)
        cause, editor = _cause(question, verdict, by_picture), _editor(group)
        row = _verdict_row(question, original, four, verdict)
        rows.append(replace(row, known_cause=cause, editor=editor))
    return rows


def case_rows(
    questions: Mapping[str, QuestionRow], answers: Iterable[AnswerRow], verdicts: Iterable[VerdictRow]
) -> list[CaseRow]:
    """The retained cases: the grounded questions with the response to the original picture."""
    grounded = {(row.question_id, row.mode) for row in verdicts if row.group == Group.GROUNDED}
    return [
        _case_row(questions[row.question_id], row)
        for row in answers
        if row.picture == ORIGINAL and (row.question_id, row.mode) in grounded
    ]


def _by_question(answers: Iterable[AnswerRow]) -> dict[tuple[str, str], dict[str, AnswerRow]]:
    groups: dict[tuple[str, str], dict[str, AnswerRow]] = {}
    for row in answers:
        groups.setdefault((row.question_id, row.mode), {})[row.picture] = row
    return groups


def _editor(group: Mapping[str, AnswerRow]) -> str | None:
    """Who made the edits of a question; None where there are none, and where that is not known."""
    return next((row.editor for row in group.values() if row.editor is not None), None)


def _cause(question: QuestionRow, verdict: Verdict, by_picture: Mapping[str, Answer]) -> str | None:
    answers = {name: by_picture[name.value] for name in Counterfactual if name.value in by_picture}
    if verdict.group is Group.INCORRECT or not answers:
        return None
    cause = known_cause(bool(question.marker), answers)
    return None if cause is None else cause.value


def _verdict_row(question: QuestionRow, original: AnswerRow, four: Answers, verdict: Verdict) -> VerdictRow:
    return VerdictRow(
        question_id=question.question_id,
        source=question.source,
        image_id=question.image_id,
        finding=question.finding,
        lvlm=original.lvlm,
        lvlm_revision=original.lvlm_revision,
        mode=original.mode,
        **answer_columns(four, verdict),
        marker=question.marker,
        release_index=question.release_index,
    )


class AnswerColumns(TypedDict):
    """The columns of a verdict row that hold the four answers and what follows from them."""

    answer: str
    original: str
    foreground: str | None
    background: str | None
    background_normal: str | None
    group: str
    reason: str | None


def answer_columns(four: Answers, verdict: Verdict) -> AnswerColumns:
    """As columns; an answer that was not asked for is None."""

    def plain(answer: Answer | None) -> str | None:
        return None if answer is None else answer.value

    return {
        "answer": four.expected.value,
        "original": four.original.value,
        "foreground": plain(four.foreground),
        "background": plain(four.background),
        "background_normal": plain(four.background_normal),
        "group": verdict.group.value,
        "reason": None if verdict.reason is None else verdict.reason.value,
    }


def _case_row(question: QuestionRow, original: AnswerRow) -> CaseRow:
    return CaseRow(
        case_id=case_id(question.question_id, original.track),
        question_id=question.question_id,
        source=question.source,
        image_id=question.image_id,
        lvlm=original.lvlm,
        lvlm_revision=original.lvlm_revision,
        mode=original.mode,
        finding=question.finding,
        question=question.question,
        prompt=prompt(question.finding, original.track.mode),
        answer=question.answer,
        response=original.response,
        response_token_ids=original.response_token_ids,
        response_tokens=original.response_tokens,
        boxes=question.boxes,
        width=question.width,
        height=question.height,
        image=question.image,
        image_sha256=question.image_sha256,
        release_index=question.release_index,
    )
