"""Findings between a lung and the chest wall: fluid and air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medground_bench.phantom.body import Laterality
from medground_bench.phantom.fields import bell, rounded_minimum, soft_step
from medground_bench.phantom.raster import Layers, Raster


@dataclass(frozen=True, slots=True)
class PleuralEffusion:
    """Fluid in the recess, its upper border rising laterally; heights in body units."""

    laterality: Laterality
    dome_y: float
    height: float
    meniscus: float
    share: float

    def region(self) -> str:
        """The costophrenic angle that it fills."""
        return f"{self.laterality} costophrenic angle"

    def disk(self) -> None:
        """See `Finding`."""
        return None

    @property
    def top_y(self) -> float:
        """The fluid level at mid lung."""
        return self.dome_y + 0.035 - self.height - 0.3 * self.meniscus

    def draw(self, layers: Layers, raster: Raster) -> None:
        """Takes the air out of the lung below the level."""
        across = np.clip(raster.rib_share[self.laterality], 0, 1.1)
        level = (
            self.dome_y + 0.035 - self.height - self.meniscus * np.clip((across - 0.35) / 0.65, 0, 1) ** 2.5
        )
        level = level + 0.05 * np.clip(0.35 - across, 0, 1)
        fluid = soft_step(raster.y - level, 0.022) * raster.lung[self.laterality]
        layers.air_share[self.laterality] = layers.air_share[self.laterality] * (1 - self.share * fluid)


@dataclass(frozen=True, slots=True)
class Pneumothorax:
    """Air between chest wall and a visible pleural line, widest at the apex, ending at depth `end` (0..1)."""

    laterality: Laterality
    apex_y: float
    gap: float
    end: float
    line_thickness: float

    def region(self) -> str:
        """The lung that has fallen."""
        return f"{self.laterality} lung"

    def disk(self) -> None:
        """See `Finding`."""
        return None

    def draw(self, layers: Layers, raster: Raster) -> None:
        """Empties the gap of vessels, darkens it, and draws the pleural line."""
        depth = raster.anatomy.sides[self.laterality].depth(raster.y)
        gap = self.gap * np.clip(1 - np.clip(depth, 0, 2) / self.end, 0, 1) ** 0.5
        inward = rounded_minimum(
            raster.lateral[self.laterality] - gap, raster.y - self.apex_y - 1.15 * gap - 0.01, rounding=0.06
        )
        lung, above_end = raster.lung[self.laterality], soft_step(self.end - depth, 0.03)
        air = soft_step(-inward, 0.009) * lung * above_end * (1 - layers.heart)
        line = bell(np.clip(inward - 0.006, -0.03, 0.03), 0.0075) - bell(0.03, 0.0075)
        layers.markings_share[self.laterality] = layers.markings_share[self.laterality] * (1 - air)
        layers.extra_air = layers.extra_air + 0.15 * air
        layers.opacity = layers.opacity + self.line_thickness * np.maximum(line, 0) * lung * above_end
