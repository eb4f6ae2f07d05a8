"""Attribution overlap: how well predicted boxes cover the boxes of the evidence, as an `evaluate` module.

Thin over `medground_bench.scoring`: the module checks what `datasets` lets through and averages over pictures.
"""

import math
from dataclasses import astuple

import datasets
import evaluate

from medground_bench.scoring import overlap
from medground_bench.types import Box, Frame

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

PLANE = Frame("native", width=LARGEST_PX, height=LARGEST_PX)


@evaluate.utils.file_utils.add_start_docstrings(DESCRIPTION, INPUTS)
class AttributionOverlap(evaluate.Metric):
    """The module that `evaluate.load` finds."""

    def _info(self):
        boxes = datasets.List(datasets.List(datasets.Value("float64"), length=4))
        return evaluate.MetricInfo(
            description=DESCRIPTION,
            citation=CITATION,
            inputs_description=INPUTS,
            features=datasets.Features({"predictions": boxes, "references": boxes}),
        )

    def _compute(self, predictions, references):
        if not len(predictions):
            return {"iou": None, "f1": None, "precision": None, "recall": None, "n": 0}
        scores = [
            astuple(overlap(_boxes(predicted, "predictions", row), _boxes(reference, "references", row)))
            for row, (predicted, reference) in enumerate(zip(predictions, references, strict=True))
        ]
        iou, precision, recall, f1 = (math.fsum(column) / len(scores) for column in zip(*scores, strict=True))
        return {"iou": iou, "f1": f1, "precision": precision, "recall": recall, "n": len(scores)}


def _boxes(boxes, column, row):
    if boxes is None:
        raise ValueError(f"{column}[{row}] is None. Say [] when there is no box.")
    return [_box(box, f"{column}[{row}][{place}]") for place, box in enumerate(boxes)]


def _box(box, where):
    if box is None or any(side is None for side in box):
        raise ValueError(f"{where} is {box}: a box is 4 numbers [x0, y0, x1, y1].")
    x0, y0, x1, y1 = box
    if not all(math.isfinite(side) and abs(side) <= LARGEST_PX for side in box):
        raise ValueError(f"{where} is {box}: coordinates are finite pixels, at most {LARGEST_PX}.")
    if not (x0 < x1 and y0 < y1):
        raise ValueError(f"{where} is {box}: it needs x0 < x1 and y0 < y1 (not [x, y, width, height]).")
    return Box(x0, y0, x1, y1, PLANE)
