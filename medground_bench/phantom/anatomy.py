"""A patient and the exposure, without any finding: sampled numbers and the borders they define, no pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medground_bench.core.types import Mask
from medground_bench.phantom.body import Laterality
from medground_bench.phantom.fields import Float, soft_step, uniform
from medground_bench.phantom.hemithorax import Hemithorax


@dataclass(frozen=True, slots=True)
class Heart:
    """A tilted ellipse and the right atrium. Ratios to the chest are nominal: the heart drawn is up to 15% wider."""

    chest_width: float
    normal_ratio: float
    enlarged_ratio: float
    tilt_rad: float
    shift: float

    def coverage(self, x: Float, y: Float, *, enlarged: bool) -> Float:
        """1 inside the heart, 0 outside, soft across its border."""
        ratio = self.enlarged_ratio if enlarged else self.normal_ratio
        width = ratio * self.chest_width
        centre_y = 0.635 + 0.02 * (ratio - 0.43) / 0.15
        right, down = x - width * (self.shift - 0.12), y - centre_y
        cos, sin = math.cos(self.tilt_rad), math.sin(self.tilt_rad)
        ventricles = 1 - np.hypot(
            (cos * right + sin * down) / (0.53 * width), (cos * down - sin * right) / (0.40 * width)
        )
        atrium = 1 - np.hypot((x + 0.19 * width) / (0.24 * width), (down + 0.005) / (0.36 * width))
        edge = 0.018
        heart: Float = np.maximum(
            soft_step(ventricles * (0.40 * width), edge), soft_step(atrium * (0.24 * width), edge)
        )
        return heart


@dataclass(frozen=True, slots=True)
class Ribs:
    """Posterior ribs: parallel arcs, one every `spacing`. Body units; contrast in thickness."""

    first_y: float
    spacing: float
    arch: float
    slope: float
    contrast: float

    def arc_y(self, share: Float | float) -> Float:
        """How far a rib lies below its origin, at a share (0..1) of the lung's half width."""
        return self.slope * share**2.2 - self.arch * np.sin(np.pi * np.clip(0.9 * share, 0, 1))


@dataclass(frozen=True, slots=True)
class Build:
    """Soft tissue and stomach gas. Body units."""

    half_width: float
    neck_half_width: float
    breast_thickness: float
    breast_y: float
    gas_x: float
    gas_radius: float
    gas_amount: float


@dataclass(frozen=True, slots=True)
class Exposure:
    """Thickness to grey: (thickness * gain + brightness) ** gamma; lung air and vessel contrast in thickness."""

    gain: float
    gamma: float
    brightness: float
    lung_air: float
    vessel_contrast: float


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Everything about a patient and the exposure that no finding changes."""

    sides: dict[Laterality, Hemithorax]
    heart: Heart
    ribs: Ribs
    build: Build
    exposure: Exposure
    mediastinum_half_width: float

    def core(self, laterality: Laterality, x: Float, y: Float, margin: float) -> Mask:
        """Whether body points lie inside a lung by `margin` and clear of even the enlarged heart."""
        inside = self.sides[laterality].distances(x, y).inside_by(margin)
        clear: Mask = self.heart.coverage(x, y, enlarged=True) < 0.3
        return inside & clear

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Anatomy:
        """One patient."""
        mediastinum = uniform(rng, 0.052, 0.078)
        apex_y, right_dome_y = uniform(rng, 0.10, 0.145), uniform(rng, 0.69, 0.775)
        left_dome_y = right_dome_y + uniform(rng, 0.005, 0.04)
        roundness = uniform(rng, 0.66, 0.86)
        domes_y: dict[Laterality, float] = {"right": right_dome_y, "left": left_dome_y}
        sides = {
            laterality: Hemithorax.sample(rng, laterality, (apex_y, dome_y), roundness, mediastinum)
            for laterality, dome_y in domes_y.items()
        }
        heart = Heart(
            chest_width=sides["left"].half_width + sides["right"].half_width,
            normal_ratio=uniform(rng, 0.36, 0.43),
            enlarged_ratio=uniform(rng, 0.54, 0.62),
            tilt_rad=uniform(rng, 0.42, 0.78),
            shift=uniform(rng, 0.28, 0.36),
        )
        ribs = Ribs(
            first_y=uniform(rng, 0.135, 0.165),
            spacing=uniform(rng, 0.078, 0.094),
            arch=uniform(rng, 0.028, 0.058),
            slope=uniform(rng, 0.09, 0.155),
            contrast=uniform(rng, 0.055, 0.095),
        )
        return cls(sides, heart, ribs, _sample_build(rng), _sample_exposure(rng), mediastinum)


def _sample_build(rng: np.random.Generator) -> Build:
    gas_amount = uniform(rng, 0.6, 1.0) * float(rng.random() < 0.7)
    return Build(
        half_width=uniform(rng, 0.44, 0.53),
        neck_half_width=uniform(rng, 0.095, 0.130),
        breast_thickness=max(0.0, uniform(rng, -0.06, 0.07)),
        breast_y=uniform(rng, 0.60, 0.68),
        gas_x=uniform(rng, 0.10, 0.20),
        gas_radius=uniform(rng, 0.05, 0.09),
        gas_amount=gas_amount,
    )


def _sample_exposure(rng: np.random.Generator) -> Exposure:
    return Exposure(
        gain=uniform(rng, 0.90, 1.11),
        gamma=uniform(rng, 0.82, 1.20),
        brightness=uniform(rng, -0.10, -0.025),
        lung_air=uniform(rng, 0.41, 0.50),
        vessel_contrast=uniform(rng, 0.05, 0.09),
    )
