"""The ten findings: each is a sampled geometry that draws itself onto the layers of a picture.

Geometry is in the body frame (see `anatomy`); thickness in units of the tone curve, where aerated lung is about .2 and
the heart about .65. Every finding changes a bounded set of pixels only, so that removing it is an exact counterfactual.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from medground_bench.phantom.anatomy import (
    KNOB_Y,
    SIGN,
    Float,
    Laterality,
    bell,
    soft_step,
)
from medground_bench.phantom.raster import Layers, Raster, rib_profile, smooth_noise

FINDINGS = (
    "nodule",
    "consolidation",
    "pleural effusion",
    "cardiomegaly",
    "pneumothorax",
    "atelectasis",
    "pacemaker",
    "hilar enlargement",
    "aortic enlargement",
    "rib fracture",
)


@dataclass(frozen=True, slots=True)
class Disk:
    """Where a focal finding sits, for telling which findings would hide each other."""

    x: float
    y: float
    radius: float


class Finding(Protocol):
    """What every finding gives."""

    def region(self) -> str:
        """The concept it lies in."""

    def disk(self) -> Disk | None:
        """Its place when it is focal, None when it is a change of a whole border."""

    def draw(self, layers: Layers, raster: Raster) -> None:
        """Changes the layers of one picture."""


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
        inward = _rounded_minimum(
            raster.lateral[self.laterality] - gap, raster.y - self.apex_y - 1.15 * gap - 0.01, rounding=0.06
        )
        lung, above_end = raster.lung[self.laterality], soft_step(self.end - depth, 0.03)
        air = soft_step(-inward, 0.009) * lung * above_end * (1 - layers.heart)
        line = bell(np.clip(inward - 0.006, -0.03, 0.03), 0.0075) - bell(0.03, 0.0075)
        layers.markings_share[self.laterality] = layers.markings_share[self.laterality] * (1 - air)
        layers.extra_air = layers.extra_air + 0.15 * air
        layers.opacity = layers.opacity + self.line_thickness * np.maximum(line, 0) * lung * above_end


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


def _rounded_minimum(one: Float, other: Float, *, rounding: float) -> Float:
    """The smaller of two distances, with a rounded corner where they are about equal."""
    share = np.clip(0.5 + 0.5 / rounding * (other - one), 0, 1)
    return other + (one - other) * share - rounding * share * (1 - share)
