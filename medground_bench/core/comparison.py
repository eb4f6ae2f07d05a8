"""Two methods on the same cases: is one better? Pure: numpy only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medground_bench.core.resampling import RESAMPLES, resampled_means, sums_per_image, tails
from medground_bench.core.scoring import CaseScore

ROUNDING = 1e-12
"""Two sums of scores closer than this are equal."""


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

    >>> from medground_bench.core.unions import FULL
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
    sums, counts = sums_per_image([(score.source, score.image_id) for score in ordered], gains)
    resampled = resampled_means(sums, counts, rng)
    low, high = np.quantile(resampled[:, 0], tails())
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
