"""What is kept of a case of a row: the numbers of which all measures are made (`case_scores`)."""

from __future__ import annotations

from medground_bench.core.scoring import CaseScore

NUMBERS = ("iou", "precision", "recall", "f1", "boxes", "covered", "seconds")


def numbers_of(score: CaseScore, seconds: float | None) -> list[float | None]:
    """The `NUMBERS` of a case: no boxes where nothing was predicted, no seconds where nobody took them."""
    overlap = score.overlap
    boxes = score.boxes if score.predicted else None
    return [overlap.iou, overlap.precision, overlap.recall, overlap.f1, boxes, score.covered, seconds]
