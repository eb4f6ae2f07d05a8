"""Units of work: an LVLM's response to one picture, and an edit of one. Each is keyed by a hash of all its inputs.

`made` is all that is ever done for a unit, on whatever machine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias, cast

from builder.editors import Editor, edit_prompt
from medground_bench.core.causal_filter import Edit
from medground_bench.core.types import Picture, Question, Response
from medground_bench.lvlms import Lvlm, LvlmDescription
from medground_bench.pictures import picture_digest, stored_png
from medground_bench.runs.code_version import lvlm_code
from medground_bench.storage.whole_files import fingerprint

MAX_NEW_TOKENS = 512
EDIT_PROTOCOL = 1
"""Raise it when the way an edit is asked for changes."""


@dataclass(frozen=True, slots=True, eq=False)
class AnswerUnit:
    """A question to an LVLM: a picture in the study frame and a prompt.

    of       the id of the question
    picture  which one it is: `original`, an edit, or a counterfactual
    study    the picture itself
    """

    key: str
    of: str
    picture: str
    study: Picture
    prompt: str


@dataclass(frozen=True, slots=True, eq=False)
class EditUnit:
    """An edit of a question's native picture."""

    key: str
    question: Question
    native: Picture
    edit: Edit

    @property
    def of(self) -> str:
        """The id of the question."""
        return self.question.question_id

    @property
    def picture(self) -> str:
        """Which picture it makes."""
        return self.edit.value


Unit: TypeAlias = AnswerUnit | EditUnit
Maker: TypeAlias = LvlmDescription | Editor
"""Who does a unit: an LVLM, or what stands for it where it runs elsewhere, or an editor."""


def name_of(by: Maker) -> str:
    """What an LVLM or an editor is called."""
    name: str = getattr(by, "key", None) or getattr(by, "name")  # noqa: B009  one of the two has it
    return name


def full_name(editor: Editor) -> str:
    """`name@version`, as rows and records say which editor it was."""
    return f"{editor.name}@{editor.version}"


def answer_unit(lvlm: LvlmDescription, of: str, picture: str, study: Picture, prompt: str) -> AnswerUnit:
    """The unit of a response."""
    return AnswerUnit(answer_key(lvlm, study, prompt), of, picture, study, prompt)


def edit_unit(editor: Editor, question: Question, native: Picture, edit: Edit) -> EditUnit:
    """The unit of an edit."""
    return EditUnit(edit_key(question, native, edit, editor), question, native, edit)


def answer_key(lvlm: LvlmDescription, picture: Picture, text: str) -> str:
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


def made(units: Sequence[Unit], by: Maker) -> list[bytes]:
    """The results of units of one kind, in order; `by` is an LVLM or editor in this process."""
    answers = [unit for unit in units if isinstance(unit, AnswerUnit)]
    edits = [unit for unit in units if isinstance(unit, EditUnit)]
    if edits:
        editor = cast(Editor, by)
        with ThreadPoolExecutor(1, thread_name_prefix="png") as encoder:  # while the next edit is made
            pictures = (editor.edit(unit.question, unit.native, unit.edit) for unit in edits)
            encoded = [encoder.submit(stored_png.encode, picture) for picture in pictures]
        return [future.result() for future in encoded]
    responses = cast(Lvlm, by).generate(
        [unit.study for unit in answers], [unit.prompt for unit in answers], max_new_tokens=MAX_NEW_TOKENS
    )
    return [_to_bytes(response) for response in responses]


def response_of(result: bytes) -> Response:
    """The response that the result of an `AnswerUnit` holds."""
    text, token_ids, tokens = json.loads(result)
    return Response(text, tuple(token_ids), tuple(tokens))


def _to_bytes(response: Response) -> bytes:
    return json.dumps([response.text, response.token_ids, response.tokens]).encode("ascii")
