"""Means whose spread is that of images: the questions about one picture stand or fall together. Pure: numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
"""Bootstrap samples of an interval, and sign flips of a paired test."""

LEVEL = 0.95
DRAWS_AT_ONCE = 4_000_000
"""Drawn images held in memory at once."""


def sums_per_image(
    images: Sequence[tuple[str, str]], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def resampled_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Case means (RESAMPLES, measures) of that many draws of images with replacement.

    >>> means = resampled_means(np.array([[4.0], [2.0]]), np.array([2.0, 1.0]), np.random.default_rng(0))
    >>> means.shape, float(means.min()), float(means.max())
    ((1000, 1), 2.0, 2.0)
    """
    images = len(sums)
    rounds = max(1, DRAWS_AT_ONCE // images)
    means = []
    for start in range(0, RESAMPLES, rounds):
        draws = min(rounds, RESAMPLES - start)
        drawn = rng.integers(images, size=(draws, images)) + np.arange(draws)[:, None] * images
        times = np.bincount(drawn.ravel(), minlength=draws * images).reshape(draws, images)
        means.append((times @ sums) / (times @ counts)[:, None])
    return np.concatenate(means)


def tails() -> tuple[float, float]:
    """The quantiles between which an interval at `LEVEL` lies.

    >>> [round(tail, 3) for tail in tails()]
    [0.025, 0.975]
    """
    return (1 - LEVEL) / 2, (1 + LEVEL) / 2
