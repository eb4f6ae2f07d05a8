"""Attribution overlap: how well predicted boxes cover the boxes of the evidence, as an `evaluate` module.

Thin over `medground_bench.core.unions`, a copy of which lies beside it on the hub: the module checks boxes when they
are added, before anything of them is stored, and averages over pictures. What is refused leaves the metric as it was.
"""

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import astuple
from numbers import Real

import datasets
import evaluate

from medground_bench.core.unions import union_overlap

DESCRIPTION = """\
Overlap of two unions of boxes, averaged over pictures: intersection over union, precision, recall and F1 of the covered
area. Boxes that overlap or repeat count once. It is the score of MedGround-Bench.
"""

INPUTS = """\
Args:
    predictions: one list of boxes per picture; a box is [x0, y0, x1, y1], half-open, in native image pixels.
        An empty list says that the method found nothing.
    references: one list of boxes per picture, in the same pixels as the predictions.

Returns:
    iou, f1, precision, recall: means over pictures, fractions 0..1. Both lists empty is 1, one of them empty is 0.
    n: the number of pictures.

Examples:
    >>> metric = evaluate.load("metrics/attribution_overlap")
    >>> metric.compute(predictions=[[[0, 0, 10, 10]]], references=[[[0, 0, 10, 20]]])
    {'iou': 0.5, 'f1': 0.6666666666666666, 'precision': 1.0, 'recall': 0.5, 'n': 1}
"""

CITATION = """\
@misc{medground_bench,
  title = {MedGround-Bench: causally validated visual attribution for chest X-rays},
  year = {2026}
}
"""

LARGEST_PX = 10**6
"""Side of the largest picture; a coordinate beyond it is no pixel."""

Boxes = list[list[float]]
"""The boxes of one picture, [x0, y0, x1, y1] each."""

Scores = dict[str, float | int | None]


@evaluate.utils.file_utils.add_start_docstrings(DESCRIPTION, INPUTS)
class AttributionOverlap(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """The module that `evaluate.load` finds."""

    def _info(self) -> evaluate.MetricInfo:
        boxes = datasets.List(datasets.List(datasets.Value("float64"), length=4))
        return evaluate.MetricInfo(
            description=DESCRIPTION,
            citation=CITATION,
            inputs_description=INPUTS,
            features=datasets.Features({"predictions": boxes, "references": boxes}),
        )

    def add(
        self,
        *,
        prediction: object = None,
        reference: object = None,
        predictions: object = None,
        references: object = None,
    ) -> None:
        """Add one picture: its predicted boxes and its reference boxes.

        predictions, references  the same under the names by which `evaluate.combine` hands one picture on
        """
        predicted = _boxes(prediction if predictions is None else predictions, "prediction")
        expected = _boxes(reference if references is None else references, "reference")
        super().add(prediction=predicted, reference=expected)

    def add_batch(self, *, predictions: object = None, references: object = None) -> None:
        """Add pictures: a list of boxes for each, predicted and reference."""
        predicted, expected = _pictures(predictions, "predictions"), _pictures(references, "references")
        if len(predicted) != len(expected):
            raise ValueError(
                f"predictions has {len(predicted)} pictures and references has {len(expected)}: give one list of boxes "
                "per picture in both, in the same order. Nothing of them was added."
            )
        super().add_batch(predictions=predicted, references=expected)

    def compute(self, *, predictions: object = None, references: object = None) -> Scores:
        """Score what was added and, where given, these pictures; then start anew."""
        if predictions is None and references is None:
            if self.writer is None:
                raise ValueError(
                    "nothing was added, so there is nothing to compute. Call add or add_batch first, or give "
                    "predictions and references."
                )
        else:
            self.add_batch(predictions=predictions, references=references)
        scores: Scores = super().compute()
        return scores

    def _compute(self, predictions: Sequence[Boxes], references: Sequence[Boxes]) -> Scores:
        if not len(predictions):
            return {"iou": None, "f1": None, "precision": None, "recall": None, "n": 0}
        pairs = zip(predictions, references, strict=True)
        scores = [astuple(union_overlap(_corners(first), _corners(second))) for first, second in pairs]
        iou, precision, recall, f1 = (math.fsum(column) / len(scores) for column in zip(*scores, strict=True))
        return {"iou": iou, "f1": f1, "precision": precision, "recall": recall, "n": len(scores)}


def _corners(boxes: Boxes) -> list[tuple[float, float, float, float]]:
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes]


def _pictures(pictures: object, where: str) -> list[Boxes]:
    """One list of boxes per picture, as lists of floats."""
    if pictures is None:
        raise ValueError(f"{where} is None: give a list with one list of boxes per picture.")
    return [
        _boxes(boxes, f"{where}[{row}]")
        for row, boxes in enumerate(_items(pictures, where, "a list of pictures"))
    ]


def _boxes(boxes: object, where: str) -> Boxes:
    """The boxes of one picture, as lists of floats."""
    if boxes is None:
        raise ValueError(f"{where} is None: give a list of boxes, [] when there is none.")
    return [
        _box(box, f"{where}[{place}]")
        for place, box in enumerate(_items(boxes, where, "the boxes of a picture"))
    ]


def _box(box: object, where: str) -> list[float]:
    if box is None:
        raise ValueError(f"{where} is None: a box is 4 numbers [x0, y0, x1, y1].")
    sides = _items(box, where, "a box")
    numbers = [side for side in sides if isinstance(side, Real) and not isinstance(side, bool)]
    if len(numbers) != 4 or len(sides) != 4:
        raise ValueError(
            f"{where} is {_short(sides)}, of length {len(sides)}: a box is 4 numbers [x0, y0, x1, y1]."
        )
    if not all(_is_pixel(side) for side in numbers):
        raise ValueError(f"{where} is {_short(sides)}: coordinates are finite pixels, at most {LARGEST_PX}.")
    x0, y0, x1, y1 = corners = [float(side) for side in numbers]
    if not (x0 < x1 and y0 < y1):
        raise ValueError(
            f"{where} is {_short(sides)}: it needs x0 < x1 and y0 < y1 (not [x, y, width, height])."
        )
    return corners


def _is_pixel(number: Real) -> bool:
    try:
        return abs(float(number)) <= LARGEST_PX
    except OverflowError:
        return False


def _items(values: object, where: str, what: str) -> list[object]:
    """What a list, a tuple, an array, a tensor or a generator holds."""
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, str | bytes | Mapping | Set) or not isinstance(values, Iterable):
        raise ValueError(
            f"{where} is {_short(values)}, not {what}. Predictions and references are lists of pictures, a picture is "
            "a list of boxes, and a box is [x0, y0, x1, y1]."
        )
    return list(values)


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."
