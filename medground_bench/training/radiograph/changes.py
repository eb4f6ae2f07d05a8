"""Findings put into the body: what the soft tissue at a point of the scan becomes.

Each says how far air gives way at a point, so only the shadow of the finding itself changes on the picture: with
`film.film` the same rays without it are the exact counterfactual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from medground_bench.training.radiograph.chest import SHADOWS, LabelledChest

FILLED = 1.03
"""Density of lung without air."""


class TissueChange(Protocol):
    """One finding."""

    def share(self, chest: LabelledChest, points: Tensor) -> Tensor:
        """(...) 0..1, how far air gives way at points (..., 3) of the scan; lungs alone are changed."""
        ...


@dataclass(frozen=True)
class PutNodule:
    """A ball; `at_mm` is a point of the scan."""

    at_mm: tuple[float, float, float]
    radius_mm: float
    side: str

    def share(self, chest: LabelledChest, points: Tensor) -> Tensor:
        """A firm ball with an edge of a millimetre."""
        away = torch.linalg.vector_norm(points - torch.tensor(self.at_mm), dim=-1)
        return _cut(torch.sigmoid((self.radius_mm - away) / 0.9)) * _lung(chest, points, self.side)


@dataclass(frozen=True)
class PutConsolidation:
    """An ellipsoid with a soft edge, not quite airless."""

    at_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    strength: float
    side: str

    def share(self, chest: LabelledChest, points: Tensor) -> Tensor:
        """Densest in the middle."""
        away = torch.linalg.vector_norm(
            (points - torch.tensor(self.at_mm)) / torch.tensor(self.radii_mm), dim=-1
        )
        return self.strength * _cut(torch.sigmoid((1 - away) / 0.16)) * _lung(chest, points, self.side)


@dataclass(frozen=True)
class PutEffusion:
    """Fluid up to a height of the scan, higher along the wall."""

    level_mm: float
    meniscus_mm: float
    side: str

    def share(self, chest: LabelledChest, points: Tensor) -> Tensor:
        """Everything below its surface."""
        outwards = ((points[..., 0] - chest.spine_mm).abs() / 130).clamp(0, 1)
        surface = self.level_mm + self.meniscus_mm * outwards**4
        return _cut(torch.sigmoid((surface - points[..., 2]) / 2.0)) * _lung(chest, points, self.side)


@dataclass(frozen=True)
class PutWhiteLung:
    """A lung that holds no air, or little."""

    strength: float
    side: str

    def share(self, chest: LabelledChest, points: Tensor) -> Tensor:
        """The whole lung alike."""
        return self.strength * _lung(chest, points, self.side)


def changed(soft: Tensor, share: Tensor) -> Tensor:
    """Soft tissue (...) after air gave way by a share; what is denser already stays."""
    return soft + share * (FILLED - soft).clamp(min=0)


def sample_changes(chest: LabelledChest, rng: np.random.Generator) -> tuple[TissueChange, ...]:
    """One or two findings in random places of the lungs."""
    return tuple(_sample_change(chest, rng) for _ in range(1 + (rng.random() < 0.3)))


def _sample_change(chest: LabelledChest, rng: np.random.Generator) -> TissueChange:
    side = str(rng.choice(["right", "left"]))
    places = chest.places_mm(f"{side} lung")
    x, y, z = rng.choice(places).tolist()
    kind = rng.choice(["nodule", "consolidation", "effusion", "white"], p=[0.25, 0.35, 0.3, 0.1])
    if kind == "nodule":
        return PutNodule((x, y, z), rng.uniform(6, 16), side)
    if kind == "consolidation":
        wide, deep, tall = rng.uniform(20, 60, 3).tolist()
        return PutConsolidation((x, y, z), (wide, deep, tall), rng.uniform(0.4, 1.0), side)
    if kind == "effusion":
        low, high = np.quantile(places[:, 2], [0.05, 0.6])
        return PutEffusion(rng.uniform(low, high), rng.uniform(10, 50), side)
    return PutWhiteLung(rng.uniform(0.5, 1.0), side)


def _lung(chest: LabelledChest, points: Tensor, side: str) -> Tensor:
    channel = SHADOWS.index(f"{side} lung")
    return (2 * chest.sample(chest.labels[channel : channel + 1], points)[0]).clamp(0, 1)


def _cut(share: Tensor) -> Tensor:
    """Exactly 0 where next to nothing is, so that nothing far away changes."""
    return torch.where(share < 1e-3, torch.zeros_like(share), share)
