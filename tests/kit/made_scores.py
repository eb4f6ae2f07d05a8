"""Scores of made-up methods on made-up images, whose true means are known.

Scores are shares 0..1 as overlaps are: skewed, with zeros. Cases of one image share a part of what decides them (the
intraclass correlation, on the normal scale behind the scores), and so do methods on one case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr

from medground_bench.core.scoring import CaseScore
from medground_bench.core.unions import Overlap

GRID = np.linspace(0, 1, 4001)
Numbers = NDArray[np.float64]


def _shape(a: float, b: float, zeros: float = 0.0) -> Numbers:
    return np.where(zeros > GRID, 0.0, betaincinv(a, b, np.clip((GRID - zeros) / (1 - zeros), 0, 1)))


SHAPES = {
    "as IoU mostly is": _shape(1, 2.5),
    "low": _shape(0.5, 4),
    "30 % zeros": _shape(1.2, 2, 0.3),
    "60 % zeros": _shape(1.2, 2, 0.6),
    "high": _shape(4, 1.5),
}
"""Name -> quantiles of the scores on `GRID`."""

ALIKE = (0.0, 0.3, 0.6)
"""Intraclass correlations."""

SIZES = ("one a picture", "one to eight", "mostly few, some many")
"""How many cases pictures have."""


def true_mean(shape: str) -> float:
    """What all scores of a shape average to."""
    return float(np.trapezoid(SHAPES[shape], GRID))


@dataclass(frozen=True, slots=True)
class Sample:
    """Boards drawn alike: `sums` (boards, images, methods), `counts` (boards, images)."""

    sums: Numbers
    counts: Numbers


def drawn(
    rng: np.random.Generator, boards: int, images: int, shapes: list[str], alike: float, sizes: str
) -> Sample:
    """Boards with a method of each shape; methods share half of what decides a case."""
    counts = _counts(rng, (boards, images), sizes)
    sums = np.zeros((boards, images, len(shapes)))
    of_image = _shared(rng, sums.shape)
    for case in range(int(counts.max())):
        scores = ndtr(np.sqrt(alike) * of_image + np.sqrt(1 - alike) * _shared(rng, sums.shape))
        for place, shape in enumerate(shapes):
            value = np.interp(scores[..., place], GRID, SHAPES[shape])
            sums[..., place] += np.where(case < counts, value, 0)
    return Sample(sums, counts.astype(np.float64))


def as_scores(sums: Numbers, counts: Numbers) -> list[CaseScore]:
    """Cases of one method on one board that have these sums; those of an image are all its mean."""
    return [
        _score(f"{image:04}", case, float(total / count))
        for image, (total, count) in enumerate(zip(sums, counts, strict=True))
        for case in range(int(count))
    ]


def _score(image: str, case: int, value: float) -> CaseScore:
    return CaseScore(
        case_id=f"{image}/{case}",
        source="made",
        image_id=image,
        lvlm="tiny",
        mode="direct",
        finding="mass",
        overlap=Overlap(value, value, value, value),
        predicted=True,
        boxes=1,
        covered=value,
    )


def _counts(rng: np.random.Generator, size: tuple[int, int], sizes: str) -> NDArray[np.int64]:
    if sizes == SIZES[0]:
        return np.ones(size, np.int64)
    if sizes == SIZES[1]:
        return rng.integers(1, 9, size=size)
    return np.minimum(24, rng.geometric(0.25, size=size))


def _shared(rng: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    """Standard normal, of which half the variance is common to the last axis."""
    common = rng.standard_normal((*shape[:-1], 1))
    return np.sqrt(0.5) * (common + rng.standard_normal(shape))
