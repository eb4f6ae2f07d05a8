"""Phantom patients of every habitus: far more varied than those of the benchmark, so that real ones lie among them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medground_bench.phantom.anatomy import Anatomy, Build, Exposure, Heart, Ribs
from medground_bench.phantom.fields import uniform
from medground_bench.phantom.hemithorax import Clavicle, Hemithorax
from medground_bench.phantom.placement import place_findings
from medground_bench.phantom.pose import Pose
from medground_bench.phantom.scene import Scene

AS_IN_THE_BENCHMARK = 0.25
"""Share of patients left as the benchmark draws them."""


def patient(seed: int) -> Scene:
    """The scene of a seed, three times in four with another habitus, pose and exposure; same seed, same bytes."""
    scene, rng = Scene.sample(seed), np.random.default_rng([seed, 2])
    if rng.random() < AS_IN_THE_BENCHMARK:
        return scene
    anatomy = _habitus(scene.anatomy, rng)
    return replace(
        scene,
        anatomy=anatomy,
        pose=_pose(anatomy, rng),
        placed=place_findings(anatomy, rng),
        _rasters={},
    )


@dataclass(frozen=True, slots=True)
class Chest:
    """What both sides of a chest share; body frame."""

    mediastinum_half_width: float
    apex_y: float
    dome_y: float
    left_lower: float
    half_width: float
    roundness: float
    clavicle_y: float
    clavicle_rise: float

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Chest:
        """Deep and shallow breath, narrow and wide chests, square and hanging shoulders."""
        return cls(
            mediastinum_half_width=uniform(rng, 0.045, 0.10),
            apex_y=uniform(rng, 0.07, 0.18),
            dome_y=uniform(rng, 0.62, 0.80),
            left_lower=uniform(rng, -0.03, 0.05),
            half_width=uniform(rng, 0.29, 0.395),
            roundness=uniform(rng, 0.5, 1.1),
            clavicle_y=uniform(rng, 0.13, 0.25),
            clavicle_rise=uniform(rng, -0.12, 0.02),
        )

    def side(self, drawn: Hemithorax, rng: np.random.Generator) -> Hemithorax:
        """One side, not quite the mirror of the other, as in a turned patient; it keeps the vessels that were drawn."""
        half_width = self.half_width + uniform(rng, -0.03, 0.03)
        apex_y = self.apex_y + uniform(rng, -0.012, 0.012)
        dome_y = self.dome_y + (self.left_lower if drawn.laterality == "left" else 0.0)
        mediastinum = self.mediastinum_half_width + uniform(rng, -0.012, 0.012)
        clavicle = self._clavicle(rng)
        hilum_depth = (drawn.hilum_y - drawn.apex_y) / (drawn.dome_y - drawn.apex_y)
        return replace(
            drawn,
            half_width=half_width,
            apex_y=apex_y,
            dome_y=dome_y,
            roundness=self.roundness,
            mediastinum_half_width=mediastinum,
            clavicle=clavicle,
            recess_depth=uniform(rng, 0.05, 0.19),
            hilum_outward=mediastinum + uniform(rng, 0.02, 0.055),
            hilum_y=apex_y + (hilum_depth + uniform(rng, -0.05, 0.05)) * (dome_y - apex_y),
            hilum_radius=uniform(rng, 0.018, 0.038),
        )

    def _clavicle(self, rng: np.random.Generator) -> Clavicle:
        return Clavicle(
            medial_y=self.clavicle_y + uniform(rng, -0.01, 0.01),
            lateral_y=self.clavicle_y + self.clavicle_rise + uniform(rng, -0.015, 0.015),
            bow=uniform(rng, 0.0, 0.028),
            medial_outward=uniform(rng, 0.02, 0.045),
            lateral_outward=self.half_width * uniform(rng, 0.97, 1.12),
        )


def _habitus(anatomy: Anatomy, rng: np.random.Generator) -> Anatomy:
    """Another chest, with a heart from small to huge, faint and strong ribs, thin and thick soft tissue."""
    chest = Chest.sample(rng)
    sides = {laterality: chest.side(side, rng) for laterality, side in anatomy.sides.items()}
    heart = Heart(
        chest_width=2 * chest.half_width,
        normal_ratio=uniform(rng, 0.33, 0.60),
        enlarged_ratio=uniform(rng, 0.54, 0.66),
        tilt_rad=uniform(rng, 0.2, 0.95),
        shift=uniform(rng, 0.22, 0.38),
    )
    ribs = Ribs(
        first_y=chest.apex_y + uniform(rng, 0.0, 0.05),
        spacing=uniform(rng, 0.066, 0.108),
        arch=uniform(rng, 0.0, 0.085),
        slope=uniform(rng, 0.03, 0.21),
        contrast=uniform(rng, 0.015, 0.18),
    )
    build, exposure = _build(rng, chest.half_width), _exposure(rng)
    return Anatomy(sides, heart, ribs, build, exposure, chest.mediastinum_half_width)


def _build(rng: np.random.Generator, half_width: float) -> Build:
    return Build(
        half_width=half_width + uniform(rng, 0.04, 0.32),
        neck_half_width=uniform(rng, 0.08, 0.17),
        breast_thickness=max(0.0, uniform(rng, -0.06, 0.14)),
        breast_y=uniform(rng, 0.52, 0.72),
        gas_x=uniform(rng, 0.06, 0.24),
        gas_radius=uniform(rng, 0.04, 0.12),
        gas_amount=uniform(rng, 0.4, 1.8) * float(rng.random() < 0.7),
    )


def _exposure(rng: np.random.Generator) -> Exposure:
    return Exposure(
        gain=uniform(rng, 0.75, 1.25),
        gamma=uniform(rng, 0.7, 1.5),
        brightness=uniform(rng, -0.14, 0.06),
        lung_air=uniform(rng, 0.2, 0.52),
        vessel_contrast=uniform(rng, 0.03, 0.16),
    )


def _pose(anatomy: Anatomy, rng: np.random.Generator) -> Pose:
    """From a chest that overfills the picture to one with neck, arms and abdomen around it; supine: wide and low."""
    left, right = anatomy.sides["left"], anatomy.sides["right"]
    middle_x = (left.half_width - right.half_width) / 2
    middle_y = (left.apex_y + max(left.lowest_y, right.lowest_y)) / 2
    size, stretch = np.exp(rng.normal(-0.05, 0.13)), np.exp(rng.normal(0.04, 0.09))
    scale_x = float(np.clip(size * stretch, 0.65, 1.25))
    scale_y = float(np.clip(size / stretch, 0.6, 1.2))
    return Pose(
        shift_x=float(rng.normal(0, 0.03)) - scale_x * middle_x,
        shift_y=float(rng.normal(0, 0.04)) - scale_y * (middle_y - 0.5),
        rotation_rad=float(rng.normal(0, 0.05)),
        scale_x=scale_x,
        scale_y=scale_y,
    )
