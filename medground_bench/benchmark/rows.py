"""The rows of the dataset: one dataclass a table, whose fields are the columns in order. They are spelled here alone.

Builder, reader, ablation, board and publisher all take them from here. Who needs a few columns reads one of the
`...Columns`, each a part of a row; those that are only counted are in `counted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from medground_bench.benchmark.counted import FilterColumns
from medground_bench.core.case_ids import case_id
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Box, Case, Corners, Frame, Mode, Picture, Reference, Response, Track
from medground_bench.pictures import picture_digest, stored_png, to_study

SPLITS = ("test", "tune")
ORIGINAL = "original"
"""What `AnswerRow.picture` calls the picture as it is."""

HOW_TO_JOIN = (
    "Join it with your own credentialed copy of the source: give its folder, --root FOLDER on the command line and "
    "roots={source: folder} in Python."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow:
    """A question of a source. `image` is PNG bytes, None where the picture may not be shown.

    image_sha256  of the picture's size and grey values, not of the PNG: another encoder gives other bytes
    levels        the source's rule by which a deep file became those grey values
    marker        whether a shortcut is planted in the picture; None where that is not known
    boxes, width, height  None in a copy of the benchmark that may not show them

    >>> from dataclasses import fields
    >>> [each.name for each in fields(QuestionRow)][:6]
    ['question_id', 'source', 'image_id', 'finding', 'question', 'answer']
    """

    question_id: str
    source: str
    image_id: str
    finding: str
    question: str
    answer: str
    boxes: tuple[Corners, ...] | None
    width: int | None
    height: int | None
    image: bytes | None
    image_sha256: str
    levels: str
    marker: bool | None
    release_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """What an LVLM said to one picture of a question: `original`, an edit, or a counterfactual without a cause.

    Of the authors' release neither the weights nor the tokens are known: its rows have None there.

    editor  who made the edit, as `name@version`; None for every other picture, and where that is not known

    >>> row = AnswerRow(question_id="phantom/1/mass", source="phantom", image_id="1", finding="mass", answer="yes",
    ...     lvlm="gemma3_4b", lvlm_revision="1f2e", mode="direct", picture=ORIGINAL, response="No.",
    ...     response_token_ids=(2301, 236761), response_tokens=("No", "."), said="no")
    >>> row.track
    Track(lvlm='gemma3_4b', mode=<Mode.DIRECT: 'direct'>)
    """

    question_id: str
    source: str
    image_id: str
    finding: str
    answer: str
    lvlm: str
    lvlm_revision: str | None
    mode: str
    picture: str
    response: str
    response_token_ids: tuple[int, ...] | None
    response_tokens: tuple[str, ...] | None
    said: str
    editor: str | None = None

    @property
    def track(self) -> Track:
        """The LVLM and mode that answered."""
        return Track(self.lvlm, Mode(self.mode))


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """The verdict on a positive question for one LVLM and mode, with the answers it rests on (None: not asked).

    Rows of the authors' release that are joined with no source know neither question nor finding: only their
    positional `release_index`.

    editor       who made the edits, as `name@version`; None where no edit was asked about, or where that is not known
    known_cause  what a right answer rests on, by exact counterfactual pictures; see `core.causes`

    >>> from dataclasses import fields
    >>> [each.name for each in fields(VerdictRow)][7:14]
    ['answer', 'original', 'foreground', 'background', 'background_normal', 'group', 'reason']
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
    editor: str | None = None
    marker: bool | None = None
    known_cause: str | None = None
    release_index: int | None = None

    @property
    def track(self) -> Track:
        """The LVLM and mode that was judged."""
        return Track(self.lvlm, Mode(self.mode))


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A retained question for one LVLM and mode: what is attributed, and the boxes it is scored against.

    Of the authors' release neither the weights nor the tokens of the response are known. Its cases can be scored, and
    no method can explain them.

    boxes, width, height  None in a copy of the benchmark that may not show them

    >>> from dataclasses import fields
    >>> [each.name for each in fields(CaseRow)][:3]
    ['case_id', 'question_id', 'source']
    """

    case_id: str
    question_id: str
    source: str
    image_id: str
    lvlm: str
    lvlm_revision: str | None
    mode: str
    finding: str
    question: str
    prompt: str
    answer: str
    response: str
    response_token_ids: tuple[int, ...] | None
    response_tokens: tuple[str, ...] | None
    boxes: tuple[Corners, ...] | None
    width: int | None
    height: int | None
    image: bytes | None
    image_sha256: str
    release_index: int | None

    def case(self, native: Picture | None = None) -> Case:
        """As an attribution method sees it; SourceMissing without its picture or the tokens of its response.

        native  its picture, where the row has none
        """
        name = f"case {self.case_id}"
        frame = native_frame(self, name)
        study = to_study(stored_picture(self, name) if native is None else native).picture
        return Case(self.case_id, self.finding, self.prompt, stored_response(self, name), study, frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackColumns:
    """Of `VerdictRow` or `CaseRow`: whose row it is.

    >>> TrackColumns(lvlm="medgemma_4b", mode="direct").track.stem
    'medgemma_4b-direct'
    """

    lvlm: str
    mode: str

    @property
    def track(self) -> Track:
        """The LVLM and mode."""
        return Track(self.lvlm, Mode(self.mode))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyColumns:
    """Of `QuestionRow` or `CaseRow`: by which its question is found in a user's own copy of the source.

    >>> KeyColumns(question_id="vindr_cxr/pic-1f2e/mass", source="vindr_cxr", finding="mass", release_index=7,
    ...     image_sha256="1f2e").release_index
    7
    """

    question_id: str
    source: str
    finding: str
    release_index: int | None
    image_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentColumns:
    """Of `CaseRow`: all that a method sees of a case, and its boxes, which decide its score.

    >>> assert set(ContentColumns.__slots__) <= set(CaseRow.__slots__)
    """

    case_id: str
    finding: str
    prompt: str
    response: str
    response_token_ids: tuple[int, ...] | None
    response_tokens: tuple[str, ...] | None
    image_sha256: str
    width: int | None
    height: int | None
    boxes: tuple[Corners, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthColumns:
    """Of `CaseRow`: what the scorer knows of a case.

    >>> row = TruthColumns(case_id="id", source="vindr_cxr", image_id="0f3a", lvlm="gemma3_4b", mode="direct",
    ...     finding="mass", boxes=((100, 200, 130, 240),), width=2544, height=3056)
    >>> [box.area for box in row.reference().boxes]
    [1200]
    """

    case_id: str
    source: str
    image_id: str
    lvlm: str
    mode: str
    finding: str
    boxes: tuple[Corners, ...] | None
    width: int | None
    height: int | None

    def reference(self) -> Reference:
        """The truth, in native pixels; SourceMissing where this copy of the benchmark may not show it."""
        if self.boxes is None:
            raise SourceMissing(
                f"case {self.case_id}: this copy of the benchmark comes without the expert boxes of {self.source}, "
                f"which may not be shared. {HOW_TO_JOIN}"
            )
        native = native_frame(self, f"case {self.case_id}")
        return Reference(
            case_id=self.case_id,
            source=self.source,
            image_id=self.image_id,
            lvlm=self.lvlm,
            mode=Mode(self.mode),
            finding=self.finding,
            native=native,
            boxes=tuple(Box(*corners, native) for corners in self.boxes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionColumns:
    """Of `QuestionRow`: all but picture and words.

    >>> row = QuestionColumns(question_id="vindr_cxr/0f3a/mass", source="vindr_cxr", image_id="0f3a",
    ...     finding="mass", boxes=((100, 200, 130, 240),), width=2544, height=3056)
    >>> row.reference(Track("gemma3_4b", Mode.DIRECT)).case_id
    'vindr_cxr/0f3a/mass@gemma3_4b:direct'
    """

    question_id: str
    source: str
    image_id: str
    finding: str
    boxes: tuple[Corners, ...] | None
    width: int | None
    height: int | None

    def reference(self, track: Track) -> Reference:
        """The truth of the case that it is for one LVLM and mode."""
        return TruthColumns(
            case_id=case_id(self.question_id, track),
            source=self.source,
            image_id=self.image_id,
            lvlm=track.lvlm,
            mode=track.mode,
            finding=self.finding,
            boxes=self.boxes,
            width=self.width,
            height=self.height,
        ).reference()


AnyRow = TypeVar("AnyRow", QuestionRow, AnswerRow, VerdictRow, CaseRow)


class Table(Generic[AnyRow]):
    """A config of the dataset: its name, its rows, and which of their columns sort them.

    >>> VERDICTS.name, VERDICTS.row is VerdictRow
    ('verdicts', True)
    """

    def __init__(self, name: str, row: type[AnyRow], *order: str) -> None:
        self.name = name
        self.row: type[AnyRow] = row
        self.order = order

    def key(self, row: AnyRow) -> tuple[tuple[bool, str | int], ...]:
        """Sorts rows; a missing value comes first."""
        values = (getattr(row, column) for column in self.order)
        return tuple((value is not None, "" if value is None else value) for value in values)


DIRECT = Table("direct", CaseRow, "case_id")
REASON = Table("reason", CaseRow, "case_id")
QUESTIONS = Table("questions", QuestionRow, "question_id")
VERDICTS = Table("verdicts", VerdictRow, "source", "mode", "question_id", "release_index")
ANSWERS = Table("answers", AnswerRow, "source", "mode", "question_id", "picture")
TABLES = (DIRECT, REASON, QUESTIONS, VERDICTS, ANSWERS)
CASES = {Mode.DIRECT: DIRECT, Mode.REASON: REASON}


def native_frame(row: QuestionRow | CaseRow | TruthColumns, name: str) -> Frame:
    """The native frame of a row; SourceMissing, which calls the row by `name`, where its size may not be shown.

    >>> row = TruthColumns(case_id="id", source="vindr_cxr", image_id="0f3a", lvlm="gemma3_4b", mode="direct",
    ...     finding="mass", boxes=None, width=2544, height=3056)
    >>> native_frame(row, "a case").width
    2544
    """
    if row.width is None or row.height is None:
        raise SourceMissing(
            f"{name}: the size of the pictures of {row.source} is not in this copy of the benchmark. {HOW_TO_JOIN}"
        )
    return Frame.native(row.width, row.height)


def stored_picture(row: QuestionRow | CaseRow, name: str) -> Picture:
    """The native picture of a row; SourceMissing, which calls the row by `name`, where it is not there or damaged.

    >>> import numpy as np
    >>> picture = np.full((4, 6), 7, np.uint8)
    >>> row = QuestionRow(
    ...     question_id="phantom/1/mass", source="phantom", image_id="1", finding="mass", question="?", answer="no",
    ...     boxes=(), width=6, height=4, image=stored_png.encode(picture), image_sha256=picture_digest(picture),
    ...     levels="min-max", marker=None,
    ... )
    >>> stored_picture(row, "a question").shape
    (4, 6)
    """
    if row.image is None:
        raise SourceMissing(
            f"{name}: the pictures of {row.source} may not be shared and are not in this copy of the benchmark. "
            f"{HOW_TO_JOIN}"
        )
    picture = stored_png.decode(row.image)
    if picture is None or picture_digest(picture) != row.image_sha256:
        raise SourceMissing(f"{name}: its picture is damaged. Build or download the benchmark again.")
    return picture


def stored_response(row: AnswerRow | CaseRow, name: str) -> Response:
    """The response of a row; SourceMissing, which calls the row by `name`, where its tokens are not known.

    >>> row = AnswerRow(question_id="phantom/1/mass", source="phantom", image_id="1", finding="mass", answer="yes",
    ...     lvlm="gemma3_4b", lvlm_revision="1f2e", mode="direct", picture=ORIGINAL, response="No.",
    ...     response_token_ids=(2301, 236761), response_tokens=("No", "."), said="no")
    >>> stored_response(row, "a question").tokens
    ('No', '.')
    """
    if row.response_token_ids is None or row.response_tokens is None:
        raise SourceMissing(
            f"{name}: its response is of the authors' release, which has no tokens, so no method can explain it; it "
            f"can be scored. To run methods, ask {row.lvlm} with the builder's command build into another folder."
        )
    return Response(row.response, row.response_token_ids, row.response_tokens)


def is_released(row: AnswerRow | VerdictRow | CaseRow | FilterColumns) -> bool:
    """Whether a row is of the authors' release, which alone does not say which weights answered.

    >>> row = VerdictRow(question_id=None, source="vindr_cxr", image_id=None, finding=None, lvlm="gemma3_4b",
    ...     lvlm_revision=None, mode="direct", answer="yes", original="yes", foreground="no", background="yes",
    ...     background_normal="yes", group="grounded", reason=None, release_index=7)
    >>> is_released(row)
    True
    """
    return row.lvlm_revision is None
