"""The geometry of a procedural chest: sampled numbers and the borders they define, no pixels.

Body frame: x is the signed distance from the mid-line (positive towards image right = the patient's left), y runs from
0 (top) to 1 (bottom); both in sides of the square picture before the pose. `outward` is the distance from the mid-line
towards one side of the body. Picture frame: (0, 0) top-left to (1, 1) bottom-right of the square picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Laterality = Literal["right", "left"]
LATERALITIES: tuple[Laterality, ...] = ("right", "left")
SIGN: dict[Laterality, float] = {"right": -1.0, "left": 1.0}  # of x: the patient's right is image left
Float = NDArray[np.float32]

CARINA_Y = 0.335  # the trachea divides here
KNOB_Y = 0.285  # the aortic knob
UPPER_MEDIASTINUM_END_Y = 0.47


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """One draw as a Python float, so that float32 arrays stay float32."""
    return float(rng.uniform(low, high))


def soft_step(distance: Float, softness: float) -> Float:
    """0 outside to 1 inside across an edge at distance 0; exactly 0 or 1 beyond 1.5 softness."""
    ramp = np.clip(distance * (1 / (3 * softness)) + 0.5, 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def bell(distance: Float, sigma: float | Float) -> Float:
    """Gaussian of a distance, peak 1."""
    return np.exp(-0.5 * np.square(distance / sigma))


@dataclass(frozen=True, slots=True)
class Native:
    """Size of the radiograph: the centred crop of a square picture whose side is the longer of the two."""

    width: int
    height: int

    @property
    def long_side(self) -> int:
        """The longer side, in native pixels."""
        return max(self.width, self.height)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Native:
        """Half portrait, a fifth square, the rest landscape; long side 224..336 px."""
        long_side = int(rng.integers(224, 337))
        portrait, landscape = uniform(rng, 0.80, 0.98), uniform(rng, 1.02, 1.20)
        shape = rng.random()
        if shape < 0.5:
            return cls(width=round(long_side * portrait), height=long_side)
        if shape < 0.7:
            return cls(width=long_side, height=long_side)
        return cls(width=long_side, height=round(long_side / landscape))


@dataclass(frozen=True, slots=True)
class Clavicle:
    """An S-shaped bone from the sternum to the shoulder; body frame."""

    medial_y: float
    lateral_y: float
    bow: float
    medial_outward: float
    lateral_outward: float

    def distances(self, outward: Float, y: Float) -> Float:
        """Vertical distance of points to the bone's axis."""
        along = np.clip((outward - self.medial_outward) / (self.lateral_outward - self.medial_outward), 0, 1)
        axis_y = (
            self.medial_y + (self.lateral_y - self.medial_y) * along + self.bow * np.sin(2 * np.pi * along)
        )
        return np.abs(y - axis_y)


@dataclass(frozen=True, slots=True)
class Vessel:
    """A curved line that leaves the hilum; angle from the outward axis, lengths in body units."""

    angle_rad: float
    curvature: float
    length: float
    width: float


@dataclass(frozen=True, slots=True)
class LungDistances:
    """Signed distances of points to the four borders of a lung, body units, positive inside."""

    lateral: Float
    medial: Float
    floor: Float
    roof: Float

    def coverage(self) -> Float:
        """1 inside the lung, 0 outside, soft across its borders."""
        edge = 0.016
        return (
            soft_step(self.lateral, edge) * soft_step(self.medial, edge) * soft_step(self.floor, edge)
        ) * soft_step(self.roof, edge)

    def inside_by(self, margin: float) -> NDArray[np.bool_]:
        """Whether points lie inside by at least `margin` body units."""
        sides = np.minimum(self.lateral, self.medial) > margin
        return sides & (np.minimum(self.floor, self.roof) > 0.75 * margin)


