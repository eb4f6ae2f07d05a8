"""Findings of the chest wall: a pacemaker below the clavicle, a broken rib."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medground_bench.phantom.body import SIGN, Laterality
from medground_bench.phantom.fields import Float, soft_step
from medground_bench.phantom.findings import Disk
from medground_bench.phantom.raster import Layers, Raster, rib_profile


@dataclass(frozen=True, slots=True)
class Pacemaker:
    """A metal can below the clavicle and its lead to the heart."""

    laterality: Laterality
    x: float
    y: float
    half_width: float
    half_height: float
    angle_rad: float
    bow: float
    tip_x: float
    tip_y: float

    def region(self) -> str:
        """The clavicle below which it sits."""
        return f"{self.laterality} clavicle"

    def disk(self) -> Disk:
        """See `Finding`: of the can."""
        return Disk(self.x, self.y, 0.055)

    def draw(self, layers: Layers, raster: Raster) -> None:
        """Metal hides what lies behind it."""
        layers.metal = np.maximum(0.97 * self.can(raster), 0.70 * self.lead(raster))

    def can(self, raster: Raster) -> Float:
        """Coverage by the can: a rounded rectangle."""
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        right, down = raster.x - self.x, raster.y - self.y
        corner = 0.02
        beyond_x = np.abs(cos * right + sin * down) - self.half_width + corner
        beyond_y = np.abs(cos * down - sin * right) - self.half_height + corner
        outside = np.hypot(np.maximum(beyond_x, 0), np.maximum(beyond_y, 0))
        return soft_step(corner - outside - np.minimum(np.maximum(beyond_x, beyond_y), 0), 0.004)

    def lead(self, raster: Raster) -> Float:
        """Coverage by the lead: a quadratic Bezier curve from the can to the ventricle."""
        share = np.linspace(0, 1, 21)[:, None]
        bend = np.array([0.35 * self.x - 0.02 * SIGN[self.laterality], self.y + 0.02 + self.bow])
        start, tip = np.array([self.x, self.y]), np.array([self.tip_x, self.tip_y])
        curve = (1 - share) ** 2 * start + 2 * share * (1 - share) * bend + share**2 * tip
        thickness = np.zeros_like(raster.x)
        for (x0, y0), (x1, y1) in zip(curve[:-1].tolist(), curve[1:].tolist(), strict=True):
            length = math.hypot(x1 - x0, y1 - y0)
            area = raster.window((x0 + x1) / 2, (y0 + y1) / 2, length / 2 + 0.015)
            right, down = raster.x[area] - x0, raster.y[area] - y0
            along = np.clip((right * (x1 - x0) + down * (y1 - y0)) / length**2, 0, 1)
            distance = np.hypot(right - along * (x1 - x0), down - along * (y1 - y0))
            thickness[area] = np.maximum(thickness[area], soft_step(0.0065 - distance, 0.004))
        return thickness


@dataclass(frozen=True, slots=True)
class RibFracture:
    """One posterior rib broken at a share of the half width: displaced ends, a gap, callus at both ends."""

    laterality: Laterality
    rib: int
    share: float
    displacement: float
    x: float
    y: float

    def region(self) -> str:
        """The lung in front of the rib."""
        return f"{self.laterality} lung"

    def disk(self) -> Disk:
        """See `Finding`."""
        return Disk(self.x, self.y, 0.07)

    def draw(self, layers: Layers, raster: Raster) -> None:
        """Redraws the rib near the break; the two fragments step apart by `displacement`, tapering off."""
        reach, spacing = 0.26, raster.anatomy.ribs.spacing
        beyond = raster.rib_share[self.laterality] - self.share
        offset = raster.rib_offset[self.laterality]
        taper = np.square(np.clip(1 - np.square(beyond / reach), 0, 1))
        own = (np.round(offset / spacing) == self.rib) & (taper > 0)
        step = np.where(beyond > 0, 0.5, -0.5) * self.displacement * taper
        distance = np.abs(offset - self.rib * spacing - step)
        whole = soft_step(np.abs(beyond) - 0.028, 0.012)
        extent = raster.rib_extent(self.laterality)
        fragments = rib_profile(distance) * (taper > 0) * whole * extent
        intact = layers.ribs[self.laterality] * (1 - own)
        layers.ribs[self.laterality] = intact + fragments
        half_width = raster.anatomy.sides[self.laterality].half_width
        end = np.hypot((np.abs(beyond) - 0.06) * half_width, distance)
        callus = soft_step(0.017 - end, 0.006)
        layers.opacity = layers.opacity + (
            0.13 * np.minimum(fragments, 1) * taper + 0.15 * callus * (taper > 0)
        )
