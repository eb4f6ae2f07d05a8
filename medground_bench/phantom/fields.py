"""Values at the points of a picture: soft edges, bells and noise, and single numbers that leave float32 as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]
"""float32 at the pixels of a picture, float64 at points drawn to place a finding."""


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """One draw as a Python float, so that float32 arrays stay float32."""
    return float(rng.uniform(low, high))


def soft_step(distance: Float, softness: float) -> Float:
    """0 outside to 1 inside across an edge at distance 0; exactly 0 or 1 beyond 1.5 softness."""
    ramp: Float = np.clip(distance * (1 / (3 * softness)) + 0.5, 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def bell(distance: Float | float, sigma: Float | float) -> Float:
    """Gaussian of a distance, peak 1."""
    height: Float = np.exp(-0.5 * np.square(distance / sigma))
    return height


def rounded_minimum(one: Float, other: Float, *, rounding: float) -> Float:
    """The smaller of two distances, with a rounded corner where they are about equal."""
    share: Float = np.clip(0.5 + 0.5 / rounding * (other - one), 0, 1)
    return other + (one - other) * share - rounding * share * (1 - share)


def smooth_noise(rng: np.random.Generator, *, cells: int, side_px: int) -> Float:
    """Smooth noise of unit variance on a fixed grid of cells, so that it looks the same at every picture size."""
    knots = rng.standard_normal((cells, cells))
    position = (np.arange(side_px)[:, None] + 0.5) / side_px * cells - 0.5
    weights = np.exp(-0.5 * np.square(position - np.arange(cells)[None, :]))
    weights /= np.sqrt(np.square(weights).sum(axis=1, keepdims=True))
    return (weights @ knots @ weights.T).astype(np.float32)
