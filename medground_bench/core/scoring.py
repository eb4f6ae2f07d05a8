"""Predictions x truth -> per-case scores and tables with intervals. Pure: numpy only, no I/O.

Per case: overlap of the two unions of boxes. Both empty is 1, one empty is 0. Per group: the mean over ALL its cases,
so a case without a prediction counts as 0. Intervals resample images, not cases: the questions about one picture, and
the LVLMs asked about it, are not independent. All scores are fractions 0..1. Source: paper, sections 3.3 and 5.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from enum import StrEnum
from itertools import groupby
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.errors import FrameMismatch
from medground_bench.core.geometry import cover_areas
from medground_bench.core.resampling import resampled_means, sums_per_image, tails
from medground_bench.core.types import Box, Prediction, Reference, same_frame
from medground_bench.core.unions import NONE, Overlap, union_overlap

_Item = TypeVar("_Item", Reference, Prediction)


class By(StrEnum):
    """What a table can be grouped by; the values are field names of `CaseScore`.

    >>> [by.value for by in By]
    ['lvlm', 'mode', 'source', 'finding']
    """

    LVLM = "lvlm"
    MODE = "mode"
    SOURCE = "source"
    FINDING = "finding"


TRACK = (By.LVLM, By.MODE)
"""One LVLM in one mode."""


def overlap(predicted: Sequence[Box], reference: Sequence[Box]) -> Overlap:
    """Overlap of two unions of boxes of one frame; repeated or overlapping boxes count once.

    Both empty is a perfect score, one empty (or without area in floating point) scores 0. Two frames raise
    FrameMismatch.

    >>> from medground_bench.core.types import Frame
    >>> native = Frame.native(width=100, height=100)
    >>> overlap([Box(0, 0, 10, 10, native)], [Box(0, 0, 10, 20, native)]).iou
    0.5
    >>> overlap([], []).iou, overlap([], [Box(0, 0, 10, 20, native)]).iou
    (1.0, 0.0)
    """
    same_frame([*predicted, *reference])
    return union_overlap([box.xyxy for box in predicted], [box.xyxy for box in reference])


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One case scored; `predicted` is False where the method gave nothing, which scores 0.

    boxes    number of predicted boxes
    covered  fraction 0..1 of the native picture that they cover

    >>> from medground_bench.core.unions import FULL
    >>> score = CaseScore("c", "vindr", "i", "medgemma", "direct", "mass", FULL, predicted=True, boxes=1, covered=0.1)
    >>> score.overlap.iou
    1.0
    """

    case_id: str
    source: str
    image_id: str
    lvlm: str
    mode: str
    finding: str
    overlap: Overlap
    predicted: bool
    boxes: int
    covered: float


def score_cases(references: Iterable[Reference], predictions: Iterable[Prediction]) -> tuple[CaseScore, ...]:
    """Every reference scored, by case id; ValueError for repeated cases and predictions of unknown ones.

    >>> from medground_bench.core.types import Frame, Mode
    >>> native = Frame.native(width=100, height=100)
    >>> truth = Reference("c", "vindr", "i", "medgemma", Mode.DIRECT, "mass", native, (Box(0, 0, 9, 9, native),))
    >>> [(score.predicted, score.overlap.iou) for score in score_cases([truth], [])]
    [(False, 0.0)]
    """
    truth = _by_case(references, "references")
    given = _by_case(predictions, "predictions")
    unknown = sorted(given.keys() - truth.keys())
    if unknown:
        raise ValueError(
            f"{len(unknown)} predictions are of no case of these references, first: {unknown[0]}"
        )
    return tuple(_score_case(truth[case], given.get(case)) for case in sorted(truth))


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many cases a group has and how many were predicted; the others failed and score 0.

    >>> Coverage(cases=10, predicted=8).failed
    2
    """

    cases: int
    predicted: int

    @property
    def failed(self) -> int:
        """Cases without a prediction."""
        return self.cases - self.predicted


@dataclass(frozen=True, slots=True)
class Interval:
    """Percentile bootstrap interval of each mean, at `LEVEL`, images resampled.

    >>> from medground_bench.core.unions import FULL, NONE
    >>> Interval(low=NONE, high=FULL).high.iou
    1.0
    """

    low: Overlap
    high: Overlap


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One group of a table. `interval` is None where a single image leaves nothing to resample.

    boxes    mean number of boxes per predicted case
    covered  median fraction of the picture that predicted boxes cover

    >>> from medground_bench.core.unions import FULL
    >>> row = ScoreRow(((By.LVLM, "medgemma"),), Coverage(2, 1), 1, FULL, interval=None, boxes=1.0, covered=0.1)
    >>> [row.as_dict()[name] for name in ("lvlm", "failed", "iou", "iou_low")]
    ['medgemma', 1, 1.0, None]
    """

    group: tuple[tuple[By, str], ...]
    coverage: Coverage
    images: int
    mean: Overlap
    interval: Interval | None
    boxes: float
    covered: float

    @property
    def iou_ends(self) -> tuple[float, float] | tuple[None, None]:
        """The ends of the interval of the mean IoU; None where there is no interval."""
        return (self.interval.low.iou, self.interval.high.iou) if self.interval else (None, None)

    def as_dict(self) -> dict[str, str | int | float | None]:
        """One flat record: group fields, counts, the four means, and `<score>_low`, `<score>_high`."""
        low, high = (asdict(self.interval.low), asdict(self.interval.high)) if self.interval else (None, None)
        record: dict[str, str | int | float | None] = {by.value: name for by, name in self.group}
        record |= {
            "cases": self.coverage.cases,
            "predicted": self.coverage.predicted,
            "failed": self.coverage.failed,
            "images": self.images,
        }
        for measure, mean in asdict(self.mean).items():
            record[measure] = mean
            record[f"{measure}_low"] = low[measure] if low else None
            record[f"{measure}_high"] = high[measure] if high else None
        return record | {"boxes": self.boxes, "covered": self.covered}


