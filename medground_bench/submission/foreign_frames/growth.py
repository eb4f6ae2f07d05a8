"""Whether boxes grow with their pictures, as native ones must, and how likely a coordinate system makes them. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medground_bench.submission.foreign_frames.coordinate_systems import CoordinateSystem, Corners
from medground_bench.submission.foreign_frames.written_boxes import Pile

HINT_FREEDOM, LEAST_FREEDOM = 3, 15
"""Degrees of freedom from which the exponent is a hint, and from which it can be evidence."""

ERRORS, FEW = 4.5, 50.0
"""Boxes ignore the size of their pictures by so many standard errors: 4.5 + 50 / degrees of freedom."""

HALF_WAY, SOME = 0.35, 0.2
"""Native boxes grow with exponent 1 and those of one input with 0: what is still near 0, and, with an error beyond it,
what hints at native ones."""

BLUR = 0.01
"""Scatter, in logarithms, that is granted to every measure, so that boxes without any decide nothing by rounding."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How the boxes of a finding grow with their pictures: length of a box ~ sqrt(area of the picture) ^ exponent.

    exponent  1 for native boxes, 0 or less for boxes of one model input; None where the pictures cannot tell
    images    pictures that speak

    >>> Growth(exponent=0.1, error=0.05, freedom=40, images=42).absent  # far from 1: boxes of one model input
    True
    >>> Growth(exponent=None, error=0.0, freedom=1, images=3).absent  # nobody can tell
    False
    """

    exponent: float | None
    error: float
    freedom: int
    images: int

    @property
    def absent(self) -> bool:
        """Whether boxes certainly ignore the size of their pictures, as those of one input do."""
        if self.exponent is None or self.freedom < LEAST_FREEDOM or self.exponent > HALF_WAY:
            return False
        return 1 - self.exponent > (ERRORS + FEW / self.freedom) * self.error

    @property
    def likely(self) -> bool:
        """Whether boxes seem to follow the size of their pictures, on whatever evidence there is."""
        return self.exponent is not None and self.exponent > SOME + self.error


def growth(pile: Pile) -> Growth:
    """Regression of where boxes lie and how large they are, relative to the picture, on the square root of its area.

    Within each finding, in logarithms; the slopes of centre x, centre y, width and height are averaged, each weighted
    by its precision, and the error of the average counts how they go together. A picture speaks once a finding, by the
    mean of its boxes, however many LVLMs were asked about it.

    >>> from medground_bench.core.types import Frame
    >>> from medground_bench.submission.foreign_frames.written_boxes import Written
    >>> frames = [Frame("native", width=500 * n, height=500 * n) for n in range(1, 19)]
    >>> cases = [Written(1, "c", "t", "vindr", "mass", str(f), f, (1,), ((50, 50, 90, 90),)) for f in frames]
    >>> growth(Pile.of(cases)).absent  # the same box in small and in large pictures
    True
    """
    measures, sizes, findings = _per_image(pile, pile.native)
    length = _within(np.log(sizes).mean(axis=1, keepdims=True), findings)[:, 0]
    measures = _within(measures, findings)
    freedom = len(length) - len(set(findings.tolist())) - 1
    spread = float(length @ length)
    if freedom < HINT_FREEDOM or spread < 1e-6 * len(length):
        return Growth(None, 0.0, freedom, len(length))
    slopes = length @ measures / spread
    left = measures - np.outer(length, slopes)
    scatter = left.T @ left / freedom + BLUR**2 * np.eye(4)
    weights = 1 / np.diag(scatter)
    weights /= weights.sum()
    error = math.sqrt(float(weights @ scatter @ weights) / spread)
    return Growth(1 + float(weights @ slopes), error, freedom, len(length))


def likelihood(system: CoordinateSystem, pile: Pile) -> float:
    """Log-likelihood, up to a constant, of the logarithms of widths and heights within findings, normal scatter.

    Boxes of the same finding have similar sizes in the system that they were written in. Systems that differ by a
    constant factor are equally likely; those that treat pictures of another size or shape differently are told apart
    as soon as there are such pictures. Means of findings cost a degree of freedom each (restricted likelihood).

    >>> from medground_bench.core.types import Frame
    >>> from medground_bench.submission.foreign_frames.coordinate_systems import Pixels, Square
    >>> from medground_bench.submission.foreign_frames.written_boxes import Written
    >>> frames = [Frame("native", width=1000 * n, height=1000) for n in (1, 2, 3)]
    >>> cases = [Written(1, "c", "t", "vindr", "mass", str(f), f, (1,), ((50, 50, 90, 90),)) for f in frames]
    >>> likelihood(Square(224), Pile.of(cases)) > likelihood(Pixels(1), Pile.of(cases))  # all boxes are alike
    True
    """
    measures, _sizes, findings = _per_image(pile, system.shares(pile.corners, pile.sizes))
    lengths = _within(measures[:, 2:], findings)
    freedom = max(1, len(lengths) - len(set(findings.tolist())))
    scatter = lengths.T @ lengths / freedom + BLUR**2 * np.eye(2)
    return -freedom / 2 * float(np.log(np.linalg.det(scatter)))


def _per_image(
    pile: Pile, shares: Corners
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """A row for every finding in a picture: logarithms of the mean box, size of the picture, number of the finding."""
    places: dict[tuple[str, str, str], int] = {}
    findings: dict[tuple[str, str], int] = {}
    of_case: list[int] = []
    of_place: list[int] = []
    for case in pile.cases:
        place = places.setdefault((case.source, case.image_id, case.finding), len(places))
        if place == len(of_place):
            of_place.append(findings.setdefault((case.source, case.finding), len(findings)))
        of_case.append(place)
    owner = np.array(of_case, np.intp)[pile.owner]
    counts = np.bincount(owner)
    columns = np.concatenate([shares, pile.sizes], axis=1).T
    x0, y0, x1, y1, width, height = (np.bincount(owner, column) / counts for column in columns)
    measures = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], axis=1)
    return np.log(np.maximum(measures, 1e-4)), np.stack([width, height], axis=1), np.array(of_place, np.intp)


def _within(values: NDArray[np.float64], groups: NDArray[np.intp]) -> NDArray[np.float64]:
    """The values less the mean of their group."""
    _names, group = np.unique(groups, return_inverse=True)
    counts = np.bincount(group)
    means = np.stack([np.bincount(group, column) / counts for column in values.T], axis=1)
    centred: NDArray[np.float64] = values - means[group]
    return centred