@dataclass(frozen=True, slots=True)
class Hemithorax:
    """One side of the chest: lung outline, hilum with its vessels, clavicle. Body frame, lengths outward."""

    laterality: Laterality
    half_width: float
    apex_y: float
    dome_y: float
    recess_depth: float
    roundness: float
    mediastinum_half_width: float
    hilum_outward: float
    hilum_y: float
    hilum_radius: float
    clavicle: Clavicle
    vessels: tuple[Vessel, ...]

    @property
    def sign(self) -> float:
        """Of x on this side."""
        return SIGN[self.laterality]

    @property
    def lowest_y(self) -> float:
        """The bottom of the costophrenic recess."""
        return self.dome_y + 1.06 * self.recess_depth

    def depth(self, y: Float) -> Float:
        """0 at the apex, 1 at the dome of the diaphragm."""
        return (y - self.apex_y) / (self.dome_y - self.apex_y)

    def floor_y(self, outward: Float) -> Float:
        """The diaphragm, which falls off into the costophrenic recess."""
        share = np.clip(outward / self.half_width, 0, 1.15)
        recess = np.square(np.clip((share - 0.42) / 0.58, 0, 1.2))
        return (
            self.dome_y + self.recess_depth * recess + 0.03 * np.square(np.clip((0.42 - share) / 0.42, 0, 1))
        )

    def lateral_outward(self, y: Float) -> Float:
        """The chest wall."""
        depth = self.depth(y)
        bulge = np.sin(np.pi / 2 * np.clip(depth / 0.62, 0, 1)) ** self.roundness
        wall = self.half_width * (0.20 + 0.80 * bulge) * (1 + 0.035 * np.clip(depth - 0.62, 0, 1))
        return wall - 0.12 * np.clip(0.05 - depth, 0, 1)

    def distances(self, x: Float, y: Float) -> LungDistances:
        """Of body points to this lung's borders."""
        outward = self.sign * x
        medial = (
            self.mediastinum_half_width + 0.012 * np.cos(6 * y) - 0.02 * np.clip(0.25 - self.depth(y), 0, 1)
        )
        roof_y = self.apex_y + 0.030 * np.square(np.clip((outward - 0.115) / 0.115, -1, 1))
        return LungDistances(
            lateral=self.lateral_outward(y) - outward,
            medial=outward - medial,
            floor=self.floor_y(outward) - y,
            roof=y - roof_y,
        )


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
        return np.maximum(
            soft_step(ventricles * (0.40 * width), edge), soft_step(atrium * (0.24 * width), edge)
        )


