"""One side of the chest: the borders of its lung, its clavicle and the vessels of its hilum. Body frame, no pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medground_bench.core.types import Mask
from medground_bench.phantom.body import SIGN, Laterality
from medground_bench.phantom.fields import Float, soft_step, uniform


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
        distances: Float = np.abs(y - axis_y)
        return distances

    @classmethod
    def sample(cls, rng: np.random.Generator, lung_half_width: float) -> Clavicle:
        """One that ends a little beyond the lung."""
        return cls(
            medial_y=uniform(rng, 0.185, 0.218),
            lateral_y=uniform(rng, 0.112, 0.148),
            bow=uniform(rng, 0.008, 0.024),
            medial_outward=0.03,
            lateral_outward=lung_half_width * uniform(rng, 1.02, 1.08),
        )


@dataclass(frozen=True, slots=True)
class Vessel:
    """A curved line that leaves the hilum; angle from the outward axis, lengths in body units."""

    angle_rad: float
    curvature: float
    length: float
    width: float

    @classmethod
    def sample(cls, rng: np.random.Generator, angle_rad: float) -> Vessel:
        """One that leaves at about this angle."""
        return cls(
            angle_rad=angle_rad + uniform(rng, -0.12, 0.12),
            curvature=uniform(rng, -1.0, 1.0),
            length=uniform(rng, 0.16, 0.30),
            width=uniform(rng, 0.004, 0.008),
        )


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

    def inside_by(self, margin: float) -> Mask:
        """Whether points lie inside by at least `margin` body units."""
        sides: Mask = np.minimum(self.lateral, self.medial) > margin
        ends: Mask = np.minimum(self.floor, self.roof) > 0.75 * margin
        return sides & ends


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
        recess: Float = np.square(np.clip((share - 0.42) / 0.58, 0, 1.2))
        hollow: Float = np.square(np.clip((0.42 - share) / 0.42, 0, 1))
        return self.dome_y + self.recess_depth * recess + 0.03 * hollow

    def lateral_outward(self, y: Float) -> Float:
        """The chest wall."""
        depth = self.depth(y)
        bulge = np.sin(np.pi / 2 * np.clip(depth / 0.62, 0, 1)) ** self.roundness
        wall: Float = self.half_width * (0.20 + 0.80 * bulge) * (1 + 0.035 * np.clip(depth - 0.62, 0, 1))
        taper: Float = 0.12 * np.clip(0.05 - depth, 0, 1)
        return wall - taper

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

    @classmethod
    def sample(
        cls,
        rng: np.random.Generator,
        laterality: Laterality,
        apex_and_dome_y: tuple[float, float],
        roundness: float,
        mediastinum: float,
    ) -> Hemithorax:
        """One side, given what both sides share."""
        half_width = uniform(rng, 0.330, 0.385)
        hilum_y = uniform(rng, 0.42, 0.46) - (0.025 if laterality == "left" else 0.0)
        clavicle = Clavicle.sample(rng, half_width)
        vessels = tuple(Vessel.sample(rng, angle) for angle in np.linspace(-1.25, 1.35, 8).tolist())
        return cls(
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
