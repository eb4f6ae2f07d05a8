"""Predictions x truth -> per-case scores, tables with intervals, paired comparisons. Pure: numpy only, no I/O.

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
from medground_bench.core.types import Box, Prediction, Reference

_Item = TypeVar("_Item", Reference, Prediction)

RESAMPLES = 1000
"""Bootstrap samples of an interval, and sign flips of a paired test."""

LEVEL = 0.95
DRAWS_AT_ONCE = 4_000_000
"""Drawn images held in memory at once."""

ROUNDING = 1e-12
"""Two sums of scores closer than this are equal."""


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


@dataclass(frozen=True, slots=True)
class Overlap:
    """How well predicted boxes cover reference boxes, by area of their unions; fractions 0..1.

    >>> Overlap(iou=0.5, precision=1.0, recall=0.5, f1=0.67).recall  # half of the reference is covered
    0.5
    """

    iou: float
    precision: float
    recall: float
    f1: float


FULL, NONE = Overlap(1.0, 1.0, 1.0, 1.0), Overlap(0.0, 0.0, 0.0, 0.0)


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
    if not predicted or not reference:
        return FULL if not predicted and not reference else NONE
    areas = cover_areas(predicted, reference)
    if not areas.first or not areas.second:
        return NONE
    return Overlap(
        iou=areas.both / (areas.first + areas.second - areas.both),
        precision=areas.both / areas.first,
        recall=areas.both / areas.second,
        f1=2 * areas.both / (areas.first + areas.second),
    )


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One case scored; `predicted` is False where the method gave nothing, which scores 0.

    boxes    number of predicted boxes
    covered  fraction 0..1 of the native picture that they cover

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


@dataclass(frozen=True, slots=True)
class Difference:
    """First method minus second on the same cases.

    low, high  percentile bootstrap interval at `LEVEL`, images resampled; equal to `mean` for a single image
    p_value    two-sided, by flipping the sign of whole images at random (paired randomisation test)

    >>> gain = Difference("iou", cases=90, images=60, mean=0.1, low=-0.02, high=0.2, p_value=0.08)
    >>> gain.low < 0 < gain.high  # it may be none
    True
    """

    measure: str
    cases: int
    images: int
    mean: float
    low: float
    high: float
    p_value: float


def compare(
    first: Iterable[CaseScore], second: Iterable[CaseScore], *, rng: np.random.Generator, measure: str = "iou"
) -> Difference:
    """Paired difference of one measure between two methods scored on the same cases; ValueError if not.

    >>> one = CaseScore("c", "vindr", "i", "medgemma", "direct", "mass", FULL, predicted=True, boxes=1, covered=0.1)
    >>> same = compare([one], [one], rng=np.random.default_rng(0))
    >>> same.mean, same.p_value
    (0.0, 1.0)
    """
    one, other = ({score.case_id: score for score in scores} for scores in (first, second))
    if one.keys() != other.keys() or not one:
        raise ValueError(f"a paired comparison needs the same cases: {len(one)} here, {len(other)} there")
    ordered = [one[case] for case in sorted(one)]
    gains = np.array(
        [[getattr(s.overlap, measure) - getattr(other[s.case_id].overlap, measure)] for s in ordered]
    )
    sums, counts = _per_image(ordered, gains)
    resampled = _resampled_means(sums, counts, rng)
    low, high = np.quantile(resampled[:, 0], _tails())
    signs = 2.0 * rng.integers(2, size=(RESAMPLES, len(sums))) - 1.0
    as_large = np.abs(signs @ sums[:, 0]) >= abs(sums[:, 0].sum()) - ROUNDING
    return Difference(
        measure=measure,
        cases=len(ordered),
        images=len(sums),
        mean=float(gains.mean()),
        low=float(low),
        high=float(high),
        p_value=float((1 + as_large.sum()) / (1 + RESAMPLES)),
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
    sums, counts = _per_image(scores, values)
    interval = None
    if len(sums) > 1:
        low, high = np.quantile(_resampled_means(sums, counts, rng), _tails(), axis=0)
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


def _per_image(
    scores: Sequence[CaseScore], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of the values (cases, measures) and number of cases per image, images sorted by source and id."""
    images = sorted({(score.source, score.image_id) for score in scores})
    place = {image: row for row, image in enumerate(images)}
    rows = np.array([place[score.source, score.image_id] for score in scores])
    sums = np.zeros((len(images), values.shape[1]))
    np.add.at(sums, rows, values)
    return sums, np.bincount(rows, minlength=len(images)).astype(np.float64)


def _resampled_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Case means (RESAMPLES, measures) of that many draws of images with replacement."""
    images = len(sums)
    rounds = max(1, DRAWS_AT_ONCE // images)
    means = []
    for start in range(0, RESAMPLES, rounds):
        draws = min(rounds, RESAMPLES - start)
        drawn = rng.integers(images, size=(draws, images)) + np.arange(draws)[:, None] * images
        times = np.bincount(drawn.ravel(), minlength=draws * images).reshape(draws, images)
        means.append((times @ sums) / (times @ counts)[:, None])
    return np.concatenate(means)


def _by_case(items: Iterable[_Item], what: str) -> Mapping[str, _Item]:
    by_case: dict[str, _Item] = {}
    for item in items:
        if item.case_id in by_case:
            raise ValueError(f"the {what} hold case {item.case_id} twice")
        by_case[item.case_id] = item
    return by_case


def _overlap_of(values: NDArray[np.float64]) -> Overlap:
    return Overlap(*(float(value) for value in values))


def _tails() -> tuple[float, float]:
    return (1 - LEVEL) / 2, (1 + LEVEL) / 2
