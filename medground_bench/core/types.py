"""The nouns of the benchmark: frames, boxes, questions, cases, answers, verdicts, attributions, predictions.

Values only: numpy and the standard library, no I/O. Boxes are half-open xyxy, origin top-left; a box carries its
frame, and mixing frames raises `FrameMismatch`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.case_ids import question_id
from medground_bench.core.errors import FrameMismatch
from medground_bench.core.modes import Mode as Mode  # noqa: PLC0414  one of the nouns, without numpy for the command line
from medground_bench.core.unions import Corners as Corners  # noqa: PLC0414  one of the nouns

Picture = NDArray[np.uint8]
"""Grey picture (height, width), uint8; 0 is black."""

Mask = NDArray[np.bool_]
"""Region of a picture (height, width)."""


class Answer(StrEnum):
    """What a response says; `UNREADABLE` is never guessed into yes or no.

    >>> Answer("no") is Answer.NO
    True
    """

    YES = "yes"
    NO = "no"
    UNREADABLE = "unreadable"


class Group(StrEnum):
    """The paper's three groups of questions (section B.3).

    >>> [group.value for group in Group]
    ['incorrect', 'ungrounded', 'grounded']
    """

    INCORRECT = "incorrect"
    UNGROUNDED = "ungrounded"
    GROUNDED = "grounded"


class Reason(StrEnum):
    """Why a question was not retained.

    >>> Reason.BACKGROUND_MATTERED.value
    'BACKGROUND_MATTERED'
    """

    ANSWER_WRONG = "ANSWER_WRONG"
    ANSWER_DID_NOT_FLIP = "ANSWER_DID_NOT_FLIP"
    BACKGROUND_MATTERED = "BACKGROUND_MATTERED"
    UNREADABLE_ANSWER = "UNREADABLE_ANSWER"


@dataclass(frozen=True, slots=True)
class Frame:
    """A pixel raster by name and size.

    >>> Frame.native(width=2544, height=3056)
    Frame(name='native', width=2544, height=3056)
    """

    name: str
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"frame {self.name}: {self.width} x {self.height} px is empty")

    @classmethod
    def native(cls, width: int, height: int) -> Frame:
        """The radiograph's own raster."""
        return cls("native", width, height)

    @classmethod
    def native_of(cls, picture: Picture) -> Frame:
        """The frame of a native picture (height, width).

        >>> Frame.native_of(np.zeros((3056, 2544), np.uint8)).width
        2544
        """
        return cls("native", width=picture.shape[1], height=picture.shape[0])

    @classmethod
    def study_of(cls, picture: NDArray[np.generic]) -> Frame:
        """The frame of a picture (height, width) that was brought to the study frame, or of a mask there."""
        return cls("study", width=picture.shape[1], height=picture.shape[0])