def score(
    references: Iterable[Reference],
    predictions: Iterable[Prediction],
    *,
    by: Sequence[By] = TRACK,
    rng: np.random.Generator,
) -> tuple[ScoreRow, ...]:
    """The table of one method: a row per track, or per other group, sorted by group.

    >>> from medground_bench.core.types import Frame, Mode
    >>> native = Frame.native(width=100, height=100)
    >>> truth = Reference("c", "vindr", "i", "medgemma", Mode.DIRECT, "mass", native, (Box(0, 0, 9, 9, native),))
    >>> rows = score([truth], [Prediction("c", truth.boxes)], rng=np.random.default_rng(0))
    >>> [row.mean.iou for row in rows]
    [1.0]
    """
    return table(score_cases(references, predictions), by=by, rng=rng)


def table(
    scores: Iterable[CaseScore], *, by: Sequence[By] = TRACK, rng: np.random.Generator
) -> tuple[ScoreRow, ...]:
    """Rows of means with intervals, one per group that occurs, sorted by group; `by=()` pools all cases.

    >>> from medground_bench.core.unions import FULL, NONE
    >>> one = CaseScore("c1", "vindr", "i", "medgemma", "direct", "mass", FULL, predicted=True, boxes=1, covered=0.1)
    >>> other = CaseScore("c2", "vindr", "i", "medgemma", "direct", "nodule", NONE, predicted=False, boxes=0, covered=0)
    >>> [row.mean.iou for row in table([one, other], by=(By.FINDING,), rng=np.random.default_rng(0))]
    [1.0, 0.0]
    >>> [row.mean.iou for row in table([one, other], by=(), rng=np.random.default_rng(0))]
    [0.5]
    """

    def group_of(score: CaseScore) -> tuple[str, ...]:
        return tuple(str(getattr(score, field)) for field in by)

    ordered = sorted(scores, key=lambda score: (group_of(score), score.case_id))
    return tuple(
        _row(tuple(zip(by, names, strict=True)), list(members), rng)
        for names, members in groupby(ordered, key=group_of)
    )


def _score_case(reference: Reference, prediction: Prediction | None) -> CaseScore:
    boxes = prediction.boxes if prediction else ()
    for box in boxes:
        if box.frame != reference.native:
            raise FrameMismatch(
                f"case {reference.case_id}: a predicted box is in {box.frame}, the picture is {reference.native}. "
                "Boxes are native pixels; map them back with letterbox.to_native()."
            )
    area = reference.native.width * reference.native.height
    return CaseScore(
        case_id=reference.case_id,
        source=reference.source,
        image_id=reference.image_id,
        lvlm=reference.lvlm,
        mode=reference.mode.value,
        finding=reference.finding,
        overlap=overlap(boxes, reference.boxes) if prediction else NONE,
        predicted=prediction is not None,
        boxes=len(boxes),
        covered=cover_areas(boxes, ()).first / area,
    )


def _row(
    group: tuple[tuple[By, str], ...], scores: Sequence[CaseScore], rng: np.random.Generator
) -> ScoreRow:
    values = np.array([astuple(score.overlap) for score in scores])
    sums, counts = sums_per_image([(score.source, score.image_id) for score in scores], values)
    interval = None
    if len(sums) > 1:
        low, high = np.quantile(resampled_means(sums, counts, rng), tails(), axis=0)
        interval = Interval(_overlap_of(low), _overlap_of(high))
    predicted = [score for score in scores if score.predicted]
    return ScoreRow(
        group=group,
        coverage=Coverage(cases=len(scores), predicted=len(predicted)),
        images=len(sums),
        mean=_overlap_of(values.mean(axis=0)),
        interval=interval,
        boxes=float(np.mean([score.boxes for score in predicted])) if predicted else 0.0,
        covered=float(np.median([score.covered for score in predicted])) if predicted else 0.0,
    )


def _by_case(items: Iterable[_Item], what: str) -> Mapping[str, _Item]:
    by_case: dict[str, _Item] = {}
    for item in items:
        if item.case_id in by_case:
            raise ValueError(f"the {what} hold case {item.case_id} twice")
        by_case[item.case_id] = item
    return by_case


def _overlap_of(values: NDArray[np.float64]) -> Overlap:
    return Overlap(*(float(value) for value in values))
