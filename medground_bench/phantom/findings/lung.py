"""Findings inside a lung: nodule, consolidation and plate-like atelectasis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medground_bench.phantom.body import Laterality
from medground_bench.phantom.fields import smooth_noise, soft_step
from medground_bench.phantom.findings import Disk
from medground_bench.phantom.raster import Layers, Raster


@dataclass(frozen=True, slots=True)
class Nodule:
    """A small round dense lesion anywhere in a lung; radius in sides of the picture."""

    laterality: Laterality
    x: float
    y: float
    radius: float
    thickness: float

    def region(self) -> str:
        """The lung it lies in."""
        return f"{self.laterality} lung"

    def disk(self) -> Disk:
        """See `Finding`."""
        return Disk(self.x, self.y, self.radius)

    def draw(self, layers: Layers, raster: Raster) -> None:
        """A ball, round in the picture whatever the habitus."""
        pose = raster.pose
        distance = np.hypot((raster.x - self.x) * pose.scale_x, (raster.y - self.y) * pose.scale_y)
        ball = np.sqrt(np.clip(1.1 - 0.45 * np.square(distance / self.radius), 0.3, 1.1))
        layers.opacity = layers.opacity + self.thickness * ball * soft_step(self.radius - distance, 0.007)


@dataclass(frozen=True, slots=True)
class Consolidation:
    """A patchy opacity with a ragged border."""

    laterality: Laterality
    x: float
    y: float
    radius_x: float
    radius_y: float
    thickness: float
    texture_seed: int

    def region(self) -> str:
        """The lung it lies in."""
        return f"{self.laterality} lung"

    def disk(self) -> Disk:
        """See `Finding`."""
        return Disk(self.x, self.y, max(self.radius_x, self.radius_y))

    def draw(self, layers: Layers, raster: Raster) -> None:
        """A blob whose border follows coarse noise and whose density follows finer noise."""
        rng = np.random.default_rng(self.texture_seed)
        ragged = smooth_noise(rng, cells=33, side_px=raster.side_px)
        mottled = smooth_noise(rng, cells=80, side_px=raster.side_px)
        distance = np.hypot((raster.x - self.x) / self.radius_x, (raster.y - self.y) / self.radius_y)
        blob = soft_step(1.0 + 0.18 * np.clip(ragged, -2, 2) - distance, 0.40) * raster.lung[self.laterality]
        blob = blob * np.clip(1 + 0.16 * mottled, 0.5, 1.4) * (1 - 0.9 * layers.heart)
        layers.opacity = layers.opacity + self.thickness * blob


@dataclass(frozen=True, slots=True)
class Atelectasis:
    """One or two plate-like bands."""

    laterality: Laterality
    x: float
    y: float
    half_length: float
    half_width: float
    angle_rad: float
    thickness: float
    has_second_band: bool

    def region(self) -> str:
        """The lung it lies in."""
        return f"{self.laterality} lung"

    def disk(self) -> Disk:
        """See `Finding`."""
        return Disk(self.x, self.y, 0.75 * self.half_length)

    def draw(self, layers: Layers, raster: Raster) -> None:
        """Slightly bent bands inside the lung."""
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        right, down = raster.x - self.x, raster.y - self.y
        along, across = cos * right + sin * down, cos * down - sin * right
        band = soft_step(self.half_width - np.abs(across - 0.9 * along * along), 0.006)
        band = band * soft_step(self.half_length - np.abs(along), 0.014)
        if self.has_second_band:
            second = soft_step(0.8 * self.half_width - np.abs(across + 0.075 - 0.7 * along * along), 0.006)
            band = np.maximum(
                band, 0.9 * second * soft_step(0.7 * self.half_length - np.abs(along + 0.02), 0.014)
            )
        layers.opacity = layers.opacity + self.thickness * band * raster.lung[self.laterality]
