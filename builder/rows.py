"""The rows of the dataset folder: one dataclass a table, its fields are the columns, in order."""

from __future__ import annotations

from dataclasses import dataclass

Corners = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow:
    """A question of a source. `image` is PNG bytes, None where the picture may not be shown.

    image_sha256  of the picture's size and grey values, not of the PNG: another encoder gives other bytes
    levels        the source's rule by which a deep file became those grey values
    """

    question_id: str
    source: str
    image_id: str
    finding: str
    question: str
    answer: str
    boxes: tuple[Corners, ...]
    width: int
    height: int
    image: bytes | None
    image_sha256: str
    levels: str
    marker: bool | None
    release_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """What an LVLM said to one picture of a question: `original`, an edit, or a counterfactual without a cause."""

    question_id: str
    source: str
    image_id: str
    finding: str
    answer: str
    lvlm: str
    lvlm_revision: str
    mode: str
    picture: str
    response: str
    response_token_ids: tuple[int, ...]
    response_tokens: tuple[str, ...]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """The verdict on a positive question for one LVLM and mode, with the answers it rests on (None: not asked).

    Rows of the authors' release know neither question nor finding: only their positional `release_index`.
    """

    question_id: str | None
    source: str
    image_id: str | None
    finding: str | None
    lvlm: str
    lvlm_revision: str | None
    mode: str
    answer: str
    original: str
    foreground: str | None
    background: str | None
    background_normal: str | None
    group: str
    reason: str | None
    marker: bool | None = None
    known_cause: str | None = None
    release_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A retained question for one LVLM and mode: what is attributed, and the boxes it is scored against."""

    case_id: str
    question_id: str
    source: str
    image_id: str
    lvlm: str
    lvlm_revision: str
    mode: str
    finding: str
    question: str
    prompt: str
    answer: str
    response: str
    response_token_ids: tuple[int, ...]
    response_tokens: tuple[str, ...]
    boxes: tuple[Corners, ...]
    width: int
    height: int
    image: bytes | None
    image_sha256: str
    release_index: int | None
