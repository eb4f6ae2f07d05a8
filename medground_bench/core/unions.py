"""Areas of two unions of boxes, and how well one union covers the other. Pure: numpy alone, and no other file of ours.

The metric on the hub carries this file as it stands, so that its number and the board's are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Corners = tuple[float, float, float, float]
"""x0, y0, x1, y1: left, top, right, bottom; half-open."""

CELLS_AT_ONCE = 4_000_000
"""Cells of the compressed coordinate grid held in memory at once; more boxes take more rounds, not memory."""


@dataclass(frozen=True, slots=True)
class CoverAreas:
    """Square pixels covered by the first boxes, by the second boxes, and by both.

    >>> areas = CoverAreas(first=100.0, second=200.0, both=50.0)
    >>> areas.both / (areas.first + areas.second - areas.both)
    0.2
    """

    first: float
    second: float
    both: float


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


def union_areas(first: Sequence[Corners], second: Sequence[Corners]) -> CoverAreas:
    """The three areas that every overlap score is made of; corners are pixels of one frame.

    Exact: the plane is cut at every box edge, and each cell is inside or outside (coordinate compression). Time
    grows with the square of the number of boxes, memory is bounded.

    >>> union_areas([(0, 0, 10, 10), (0, 0, 10, 10)], [(5, 0, 25, 10)])
    CoverAreas(first=100.0, second=200.0, both=50.0)
    """
    a, b = (np.array(boxes, dtype=np.float64).reshape(-1, 4) for boxes in (first, second))
    edges = np.concatenate([a, b])
    xs, ys = np.unique(edges[:, 0::2]), np.unique(edges[:, 1::2])
    rows = max(1, CELLS_AT_ONCE // max(1, len(xs)))
    totals = np.zeros(3)
    for start in range(0, max(0, len(ys) - 1), rows):
        strip = ys[start : start + rows + 1]
        covered_a, covered_b = _covered(a, xs, strip), _covered(b, xs, strip)
        heights, widths = np.diff(strip), np.diff(xs)
        for slot, cells in enumerate((covered_a, covered_b, covered_a & covered_b)):
            totals[slot] += heights @ (cells @ widths)
    return CoverAreas(*(float(total) for total in totals))


def union_overlap(predicted: Sequence[Corners], reference: Sequence[Corners]) -> Overlap:
    """Overlap of two unions of boxes; repeated or overlapping boxes count once.

    Both empty is a perfect score, one empty (or without area in floating point) scores 0.

    >>> union_overlap([(0, 0, 10, 10)], [(0, 0, 10, 20)]).iou
    0.5
    >>> union_overlap([], []).iou, union_overlap([], [(0, 0, 10, 20)]).iou
    (1.0, 0.0)
    """
    if not len(predicted) or not len(reference):
        return FULL if len(predicted) == len(reference) else NONE
    areas = union_areas(predicted, reference)
    if not areas.first or not areas.second:
        return NONE
    return Overlap(
        iou=areas.both / (areas.first + areas.second - areas.both),
        precision=areas.both / areas.first,
        recall=areas.both / areas.second,
        f1=2 * areas.both / (areas.first + areas.second),
    )


def _covered(
    boxes: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> NDArray[np.bool_]:
    left, right = np.searchsorted(xs, boxes[:, 0]), np.searchsorted(xs, boxes[:, 2])
    top, bottom = (np.minimum(np.searchsorted(ys, boxes[:, side]), len(ys) - 1) for side in (1, 3))
    change = np.zeros((len(ys), len(xs)), dtype=np.int32)
    for rows, columns, sign in (
        (top, left, 1),
        (bottom, right, 1),
        (top, right, -1),
        (bottom, left, -1),
    ):
        np.add.at(change, (rows, columns), sign)
    depth: NDArray[np.int32] = change.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    return depth[:-1, :-1] > 0
