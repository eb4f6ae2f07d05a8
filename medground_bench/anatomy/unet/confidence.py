"""How sure the network is of what it found, told as the box IoU to expect.

Sureness of a concept is how well its probabilities agree with its own mask: their sum inside, over the pixels of the
mask and the probabilities outside it (a soft IoU; Dice with itself in other words). Isotonic regression on renders
turns it into the mean box IoU of pictures that look as sure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import expit

from medground_bench.anatomy.unet.shipped import MODELS
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.types import Mask

CALIBRATION = "calibration.json"
THINNED = 2
"""Every so many pixels count in either direction: ample for a sum."""
KNOTS = 12
"""Points that a curve is kept as: means over equal shares of the pictures, so that no picture decides alone."""


def sureness(logits: NDArray[np.float32], masks: Mapping[str, Mask]) -> dict[str, float]:
    """0..1 of every concept that has a mask; logits (11, H, W) in the order of CONCEPTS.

    >>> logits = np.full((11, 4, 4), -9.0, np.float32)
    >>> logits[0] = 9
    >>> round(sureness(logits, {"cardiac silhouette": np.ones((4, 4), bool)})["cardiac silhouette"], 3)
    1.0
    """
    sure = {}
    for concept, plane in zip(CONCEPTS, logits[:, ::THINNED, ::THINNED], strict=True):
        if concept in masks and masks[concept].any():
            likely, mask = expit(plane), masks[concept][::THINNED, ::THINNED]
            sure[concept] = float(likely[mask].sum() / (mask.sum() + likely[~mask].sum()))
    return sure


@dataclass(frozen=True)
class IouCalibration:
    """Concept -> (sureness, expected box IoU) at a few points, both rising."""

    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]

    @classmethod
    def fitted(cls, pairs: Mapping[str, Sequence[tuple[float, float]]]) -> IouCalibration:
        """From (sureness, box IoU) of many pictures, by concept."""
        return cls({concept: _curve(np.array(rows)) for concept, rows in pairs.items()})

    def expected_iou(self, sure: Mapping[str, float]) -> dict[str, float]:
        """Of every concept that was found at all.

        >>> IouCalibration({"left lung": ((0.5, 1.0), (0.0, 0.9))}).expected_iou({"left lung": 0.75})
        {'left lung': 0.45}
        """
        return {
            concept: round(float(np.interp(value, *self.curves[concept])), 4)
            for concept, value in sure.items()
        }


@cache
def shipped_calibration(name: str) -> IouCalibration:
    """Of a shipped network."""
    curves = json.loads((MODELS / name / CALIBRATION).read_text("utf-8"))["curves"]
    return IouCalibration({concept: (x, y) for concept, (x, y) in curves.items()})


def _curve(rows: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Isotonic regression, told at a few quantiles."""
    x, y = rows[np.argsort(rows[:, 0], kind="stable")].T
    smooth = isotonic_regression(y).x
    shares = np.array_split(np.arange(len(x)), min(KNOTS, len(x)))
    return [round(float(x[each].mean()), 4) for each in shares], [
        round(float(smooth[each].mean()), 4) for each in shares
    ]
