"""Findings of the middle: an enlarged heart, hilum or aorta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medground_bench.phantom.body import KNOB_Y, SIGN, Laterality
from medground_bench.phantom.fields import Float, soft_step
from medground_bench.phantom.findings import Disk
from medground_bench.phantom.raster import Layers, Raster


@dataclass(frozen=True, slots=True)
class Cardiomegaly:
    """The heart of enlarged ratio in place of the normal one."""

    def region(self) -> str:
        """The heart."""
        return "cardiac silhouette"

    def disk(self) -> None:
        """See `Finding`."""
        return None

    def draw(self, layers: Layers, raster: Raster) -> None:
        """Swaps the heart; drawn before every other finding."""
        layers.heart = np.maximum(raster.enlarged_heart, raster.normal_heart)


@dataclass(frozen=True, slots=True)
class HilarEnlargement:
    """Lobulated masses around a hilum; radius in body units."""

    laterality: Laterality
    hilum_outward: float
    hilum_y: float
    radius: float
    lobe: float
    thickness: float

    def region(self) -> str:
        """The hilum."""
        return f"{self.laterality} hilar structures"

    def disk(self) -> Disk:
        """See `Finding`."""
        return Disk(SIGN[self.laterality] * (self.hilum_outward + 0.02), self.hilum_y, 0.07)

    def coverage(self, raster: Raster) -> Float:
        """0..1 of two overlapping masses."""
        outward, down = raster.outward[self.laterality] - self.hilum_outward, raster.y - self.hilum_y
        main = soft_step(1.25 * self.radius - np.hypot(outward - 0.012, down / 1.25), 0.015)
        lobe = soft_step(0.8 * self.radius - np.hypot(outward - 0.032, down - 0.07 * self.lobe), 0.015)
        return np.maximum(main, lobe) * soft_step(raster.outward[self.laterality] - 0.03, 0.02)

    def draw(self, layers: Layers, raster: Raster) -> None:
        """Dense masses, hidden by the heart."""
        layers.opacity = layers.opacity + self.thickness * self.coverage(raster) * (1 - 0.8 * layers.heart)


@dataclass(frozen=True, slots=True)
class AorticEnlargement:
    """A knob that bulges far to the image right of the upper mediastinum."""

    x: float
    radius: float
    thickness: float

    def region(self) -> str:
        """The upper mediastinum."""
        return "upper mediastinum"

    def disk(self) -> Disk:
        """See `Finding`."""
        return Disk(self.x, KNOB_Y, self.radius)

    def coverage(self, raster: Raster) -> Float:
        """0..1 of the enlarged knob."""
        return soft_step(self.radius - np.hypot(raster.x - self.x, (raster.y - KNOB_Y) / 1.2), 0.010)

    def draw(self, layers: Layers, raster: Raster) -> None:
        """A dense bulge in place of lung."""
        coverage = self.coverage(raster)
        layers.knob = np.maximum(layers.knob, coverage)
        layers.opacity = layers.opacity + self.thickness * coverage