@dataclass(frozen=True, slots=True)
class Ribs:
    """Posterior ribs: parallel arcs, one every `spacing`. Body units; contrast in thickness."""

    first_y: float
    spacing: float
    arch: float
    slope: float
    contrast: float

    def arc_y(self, share: Float) -> Float:
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
class Pose:
    """From the body frame to the picture frame: scale about (0, .5), rotate, shift to the picture's centre."""

    shift_x: float
    shift_y: float
    rotation_rad: float
    scale_x: float
    scale_y: float

    def body_x_y(self, u: Float, v: Float) -> tuple[Float, Float]:
        """Body coordinates (x, y) of picture points."""
        right, down = u - (0.5 + self.shift_x), v - (0.5 + self.shift_y)
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        return (cos * right + sin * down) / self.scale_x, (cos * down - sin * right) / self.scale_y + 0.5

    def picture_u_v(self, x: float, y: float) -> tuple[float, float]:
        """Picture coordinates (u, v) of a body point."""
        right, down = x * self.scale_x, (y - 0.5) * self.scale_y
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        return cos * right - sin * down + 0.5 + self.shift_x, sin * right + cos * down + 0.5 + self.shift_y

    @classmethod
    def sample(cls, rng: np.random.Generator, sides: dict[Laterality, Hemithorax], native: Native) -> Pose:
        """A pose that keeps both lungs inside the native crop, with at least .012 of the picture to spare."""
        rotation = uniform(rng, -0.05, 0.05)
        left, right = sides["left"], sides["right"]
        low_x, high_x = -1.02 * right.half_width, 1.02 * left.half_width
        low_y, high_y = min(left.apex_y, right.apex_y) - 0.01, max(left.lowest_y, right.lowest_y)
        spare = 0.012 + 0.40 * abs(math.sin(rotation))
        room_x = 0.5 * native.width / native.long_side - spare
        room_y = 0.5 * native.height / native.long_side - spare
        half_x, half_y = (high_x - low_x) / 2, (high_y - low_y) / 2
        scale_x = min(uniform(rng, 0.92, 1.08), room_x / half_x)
        scale_y = min(uniform(rng, 0.92, 1.08), room_y / half_y)
        jitter_x, jitter_y = min(0.03, room_x - half_x * scale_x), min(0.03, room_y - half_y * scale_y)
        return cls(
            shift_x=uniform(rng, -1, 1) * jitter_x - scale_x * (low_x + high_x) / 2,
            shift_y=uniform(rng, -1, 1) * jitter_y - scale_y * ((low_y + high_y) / 2 - 0.5),
            rotation_rad=rotation,
            scale_x=scale_x,
            scale_y=scale_y,
        )


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Everything about a patient and the exposure that no finding changes."""

    sides: dict[Laterality, Hemithorax]
    heart: Heart
    ribs: Ribs
    build: Build
    exposure: Exposure
    mediastinum_half_width: float

    def core(self, laterality: Laterality, x: Float, y: Float, margin: float) -> NDArray[np.bool_]:
        """Whether body points lie inside a lung by `margin` and clear of even the enlarged heart."""
        inside = self.sides[laterality].distances(x, y).inside_by(margin)
        return inside & (self.heart.coverage(x, y, enlarged=True) < 0.3)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Anatomy:
        """One patient."""
        mediastinum = uniform(rng, 0.052, 0.078)
        apex_y, right_dome_y = uniform(rng, 0.10, 0.145), uniform(rng, 0.69, 0.775)
        left_dome_y = right_dome_y + uniform(rng, 0.005, 0.04)
        roundness = uniform(rng, 0.66, 0.86)
        sides: dict[Laterality, Hemithorax] = {}
        for laterality, dome_y in (("right", right_dome_y), ("left", left_dome_y)):
            sides[laterality] = _sample_side(rng, laterality, (apex_y, dome_y), roundness, mediastinum)
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


def _sample_side(
    rng: np.random.Generator,
    laterality: Laterality,
    apex_and_dome_y: tuple[float, float],
    roundness: float,
    mediastinum: float,
) -> Hemithorax:
    half_width = uniform(rng, 0.330, 0.385)
    hilum_y = uniform(rng, 0.42, 0.46) - (0.025 if laterality == "left" else 0.0)
    clavicle = Clavicle(
        medial_y=uniform(rng, 0.185, 0.218),
        lateral_y=uniform(rng, 0.112, 0.148),
        bow=uniform(rng, 0.008, 0.024),
        medial_outward=0.03,
        lateral_outward=half_width * uniform(rng, 1.02, 1.08),
    )
    vessels = tuple(
        Vessel(
            angle_rad=float(angle) + uniform(rng, -0.12, 0.12),
            curvature=uniform(rng, -1.0, 1.0),
            length=uniform(rng, 0.16, 0.30),
            width=uniform(rng, 0.004, 0.008),
        )
        for angle in np.linspace(-1.25, 1.35, 8)
    )
    return Hemithorax(
        laterality=laterality,
        half_width=half_width,
        apex_y=apex_and_dome_y[0],
        dome_y=apex_and_dome_y[1],
        recess_depth=uniform(rng, 0.10, 0.15),
        roundness=roundness,
        mediastinum_half_width=mediastinum,
        hilum_outward=uniform(rng, 0.095, 0.115),
        hilum_y=hilum_y,
        hilum_radius=uniform(rng, 0.024, 0.033),
        clavicle=clavicle,
        vessels=vessels,
    )


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
