"""From questions to everything an LVLM says about them: originals, edits and counterfactuals, asked lazily.

Units of work are edits and responses. Each is keyed by a hash of all its inputs and made in a fixed batch that is kept
as a whole, so a killed build goes on by itself and ends in the same bytes as one that was left alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from builder.editors import Editor, edit_prompt
from builder.sources import KnowsCauses, Source, SourceQuestion
from builder.store import Store, done_once
from medground_bench.benchmark.rows import ORIGINAL
from medground_bench.core.answers import read_answer
from medground_bench.core.causal_filter import Edit, decide, next_edit
from medground_bench.core.causes import Counterfactual, next_counterfactual
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Answer, Answers, Group, Mode, Picture, Question, Response
from medground_bench.lvlms import Lvlm
from medground_bench.pictures import picture_digest, stored_png, to_study
from medground_bench.runs.code_version import lvlm_code
from medground_bench.storage.whole_files import fingerprint

QUESTIONS_AT_ONCE = 16
MAX_NEW_TOKENS = 512
EDIT_PROTOCOL = 1
"""Raise it when the way an edit is asked for changes."""


class ChangedPicture(MedgroundError):
    """A source that shows another picture than when its question was written."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a build works with: where the questions and edits come from and where results are kept."""

    source: Source
    editor: Editor
    edits: Store
    answers: Store


@dataclass(slots=True)
class Interview:
    """A question, the prompt beside each of its pictures, and the responses so far: picture name -> response."""

    question: Question
    marker: bool | None
    prompt: str
    by_picture: dict[str, Response] = field(default_factory=dict)

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
    questions: Iterable[SourceQuestion], lvlm: Lvlm, mode: Mode, bench: Bench
) -> Iterator[Interview]:
    """Everything one LVLM says in one mode, question by question, in the order of the question ids."""
    ordered = sorted(questions, key=lambda known: known.question.question_id)
    for start in range(0, len(ordered), QUESTIONS_AT_ONCE):
        several = ordered[start : start + QUESTIONS_AT_ONCE]
        originals = {known.question.question_id: _original(known, bench.source) for known in several}
        chunk = [
            Interview(known.question, known.marker, prompt(known.question.finding, mode)) for known in several
        ]
        _ask(chunk, ORIGINAL, list(originals.values()), lvlm, bench)
        _ask_edits(chunk, originals, lvlm, bench)
        if isinstance(bench.source, KnowsCauses):
            _ask_counterfactuals(chunk, bench.source, lvlm, bench)
        yield from chunk


def _original(known: SourceQuestion, source: Source) -> Picture:
    """The native picture; ChangedPicture when it is not the one for which the question was written."""
    picture = source.picture(known.question)
    if known.image_sha256 not in (None, picture_digest(picture)):
        raise ChangedPicture(
            f"the pictures of {source.name} are no longer those the questions were written for "
            f"({known.question.image_id} differs). Build the questions again with python -m builder build."
        )
    return picture


def _ask_edits(
    chunk: Sequence[Interview], originals: Mapping[str, Picture], lvlm: Lvlm, bench: Bench
) -> None:
    while groups := _grouped(chunk, _next_edit):
        for edit, group in groups.items():
            pictures = edited([interview.question for interview in group], originals, edit, bench)
            _ask(group, edit.value, pictures, lvlm, bench)


def _ask_counterfactuals(chunk: Sequence[Interview], source: KnowsCauses, lvlm: Lvlm, bench: Bench) -> None:
    while groups := _grouped(chunk, _next_counterfactual):
        for counterfactual, group in groups.items():
            pictures = [source.without(interview.question, counterfactual) for interview in group]
            _ask(group, counterfactual.value, pictures, lvlm, bench)


Name = TypeVar("Name", Edit, Counterfactual)


