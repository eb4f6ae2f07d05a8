"""Two methods on the same cases: is one better? Pure: numpy and scipy only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from medground_bench.core.intervals import ImageMeans, Numbers, difference_ends, p_values, sums_per_image
from medground_bench.core.scoring import CaseScore


@dataclass(frozen=True, slots=True)
class Difference:
    """First method minus second on the same cases.

    low, high  interval at `LEVEL`, by image; None where images are too few or all differences alike
    p_value    two-sided, of the same t statistic: below .05 exactly where the interval leaves out 0; None as above

    >>> gain = Difference("iou", cases=90, images=60, mean=0.1, low=-0.02, high=0.2, p_value=0.08)
    >>> gain.low < 0 < gain.high  # it may be none
    True
    """

    measure: str
    cases: int
    images: int
    mean: float
    low: float | None
    high: float | None
    p_value: float | None


def compare(first: Iterable[CaseScore], second: Iterable[CaseScore], *, measure: str = "iou") -> Difference:
    """Paired difference of one measure between two methods scored on the same cases; ValueError if not.

    >>> from medground_bench.core.unions import FULL, NONE
    >>> def scores(overlap):
    ...     return [
    ...         CaseScore(f"c{i}", "vindr", f"i{i}", "medgemma", "direct", "mass", overlap, True, 1, 0.1)
    ...         for i in range(8)
    ...     ]
    >>> found = compare(scores(FULL)[:6] + scores(NONE)[6:], scores(NONE))
    >>> found.mean, round(found.low, 2), round(found.p_value, 4)
    (0.75, 0.36, 0.0025)
    """
    found = means_together([first, second], measure)
    differences, variance = (both[0, 1:] for both in found.differences())
    low, high = difference_ends(differences, variance, found.freedom)
    return Difference(
        measure=measure,
        cases=found.cases,
        images=found.images,
        mean=float(differences[0]),
        low=_known(low),
        high=_known(high),
        p_value=_known(p_values(differences, variance, found.freedom)),
    )


def means_together(methods: Sequence[Iterable[CaseScore]], measure: str = "iou") -> ImageMeans:
    """The means of several methods on the same cases, with what they share; ValueError where the cases differ.

    >>> from medground_bench.core.unions import FULL
    >>> one = CaseScore("c", "vindr", "i", "medgemma", "direct", "mass", FULL, predicted=True, boxes=1, covered=0.1)
    >>> means_together([[one], [one], [one]]).means.tolist()
    [1.0, 1.0, 1.0]
    """
    by_case = [{score.case_id: score for score in scores} for scores in methods]
    cases = sorted(by_case[0])
    for other in by_case:
        if other.keys() != by_case[0].keys() or not cases:
            raise ValueError(
                f"a paired comparison needs the same cases: {len(cases)} here, {len(other)} there"
            )
    values = np.array([[getattr(scores[case].overlap, measure) for scores in by_case] for case in cases])
    images = [(by_case[0][case].source, by_case[0][case].image_id) for case in cases]
    return ImageMeans.of(*sums_per_image(images, values))


def _known(values: Numbers) -> float | None:
    return None if np.isnan(values[0]) else float(values[0])
