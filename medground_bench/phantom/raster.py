"""A patient's anatomy as pixel fields at one picture size. All arrays are (side, side) float32, never written to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medground_bench.phantom.anatomy import Anatomy
from medground_bench.phantom.body import CARINA_Y, KNOB_Y, LATERALITIES, Laterality
from medground_bench.phantom.fields import Float, bell, soft_step
from medground_bench.phantom.hemithorax import Hemithorax, Vessel
from medground_bench.phantom.pose import Pose

Slices = tuple[slice, slice]


def rib_profile(distance: Float) -> Float:
    """Across a rib: a filled band with brighter cortical edges; distance to its axis in body units."""
    return 0.65 * soft_step(0.0135 - distance, 0.010) + 0.6 * bell(distance - 0.0115, 0.0035)


class Raster:
    """The fields of one anatomy in one pose at one size; the findings draw on top of these.

    x, y            body coordinates of the pixel centres
    lung            coverage of each lung, 0..1
    rib_share       distance from the mid-line as a share of the lung's half width, 0..1.2
    rib_offset      how far below the first rib's axis a pixel lies, along the ribs' arc, body units
    posterior_ribs  profile height of the posterior ribs
    """

    def __init__(self, anatomy: Anatomy, pose: Pose, side_px: int) -> None:
        """Fields are computed when first asked for, except the grid and the lungs."""
        self.anatomy, self.pose, self.side_px = anatomy, pose, side_px
        centres = (np.arange(side_px, dtype=np.float32) + 0.5) / side_px
        self.x, self.y = pose.body_x_y(centres[None, :], centres[:, None])
        self.distance_x = np.abs(self.x)
        self.outward: dict[Laterality, Float] = {"right": -self.x, "left": self.x}
        self.lateral, self.floor, self.lung = {}, {}, {}
        for laterality in LATERALITIES:
            distances = anatomy.sides[laterality].distances(self.x, self.y)
            self.lateral[laterality], self.floor[laterality] = distances.lateral, distances.floor
            self.lung[laterality] = distances.coverage()

    def window(self, x: float, y: float, radius: float) -> Slices:
        """The pixels within `radius` body units of a body point (a square, clipped to the picture)."""
        u, v = self.pose.picture_u_v(x, y)
        reach = radius * max(self.pose.scale_x, self.pose.scale_y)
        bounds = [np.clip(int(edge * self.side_px), 0, self.side_px) for edge in (v - reach, u - reach)]
        ends = [np.clip(int(edge * self.side_px) + 2, 0, self.side_px) for edge in (v + reach, u + reach)]
        return slice(bounds[0], ends[0]), slice(bounds[1], ends[1])

    @cached_property
    def body(self) -> Float:
        """Coverage of neck, shoulders and trunk."""
        build = self.anatomy.build
        trunk = build.half_width - 0.04 * np.clip(self.y - 0.3, 0, 1)
        slope = soft_step(self.y - 0.04, 0.2 / 3)
        return soft_step(
            build.neck_half_width + (trunk - build.neck_half_width) * slope - self.distance_x, 0.02
        )

    @cached_property
    def normal_heart(self) -> Float:
        """Coverage of the heart of normal size."""
        return self.anatomy.heart.coverage(self.x, self.y, enlarged=False)

    @cached_property
    def enlarged_heart(self) -> Float:
        """Coverage of the heart in cardiomegaly."""
        return self.anatomy.heart.coverage(self.x, self.y, enlarged=True)

    @cached_property
    def normal_knob(self) -> Float:
        """The aortic knob of normal size."""
        right = self.x - self.anatomy.mediastinum_half_width - 0.003
        return bell(np.hypot(right, (self.y - KNOB_Y) / 1.25), 0.026)

    @cached_property
    def soft_tissue(self) -> Float:
        """Thickness of everything but lungs, heart, knob and ribs."""
        mediastinum = self.anatomy.mediastinum_half_width
        vertebrae = bell(self.distance_x, 0.022) * (0.75 + 0.25 * np.cos(2 * np.pi * self.y / 0.062))
        band = soft_step(mediastinum + 0.006 * np.sin(14 * self.y) - self.distance_x, 0.022)
        on_body: Float = (
            0.62
            + 0.16 * soft_step(self.y - 0.80, 0.10)
            + 0.055 * bell(self.distance_x, 1.2 * mediastinum)
            + 0.05 * vertebrae
            + 0.06 * band * soft_step(self.y - 0.16, 0.05)
            + self._shoulder_bones()
            + self._breasts()
        )
        return on_body * self.body - 0.16 * self._airways() - self._stomach_gas()

    @cached_property
    def lung_markings(self) -> dict[Laterality, Float]:
        """Thickness of the vessels and the hilum, for each lung."""
        contrast = self.anatomy.exposure.vessel_contrast
        markings = {}
        for laterality, side in self.anatomy.sides.items():
            vessels = np.zeros_like(self.x)
            for vessel in side.vessels:
                self._draw_vessel(vessels, side, vessel)
            markings[laterality] = contrast * np.minimum(vessels, 1.6) + 0.13 * self.hilum(laterality)
        return markings

    @cached_property
    def rib_share(self) -> dict[Laterality, Float]:
        """See the class."""
        return {
            laterality: np.clip(self.outward[laterality] / side.half_width, 0, 1.2)
            for laterality, side in self.anatomy.sides.items()
        }

    @cached_property
    def rib_offset(self) -> dict[Laterality, Float]:
        """See the class."""
        ribs = self.anatomy.ribs
        return {lat: self.y - ribs.first_y - ribs.arc_y(share) for lat, share in self.rib_share.items()}

    @cached_property
    def posterior_ribs(self) -> dict[Laterality, Float]:
        """See the class."""
        spacing = self.anatomy.ribs.spacing
        posterior: dict[Laterality, Float] = {}
        for laterality, offset in self.rib_offset.items():
            index = np.round(offset / spacing)
            profile = rib_profile(np.abs(offset - index * spacing))
            posterior[laterality] = profile * ((index >= 0) & (index <= 8)) * self.rib_extent(laterality)
        return posterior

    @cached_property
    def anterior_ribs(self) -> Float:
        """Profile height of the fainter anterior ribs of both sides."""
        ribs, total = self.anatomy.ribs, np.zeros_like(self.x)
        spacing = 1.15 * ribs.spacing
        for laterality, share in self.rib_share.items():
            arc = 0.17 * np.clip(1 - share, 0, 1) ** 1.3 + 0.9 * ribs.slope
            offset = self.y - ribs.first_y - 0.03 - arc
            index = np.round(offset / spacing)
            band = soft_step(0.012 - np.abs(offset - index * spacing), 0.012) * ((index >= 0) & (index <= 5))
            ends = soft_step(self.outward[laterality] - 0.16, 0.06) * soft_step(
                self.lateral[laterality] + 0.01, 0.02
            )
            total += 0.38 * band * ends
        return total

    def rib_extent(self, laterality: Laterality) -> Float:
        """Where posterior ribs of one side show: from the spine to the chest wall, fading below the diaphragm."""
        across = soft_step(self.lateral[laterality] + 0.03, 0.02) * (self.outward[laterality] > 0.02)
        return across * soft_step(self.floor[laterality] + 0.10, 0.05)

    def hilum(self, laterality: Laterality) -> Float:
        """The normal hilum of one side, peak 1."""
        side = self.anatomy.sides[laterality]
        outward = self.outward[laterality] - side.hilum_outward
        return bell(np.hypot(outward, (self.y - side.hilum_y) / 1.45), side.hilum_radius)

    def _draw_vessel(self, canvas: Float, side: Hemithorax, vessel: Vessel) -> None:
        cos, sin = math.cos(vessel.angle_rad), math.sin(vessel.angle_rad)
        half = (vessel.length + 0.06) / 2
        centre_x = side.sign * (side.hilum_outward + cos * half)
        area = self.window(centre_x, side.hilum_y + sin * half, 1.24 * half + 0.04)
        outward, down = self.outward[side.laterality][area] - side.hilum_outward, self.y[area] - side.hilum_y
        along, across = cos * outward + sin * down, cos * down - sin * outward
        width = vessel.width * (1.15 - 0.8 * np.clip(along / vessel.length, 0, 1))
        line = bell(across - 1.6 * vessel.curvature * along * along, width)
        canvas[area] += line * soft_step(along, 0.02) * soft_step(vessel.length - along, 0.08)

    def _shoulder_bones(self) -> Float:
        total = np.zeros_like(self.x)
        for laterality, side in self.anatomy.sides.items():
            outward, clavicle = self.outward[laterality], side.clavicle
            distance = clavicle.distances(outward, self.y)
            ends = soft_step(outward - clavicle.medial_outward, 0.012) * soft_step(
                clavicle.lateral_outward - outward, 0.02
            )
            bone = (0.7 * soft_step(0.014 - distance, 0.010) + 0.5 * bell(distance - 0.012, 0.004)) * ends
            scapula = bell(outward - side.half_width - 0.035 - 0.10 * (0.30 - self.y), 0.010)
            total += 0.13 * bone + 0.05 * scapula * soft_step(self.y - 0.13, 0.04) * soft_step(
                0.42 - self.y, 0.06
            )
        return total

    def _breasts(self) -> Float:
        build = self.anatomy.build
        distance = np.hypot((self.distance_x - 0.22) / 0.17, (self.y - build.breast_y) / 0.13)
        return build.breast_thickness * soft_step(1 - distance, 0.25)

    def _airways(self) -> Float:
        trachea = soft_step(0.0165 - np.abs(self.x - 0.004), 0.012) * soft_step(CARINA_Y - self.y, 0.02)
        levels = soft_step(self.y - CARINA_Y, 0.01) * soft_step(CARINA_Y + 0.065 - self.y, 0.02)
        for outward in self.outward.values():
            bronchus = soft_step(0.011 - np.abs(outward - 0.55 * (self.y - CARINA_Y) - 0.004), 0.012)
            trachea = np.maximum(trachea, bronchus * levels)
        return trachea

    def _stomach_gas(self) -> Float:
        build, centre_y = self.anatomy.build, self.anatomy.sides["left"].dome_y + 0.095
        distance = np.hypot(
            (self.x - build.gas_x) / build.gas_radius, (self.y - centre_y) / (0.6 * build.gas_radius)
        )
        return 0.16 * build.gas_amount * soft_step(1 - distance, 0.4)


@dataclass(slots=True)
class Layers:
    """What the findings change before one picture is composed; arrays are replaced, never written in place.

    heart, knob  coverage; air_share  of each lung's air that is left; extra_air, opacity  thickness;
    markings_share  of each lung's vessels that is left; ribs  posterior profile; metal  coverage by metal
    """

    heart: Float
    knob: Float
    ribs: dict[Laterality, Float]
    air_share: dict[Laterality, Float | float]
    markings_share: dict[Laterality, Float | float]
    extra_air: Float | float = 0.0
    opacity: Float | float = 0.0
    metal: Float | None = None

    @classmethod
    def normal(cls, raster: Raster) -> Layers:
        """Without any finding."""
        whole: dict[Laterality, Float | float] = {"right": 1.0, "left": 1.0}
        return cls(
            raster.normal_heart, raster.normal_knob, dict(raster.posterior_ribs), dict(whole), dict(whole)
        )
