"""Random training batches: photometric changes, and rectangles erased together with what they hid.

Erasing teaches a model that a blacked-out region shows nothing, so that hiding a region later means what it should.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from medground_bench.training.lvlms.architecture import TOKENS_PER_SIDE
from medground_bench.training.lvlms.training_set import TrainingSet

ERASED_SHARE = 0.33
"""Share of pictures that lose a rectangle."""

STILL_PRESENT, NO_LONGER_PRESENT = 0.65, 0.3
"""A finding with more than the first share of it left is present, with less than the second absent."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Augmented pictures (B, 112, 112) in -1..1, coverage (B, 64, findings) 0..1, and labels (B, findings).

    A finding is `present` or `absent`; one that is partly erased is neither and is not asked about. `marker` (B, 64) is
    the share of the side marker on each token, 0..1.
    """

    pictures: Tensor
    coverage: Tensor
    present: Tensor
    absent: Tensor
    regions: Tensor
    marker: Tensor


def draw_batch(data: TrainingSet, size: int, rng: np.random.Generator) -> Batch:
    """A random batch with photometric changes and, now and then, an erased rectangle."""
    rows = rng.integers(0, len(data), size)
    coverage = torch.from_numpy(data.coverage[rows]).float() / 255
    pictures = photometric(grey_to_unit(data.pictures[rows]), rng)
    intact = erase(pictures, rng)
    before = coverage.sum(dim=(1, 2)).clamp_min(1e-6)
    coverage = coverage * intact[..., None]
    left = coverage.sum(dim=(1, 2)) / before
    present = torch.from_numpy(data.present[rows])
    return Batch(
        pictures=pictures,
        coverage=coverage.flatten(1, 2),
        present=present & (left > STILL_PRESENT),
        absent=~present | (left < NO_LONGER_PRESENT),
        regions=torch.from_numpy(data.regions[rows]),
        marker=(torch.from_numpy(data.marker[rows]).float() / 255 * intact).flatten(1),
    )


def grey_to_unit(pictures: NDArray[np.uint8]) -> Tensor:
    """Grey levels 0..255 -> -1..1, as both picture processors do."""
    return torch.from_numpy(pictures).float() / 127.5 - 1


def photometric(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Gain, offset, noise and a light blur of pictures (B, H, W) in -1..1; nothing that moves a finding."""
    size = (len(pictures), 1, 1)

    def normal() -> Tensor:
        return torch.from_numpy(rng.standard_normal(size, dtype=np.float32))

    noise = torch.from_numpy(rng.standard_normal(pictures.shape, dtype=np.float32))
    blurred = functional.avg_pool2d(pictures[:, None], 3, 1, 1, count_include_pad=False)[:, 0]
    share = torch.from_numpy(rng.random(size, dtype=np.float32)) * 0.7
    pictures = torch.lerp(pictures, blurred, share)
    out = pictures * (1 + 0.1 * normal()) + 0.06 * normal() + 0.03 * normal().abs() * noise
    return out.clamp(-1, 1)


def erase(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Paint a rectangle on some pictures, in place; returns the share (B, 8, 8) of each token's cell that is left."""
    height, width = pictures.shape[1:]
    left = torch.ones_like(pictures)
    for i in range(len(pictures)):
        if rng.random() < ERASED_SHARE:
            w, h = rng.uniform(0.1, 0.55, 2) * (width, height)
            x, y = rng.uniform(0, 1, 2) * (width - w, height - h)
            area = np.s_[int(y) : int(y + h), int(x) : int(x + w)]
            fill = -1.0 if rng.random() < 0.7 else float(pictures[i].mean())
            pictures[i][area] = fill
            left[i][area] = 0
    return functional.avg_pool2d(left[:, None], height // TOKENS_PER_SIDE)[:, 0]