@dataclass(frozen=True, slots=True)
class Box:
    """Half-open box [x0, x1) x [y0, y1), in pixels of `frame`; width is x1 - x0, never +1.

    >>> Box(100, 200, 130, 240, Frame.native(width=2544, height=3056)).area
    1200
    """

    x0: float
    y0: float
    x1: float
    y1: float
    frame: Frame

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in self.xyxy):
            raise ValueError(f"box {self.xyxy} has a coordinate that is not finite")
        if not (self.x0 < self.x1 and self.y0 < self.y1):
            raise ValueError(f"box {self.xyxy} is empty: it needs x0 < x1 and y0 < y1")

    @property
    def xyxy(self) -> Corners:
        """The four coordinates, pixels of the frame."""
        return (self.x0, self.y0, self.x1, self.y1)

    @property
    def width(self) -> float:
        """Pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Pixels."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height


def same_frame(boxes: Iterable[Box]) -> Frame | None:
    """The one frame of all boxes, None for no boxes; two frames raise FrameMismatch.

    >>> native = Frame.native(width=100, height=80)
    >>> same_frame([Box(0, 0, 9, 9, native), Box(5, 5, 60, 70, native)])
    Frame(name='native', width=100, height=80)
    """
    frames = sorted({box.frame for box in boxes}, key=repr)
    if len(frames) > 1:
        raise FrameMismatch(
            f"boxes live in {len(frames)} frames: {', '.join(map(repr, frames))}. "
            "Map them to one frame first, for example with Letterbox.to_native."
        )
    return frames[0] if frames else None


@dataclass(frozen=True, slots=True, eq=False)
class SaliencyMap:
    """Evidence per cell: `values` (rows, columns) float32 covers `frame` evenly; higher is more evidence.

    >>> SaliencyMap(np.zeros((16, 16), np.float32), Frame("study", width=224, height=224)).values.shape
    (16, 16)
    """

    values: NDArray[np.float32]
    frame: Frame

    @property
    def clamped(self) -> SaliencyMap:
        """With 0 for everything that speaks against."""
        return SaliencyMap(self.values.clip(min=0), self.frame)


@dataclass(frozen=True, slots=True)
class Question:
    """One yes/no question about one picture; `boxes` (native frame) are empty when the finding is absent.

    >>> native = Frame.native(width=2544, height=3056)
    >>> Question("vindr_cxr", "0f3a", "Pleural effusion", Answer.NO, native).question_id
    'vindr_cxr/0f3a/pleural-effusion'
    """

    source: str
    image_id: str
    finding: str
    answer: Answer
    native: Frame
    boxes: tuple[Box, ...] = ()

    @property
    def question_id(self) -> str:
        """`<source>/<image_id>/<finding-slug>`."""
        return question_id(self.source, self.image_id, self.finding)


@dataclass(frozen=True, slots=True, order=True)
class Track:
    """One LVLM, by its key, in one mode: what is built, run and ranked as a whole.

    >>> str(Track("medgemma_4b", Mode.REASON))
    'medgemma_4b reason'
    """

    lvlm: str
    mode: Mode

    @property
    def stem(self) -> str:
        """With which the names of its files begin; an LVLM's key may hold a slash.

        >>> Track("org/name@1f2e", Mode.DIRECT).stem
        'org--name@1f2e-direct'
        """
        return f"{file_stem(self.lvlm)}-{self.mode}"

    def __str__(self) -> str:
        """For people."""
        return f"{self.lvlm} {self.mode}"


def file_stem(key: str) -> str:
    """A key as a part of a file's name: a slash, as in a hub id, becomes two hyphens.

    >>> file_stem("org/name@1f2e")
    'org--name@1f2e'
    """
    return key.replace("/", "--")


@dataclass(frozen=True, slots=True)
class Response:
    """What an LVLM said: `token_ids` are its own tokens, end-of-turn left out; `tokens` is each one as text.

    >>> Response("Yes.", token_ids=(3771, 236761), tokens=("Yes", ".")).tokens
    ('Yes', '.')
    """

    text: str
    token_ids: tuple[int, ...]
    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.token_ids) != len(self.tokens):
            raise ValueError(f"{len(self.token_ids)} token ids but {len(self.tokens)} token texts")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What an attribution method sees: a picture in the study frame, a prompt and the LVLM's response. No truth.

    >>> picture, native = np.zeros((224, 224), np.uint8), Frame.native(width=2544, height=3056)
    >>> Case("id", "mass", "Is there a mass?", Response("No", (3771,), ("No",)), picture, native).study
    Frame(name='study', width=224, height=224)
    """

    case_id: str
    finding: str
    prompt: str
    response: Response
    picture: Picture
    native: Frame

    @property
    def study(self) -> Frame:
        """The frame of `picture`: the square letterbox of the native image."""
        return Frame.study_of(self.picture)