def _grouped(
    chunk: Sequence[Interview], next_of: Callable[[Interview], Name | None]
) -> dict[Name, list[Interview]]:
    groups: dict[Name, list[Interview]] = {}
    for interview in chunk:
        name = next_of(interview) if interview.positive else None
        if name is not None:
            groups.setdefault(name, []).append(interview)
    return dict(sorted(groups.items()))


def _next_edit(interview: Interview) -> Edit | None:
    return next_edit(interview.answers())


def _next_counterfactual(interview: Interview) -> Counterfactual | None:
    if decide(interview.answers()).group is Group.INCORRECT:
        return None
    answers = {
        name: answer for name in Counterfactual if (answer := interview.answer(name.value)) is not None
    }
    return next_counterfactual(bool(interview.marker), answers)


def edited(
    questions: Sequence[Question], originals: Mapping[str, Picture], edit: Edit, bench: Bench
) -> list[Picture]:
    """The edited native pictures of the questions, made where they are not in the store yet.

    originals  question id -> native picture
    """
    pictures = [originals[question.question_id] for question in questions]
    keys = [
        edit_key(question, picture, edit, bench.editor)
        for question, picture in zip(questions, pictures, strict=True)
    ]

    def make(positions: Sequence[int]) -> list[bytes]:
        return [stored_png.encode(bench.editor.edit(questions[i], pictures[i], edit)) for i in positions]

    return [_picture(content) for content in done_once(bench.edits, keys, make)]


def _picture(content: bytes) -> Picture:
    picture = stored_png.decode(content)
    if picture is None:
        raise SourceMissing(
            "the store holds an edited picture that is no PNG. Remove the store and build again."
        )
    return picture


def edit_key(question: Question, picture: Picture, edit: Edit, editor: Editor) -> str:
    """Identity of an edited picture: a hash of everything it depends on."""
    return fingerprint(
        protocol=EDIT_PROTOCOL,
        editor=editor.name,
        version=editor.version,
        question=question.question_id,
        picture=picture_digest(picture),
        boxes=[list(box.xyxy) for box in question.boxes],
        edit=edit.value,
        prompt=edit_prompt(question.finding, edit),
    )


def _ask(group: Sequence[Interview], name: str, natives: Sequence[Picture], lvlm: Lvlm, bench: Bench) -> None:
    """Put one picture of each question before the LVLM and note the responses under `name`."""
    pictures = [to_study(native).picture for native in natives]
    prompts = [interview.prompt for interview in group]
    for interview, response in zip(group, respond(lvlm, pictures, prompts, bench.answers), strict=True):
        interview.by_picture[name] = response


def respond(lvlm: Lvlm, pictures: Sequence[Picture], prompts: Sequence[str], store: Store) -> list[Response]:
    """The LVLM's greedy responses, generated together where they are not in the store yet."""
    keys = [answer_key(lvlm, picture, text) for picture, text in zip(pictures, prompts, strict=True)]

    def make(positions: Sequence[int]) -> list[bytes]:
        responses = lvlm.generate(
            [pictures[i] for i in positions], [prompts[i] for i in positions], max_new_tokens=MAX_NEW_TOKENS
        )
        return [_to_bytes(response) for response in responses]

    return [_from_bytes(content) for content in done_once(store, keys, make)]


def answer_key(lvlm: Lvlm, picture: Picture, text: str) -> str:
    """Identity of a response: a hash of everything it depends on. Decoding is greedy, so there is no seed."""
    return fingerprint(
        lvlm=lvlm.key,
        revision=lvlm.revision,
        precision=lvlm.precision,
        code=lvlm_code(),
        picture=picture_digest(picture),
        prompt=text,
        max_new_tokens=MAX_NEW_TOKENS,
    )


def _to_bytes(response: Response) -> bytes:
    return json.dumps([response.text, response.token_ids, response.tokens]).encode("ascii")


def _from_bytes(content: bytes) -> Response:
    text, token_ids, tokens = json.loads(content)
    return Response(text, tuple(token_ids), tuple(tokens))
