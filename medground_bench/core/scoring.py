"""Predictions x truth -> per-case scores and tables with intervals. Pure: no I/O, no randomness.

Per case: overlap of the two unions of boxes. Both empty is 1, one empty is 0. Per group: the mean over ALL its cases,
so a case without a prediction counts as 0. Intervals are by image, not by case: the questions about one picture, and
the LVLMs asked about it, are not independent (`core.intervals`). All scores are fractions 0..1. Source: paper, sections
3.3 and 5.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from enum import StrEnum
from itertools import groupby
from typing import TypeVar

import numpy as np

from medground_bench.core.errors import FrameMismatch
from medground_bench.core.geometry import cover_areas
from medground_bench.core.intervals import ImageMeans, Numbers, sums_per_image
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


SCORES = tuple(each.name for each in fields(Overlap))
"""What is scored, `iou` first."""


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

    boxes    number of predicted boxes; a mean over seeds may be a fraction
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
    boxes: float
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


def mean_over_seeds(runs: Sequence[Sequence[CaseScore]]) -> tuple[CaseScore, ...]:
    """Several runs of one method on the same cases as one, each case with the mean of its scores, by case id.

    A case counts as predicted when every run predicted it. ValueError where the cases differ.

    >>> from medground_bench.core.unions import FULL, NONE
    >>> hit = CaseScore("c", "vindr", "i", "medgemma", "direct", "mass", FULL, predicted=True, boxes=1, covered=0.5)
    >>> miss = replace(hit, overlap=NONE, boxes=2)
    >>> [(score.overlap.iou, score.boxes) for score in mean_over_seeds([[hit], [miss]])]
    [(0.5, 1.5)]
    """
    ordered = [sorted(run, key=lambda score: score.case_id) for run in runs]
    if len({tuple(score.case_id for score in run) for run in ordered}) != 1:
        raise ValueError("runs of several seeds are averaged over the same cases, and these differ")
    return tuple(_mean_of(of_case) for of_case in zip(*ordered, strict=True))


def _mean_of(scores: Sequence[CaseScore]) -> CaseScore:
    return replace(
        scores[0],
        overlap=_overlap_of(np.mean([astuple(score.overlap) for score in scores], axis=0)),
        predicted=all(score.predicted for score in scores),
        boxes=float(np.mean([score.boxes for score in scores])),
        covered=float(np.mean([score.covered for score in scores])),
    )


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
    """Between which two shares something lies.

    >>> Interval(low=0.2, high=0.5).high
    0.5
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One group of a table.

    without_boxes  predicted cases that have no box
    intervals      score, such as `iou` -> at `LEVEL`; none where images are fewer than `FEWEST_IMAGES` or all alike
    spread         least and greatest mean IoU of an image
    boxes          mean number of boxes per predicted case
    covered        median fraction of the picture that predicted boxes cover

    >>> from medground_bench.core.unions import FULL
    >>> of = ((By.LVLM, "medgemma"),)
    >>> row = ScoreRow(of, Coverage(2, 1), 0, 1, FULL, {}, Interval(1.0, 1.0), boxes=1, covered=0.1)
    >>> [row.as_dict()[name] for name in ("lvlm", "failed", "iou", "iou_low")]
    ['medgemma', 1, 1.0, None]
    """

    group: tuple[tuple[By, str], ...]
    coverage: Coverage
    without_boxes: int
    images: int
    mean: Overlap
    intervals: Mapping[str, Interval]
    spread: Interval
    boxes: float
    covered: float

    @property
    def iou_ends(self) -> tuple[float, float] | tuple[None, None]:
        """The ends of the interval of the mean IoU; None where there is no interval."""
        ends = self.intervals.get("iou")
        return (ends.low, ends.high) if ends else (None, None)

    def as_dict(self) -> dict[str, str | int | float | None]:
        """One flat record: group fields, counts, the four means, and `<score>_low`, `<score>_high`."""
        record: dict[str, str | int | float | None] = {by.value: name for by, name in self.group}
        record |= {
            "cases": self.coverage.cases,
            "predicted": self.coverage.predicted,
            "failed": self.coverage.failed,
            "without_boxes": self.without_boxes,
            "images": self.images,
        }
        for measure, mean in asdict(self.mean).items():
            record[measure] = mean
            ends = self.intervals.get(measure)
            record[f"{measure}_low"] = ends.low if ends else None
            record[f"{measure}_high"] = ends.high if ends else None
        return record | {"boxes": self.boxes, "covered": self.covered}


def score(
    references: Iterable[Reference],
    predictions: Iterable[Prediction],
    *,
    by: Sequence[By] = TRACK,
) -> tuple[ScoreRow, ...]:
    """The table of one method: a row per track, or per other group, sorted by group.

    >>> from medground_bench.core.types import Frame, Mode
    >>> native = Frame.native(width=100, height=100)
    >>> truth = Reference("c", "vindr", "i", "medgemma", Mode.DIRECT, "mass", native, (Box(0, 0, 9, 9, native),))
    >>> rows = score([truth], [Prediction("c", truth.boxes)])
    >>> [row.mean.iou for row in rows]
    [1.0]
    """
    return table(score_cases(references, predictions), by=by)


def table(scores: Iterable[CaseScore], *, by: Sequence[By] = TRACK) -> tuple[ScoreRow, ...]:
    """Rows of means with intervals, one per group that occurs, sorted by group; `by=()` pools all cases.

    >>> from medground_bench.core.unions import FULL, NONE
    >>> one = CaseScore("c1", "vindr", "i", "medgemma", "direct", "mass", FULL, predicted=True, boxes=1, covered=0.1)
    >>> other = CaseScore("c2", "vindr", "i", "medgemma", "direct", "nodule", NONE, predicted=False, boxes=0, covered=0)
    >>> [row.mean.iou for row in table([one, other], by=(By.FINDING,))]
    [1.0, 0.0]
    >>> [row.mean.iou for row in table([one, other], by=())]
    [0.5]
    """

    def group_of(score: CaseScore) -> tuple[str, ...]:
        return tuple(str(getattr(score, field)) for field in by)

    ordered = sorted(scores, key=lambda score: (group_of(score), score.case_id))
    return tuple(
        _row(tuple(zip(by, names, strict=True)), list(members))
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


def _row(group: tuple[tuple[By, str], ...], scores: Sequence[CaseScore]) -> ScoreRow:
    values = np.array([astuple(score.overlap) for score in scores])
    sums, counts = sums_per_image([(score.source, score.image_id) for score in scores], values)
    found, ious = ImageMeans.of(sums, counts), sums[:, 0] / counts
    predicted = [score for score in scores if score.predicted]
    return ScoreRow(
        group=group,
        coverage=Coverage(cases=len(scores), predicted=len(predicted)),
        without_boxes=sum(not score.boxes for score in predicted),
        images=found.images,
        mean=_overlap_of(found.means),
        intervals=_intervals(found),
        spread=Interval(float(ious.min()), float(ious.max())),
        boxes=float(np.mean([score.boxes for score in predicted])) if predicted else 0.0,
        covered=float(np.median([score.covered for score in predicted])) if predicted else 0.0,
    )


def _intervals(found: ImageMeans) -> dict[str, Interval]:
    ends = zip(SCORES, *found.ends(), strict=True)
    return {score: Interval(float(low), float(high)) for score, low, high in ends if not np.isnan(low)}


def _by_case(items: Iterable[_Item], what: str) -> Mapping[str, _Item]:
    by_case: dict[str, _Item] = {}
    for item in items:
        if item.case_id in by_case:
            raise ValueError(f"the {what} hold case {item.case_id} twice")
        by_case[item.case_id] = item
    return by_case


def _overlap_of(values: Numbers) -> Overlap:
    return Overlap(*(float(value) for value in values))
