"""Ranks as sets: between which places a method stands, as far as the cases can tell. Pure: no randomness.

Every pair of methods is compared by `core.intervals`, and all pairs are corrected by Holm, so that in 95 of 100
boards no method is said to be better than another that is as good. A method's best place comes after those that are
better, its last before those that are worse; between lie its equals. With fewer than `FEWEST_IMAGES` images everybody
is everybody's equal. The studentised maximum over a bootstrap of images was tried too, and errs far more often where
images are few (docs/statistics.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from medground_bench.core.comparison import means_together
from medground_bench.core.intervals import LEVEL, ImageMeans, holm, p_values
from medground_bench.core.scoring import CaseScore


@dataclass(frozen=True, slots=True)
class RankSet:
    """The places, best to last, from 1, that a method may have.

    >>> str(RankSet(2, 5)), str(RankSet(1, 1))
    ('2 to 5', '1')
    """

    best: int
    last: int

    def __str__(self) -> str:
        """For people."""
        return str(self.best) if self.best == self.last else f"{self.best} to {self.last}"


def rank_sets(methods: Mapping[str, Iterable[CaseScore]], measure: str = "iou") -> dict[str, RankSet]:
    """Method -> its places; ValueError where two were scored on different cases.

    >>> from medground_bench.core.unions import FULL, NONE
    >>> def scores(hits):
    ...     found = [FULL] * hits + [NONE] * (40 - hits)
    ...     return [
    ...         CaseScore(f"c{i}", "vindr", f"i{i}", "medgemma", "direct", "mass", each, True, 1, 0.1)
    ...         for i, each in enumerate(found)
    ...     ]
    >>> {name: str(places) for name, places in rank_sets({"a": scores(30), "b": scores(28), "c": scores(4)}).items()}
    {'a': '1 to 2', 'b': '1 to 2', 'c': '3'}
    """
    if not methods:
        return {}
    return dict(zip(methods, places(means_together(list(methods.values()), measure)), strict=True))


def places(found: ImageMeans) -> list[RankSet]:
    """The places of each of several means, the highest first.

    >>> [str(each) for each in places(ImageMeans.of(np.array([[1.0, 0.0], [0.5, 0.5]]), np.ones(2)))]
    ['1 to 2', '1 to 2']
    """
    differences, variance = found.differences()
    several = len(differences)
    above, below = np.triu_indices(several, 1)
    corrected = holm(p_values(differences[above, below], variance[above, below], found.freedom))
    apart = np.zeros((several, several), dtype=bool)
    apart[above, below] = apart[below, above] = corrected < 1 - LEVEL
    better = apart & (differences > 0)
    return [
        RankSet(1 + int(above_it), several - int(below_it))
        for above_it, below_it in zip(better.sum(axis=0), better.sum(axis=1), strict=True)
    ]


def separable(ranks: Iterable[RankSet]) -> bool:
    """Whether any method is better than another.

    >>> separable([RankSet(1, 2), RankSet(1, 2)]), separable([RankSet(1, 1), RankSet(2, 2)])
    (False, True)
    """
    return len(set(ranks)) > 1
