"""Means whose spread is that of images: the questions about one picture stand or fall together. Pure: no randomness.

A mean over cases is a ratio, of the images' sums to their numbers of cases. Its error is that of the linearised ratio,
each image's residual corrected for its own part in the mean (CR2). The interval is a t interval with Kish's effective
number of images, less one, as degrees of freedom; of a mean on the log-odds scale, which keeps it within 0..1 and mends
the skew, of a difference as it is. Chosen by simulation: docs/statistics.md has the table and how it is made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtr, stdtrit

LEVEL = 0.95
FEWEST_IMAGES = 6
"""With fewer no interval holds what it says, so none is given and nothing is compared."""

TOO_FEW = "too few images to separate any two"
"""What a table says of itself when it has fewer than `FEWEST_IMAGES`."""

ROUNDING = 1e-12
"""A variance this small, as a share of those that it is made of, is none."""

Numbers = NDArray[np.float64]


def sums_per_image(images: Sequence[tuple[str, str]], values: Numbers) -> tuple[Numbers, Numbers]:
    """Sum of the values and number of cases per image, images sorted.

    images  of every case: its source and image id
    values  (cases, measures)

    >>> sums, counts = sums_per_image([("a", "1"), ("a", "2"), ("a", "1")], np.array([[1.0], [2.0], [3.0]]))
    >>> sums.tolist(), counts.tolist()
    ([[4.0], [2.0]], [2.0, 1.0])
    """
    place = {image: row for row, image in enumerate(sorted(set(images)))}
    rows = np.array([place[image] for image in images])
    sums = np.zeros((len(place), values.shape[1]))
    np.add.at(sums, rows, values)
    return sums, np.bincount(rows, minlength=len(place)).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class ImageMeans:
    """Means over cases of several measures, with their covariance between images.

    means          (measures,)
    covariance     (measures, measures); NaN where `images` are fewer than `FEWEST_IMAGES`
    freedom        degrees of freedom of a t interval
    cases, images  how many there are

    >>> found = ImageMeans.of(np.array([[1.0], [0.5], [0.0], [1.0], [0.5], [0.3]]), np.ones(6))
    >>> [round(float(end), 2) for (end,) in (found.means, *found.ends())]
    [0.55, 0.19, 0.87]
    """

    means: Numbers
    covariance: Numbers
    freedom: float
    cases: int
    images: int

    @classmethod
    def of(cls, sums: Numbers, counts: Numbers) -> ImageMeans:
        """From what `sums_per_image` gives, (images, measures) and (images,)."""
        total, images = counts.sum(), len(counts)
        means = sums.sum(axis=0) / total
        share = counts / total
        freedom = float(1 / (share**2).sum() - 1)
        covariance = np.full((len(means), len(means)), np.nan)
        if images >= FEWEST_IMAGES:
            residuals = (sums - means * counts[:, None]) / np.sqrt(1 - share)[:, None] / total
            covariance = residuals.T @ residuals
        return cls(means, covariance, freedom, int(total), images)

    def ends(self) -> tuple[Numbers, Numbers]:
        """Lower and upper end of every mean's interval at `LEVEL`; NaN where images are too few or all alike."""
        variance = np.diag(self.covariance)
        return share_ends(
            self.means, np.where(variance > ROUNDING * self.means**2, variance, np.nan), self.freedom
        )

    def differences(self) -> tuple[Numbers, Numbers]:
        """Every mean minus every other, and the variance of that, (measures, measures); NaN as in `ends`."""
        own = np.diag(self.covariance)
        both = own[:, None] + own
        variance = both - 2 * self.covariance
        return self.means[:, None] - self.means, np.where(variance > ROUNDING * both, variance, np.nan)


def share_ends(means: Numbers, variance: Numbers, freedom: float) -> tuple[Numbers, Numbers]:
    """Ends of t intervals, on the log-odds scale, of means within 0..1; NaN where the variance is.

    >>> low, high = share_ends(np.array([0.5]), np.array([0.01]), freedom=10.0)
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.291, 0.709)
    """
    known = ~np.isnan(variance)
    inside = np.where(known, means, 0.5)
    reach = stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(variance) / (inside * (1 - inside))
    return expit(logit(inside) - reach), expit(logit(inside) + reach)


def difference_ends(differences: Numbers, variance: Numbers, freedom: float) -> tuple[Numbers, Numbers]:
    """Ends of t intervals of differences within -1..1, which have less skew to mend; NaN where the variance is.

    >>> low, high = difference_ends(np.array([0.2]), np.array([0.01]), freedom=10.0)
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (-0.023, 0.423)
    """
    reach = stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(variance)
    return np.maximum(differences - reach, -1), np.minimum(differences + reach, 1)


def p_values(differences: Numbers, variance: Numbers, freedom: float) -> Numbers:
    """Two-sided p; below 1 - `LEVEL` exactly where `difference_ends` leave out 0.

    >>> [round(float(p), 3) for p in p_values(np.array([0.0, 0.2]), np.array([0.01, 0.01]), freedom=10.0)]
    [1.0, 0.073]
    """
    found: Numbers = 2 * stdtr(freedom, -np.abs(differences) / np.sqrt(variance))
    return found


def holm(p: Numbers) -> Numbers:
    """Holm's correction: what each p is worth when all of them were looked at; NaN stays and counts as looked at.

    >>> [round(float(each), 3) for each in holm(np.array([0.01, 0.04, 0.03]))]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(np.nan_to_num(p, nan=1.0), kind="stable")
    corrected = np.empty(len(p))
    worth = np.nan_to_num(p[order], nan=1.0) * np.arange(len(p), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(worth), 1)
    return np.where(np.isnan(p), np.nan, corrected)