@dataclass(frozen=True, slots=True)
class Reference:
    """What the scorer knows of a retained case: the expert boxes, native frame.

    >>> native = Frame.native(width=2544, height=3056)
    >>> boxes = (Box(100, 200, 130, 240, native),)
    >>> str(Reference("id", "vindr_cxr", "0f3a", "medgemma_4b", Mode.DIRECT, "mass", native, boxes).track)
    'medgemma_4b direct'
    """

    case_id: str
    source: str
    image_id: str
    lvlm: str
    mode: Mode
    finding: str
    native: Frame
    boxes: tuple[Box, ...]

    @property
    def track(self) -> Track:
        """The LVLM and mode whose case it is."""
        return Track(self.lvlm, self.mode)


@dataclass(frozen=True, slots=True)
class Answers:
    """The four answers of the causal filter; None was not asked (the filter asks lazily).

    >>> Answers(expected=Answer.YES, original=Answer.NO).foreground is None  # wrong, so no edit is needed
    True
    """

    expected: Answer
    original: Answer
    foreground: Answer | None = None
    background: Answer | None = None
    background_normal: Answer | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Group of a question for one LVLM and mode; `reason` is None exactly when it is grounded.

    >>> Verdict(Group.UNGROUNDED, Reason.ANSWER_DID_NOT_FLIP).group.value
    'ungrounded'
    """

    group: Group
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class TokenDrop:
    """How much one response token lost (nats, at least 0) when the attributed region was hidden.

    >>> TokenDrop(" effusion", drop=1.25).drop
    1.25
    """

    token: str
    drop: float


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """What a method returns, in the study frame: a saliency map, or boxes, and what it can say beyond them.

    saliency       None for methods that choose boxes themselves
    boxes          None to have them cut from the map by the protocol (`geometry.boxes_from_map`)
    clamped        whether they are cut from the map's positive values alone; the map itself keeps its signs
    concept        name of the chosen concept or group, "whole image" for the fallback
    concept_drops  name -> Delta (nats) for every concept and group that was tried
    token_drops    per response token, for the chosen region
    region_drops   name -> drop of every response token (nats), for every concept and group that was tried
    region_scores  name -> what the method compares by those that cost enough to be evidence; the greatest wins
    missing_concepts  concepts that were looked for and not found, so not tried
    self_checks    what a method can verify about its own run, for example "completeness_gap" of integrated gradients
    refused        pieces of an LVLM's text that look like boxes and are not read as boxes

    >>> study = Frame("study", width=224, height=224)
    >>> Attribution(boxes=(Box(0, 0, 112, 224, study),), concept="right lung").concept
    'right lung'
    """

    saliency: SaliencyMap | None = None
    boxes: tuple[Box, ...] | None = None
    clamped: bool = False
    concept: str | None = None
    concept_drops: Mapping[str, float] = field(default_factory=dict)
    token_drops: Sequence[TokenDrop] = ()
    region_drops: Mapping[str, Sequence[float]] = field(default_factory=dict)
    region_scores: Mapping[str, float] = field(default_factory=dict)
    missing_concepts: tuple[str, ...] = ()
    self_checks: Mapping[str, float] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.saliency is None and self.boxes is None:
            raise ValueError("an attribution needs a saliency map or boxes")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One line of a prediction file: boxes in the native frame, at most 10.

    >>> native = Frame.native(width=2544, height=3056)
    >>> Prediction("id", (Box(100, 200, 130, 240, native),), seconds=0.5).as_json()
    {'case_id': 'id', 'boxes': [[100, 200, 130, 240]], 'seconds': 0.5}
    """

    case_id: str
    boxes: tuple[Box, ...]
    concept: str | None = None
    seconds: float | None = None
    tokens: tuple[float, ...] | None = None

    def as_json(self) -> dict[str, object]:
        """The line's object; absent optional fields are left out."""
        line: dict[str, object] = {"case_id": self.case_id, "boxes": [list(box.xyxy) for box in self.boxes]}
        optional = {"concept": self.concept, "seconds": self.seconds, "tokens": self.tokens}
        return line | {name: value for name, value in optional.items() if value is not None}
