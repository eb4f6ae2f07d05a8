"""What is drawn by lot: a body unlike the scan's, a breath, a pose, and how it is exposed.

Lengths are mm in the frame of the rays: the middle of the chest is 0; x to the patient's left, y forwards, z upwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

LEVELS_MM = (-400.0, -215.0, -105.0, -55.0, 10.0, 85.0, 125.0, 260.0)
"""Heights of the scan's body: below everything, recess, dome, lower end of the heart, carina, arch, apex, above all."""
RECESS, DOME, APEX = 1, 2, 6

KNOTS = ((4, 5, 5), (5, 8, 8))
"""Knots (depth, rows, columns) of the two smooth warps."""


class Beam(Enum):
    """From where the picture is taken."""

    PA = "standing, from behind"
    AP = "standing or sitting, from the front"
    SUPINE = "lying, from the front, nearer"
    LATERAL = "from the patient's right"


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """One exposure.

    distance_mm  source to the middle of the chest
    field_mm     side of the picture, measured in the plane through the middle of the chest
    centre_mm    x and z of that plane that are in the middle of the picture
    focus_mm     x and z where the central ray meets that plane
    turn_deg     about the body's length, about the axis from side to side, about the beam
    """

    beam: Beam = Beam.PA
    distance_mm: float = 1800.0
    field_mm: float = 345.0
    centre_mm: tuple[float, float] = (0.0, 0.0)
    focus_mm: tuple[float, float] = (0.0, 0.0)
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def spread(self) -> float:
        """+1 where rays run forwards (PA), -1 where they run backwards."""
        return 1.0 if self.beam in (Beam.PA, Beam.LATERAL) else -1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Body:
    """How a patient differs from the scan.

    scale             of x, y, z
    wall              thickness of the flanks, 1 as in the scan
    shoulders         how much wider what lies beside the upper chest is
    levels_mm         for the right and the left side: where `LEVELS_MM` lie in this patient
    taper             upper chest narrower (above 0) or wider than the lower one
    heart             how much wider, and how much taller, and by how many mm further to the left
    bow_mm            sideways bend of the spine: how far, and over which length
    warps             the knots (3, depth, rows, columns) of each smooth warp, mm
    neck_mm           half width of the neck; None leaves the shoulders as wide as the picture
    shoulder_mm       height at which shoulders fall off above the scan's end, over which softness
    """

    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    wall: float = 1.0
    shoulders: float = 0.0
    levels_mm: tuple[Numbers, Numbers] = (np.array(LEVELS_MM), np.array(LEVELS_MM))
    taper: float = 0.0
    heart: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bow_mm: tuple[float, float] = (0.0, 120.0)
    warps: tuple[Numbers, ...] = ()
    neck_mm: float | None = None
    shoulder_mm: tuple[float, float] = (0.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class ExposedBody:
    """A body and its exposure."""

    body: Body = Body()
    geometry: Geometry = Geometry()


def sample_exposed_body(rng: np.random.Generator) -> ExposedBody:
    """Of any habitus, breath and pose."""
    return ExposedBody(body=sample_body(rng), geometry=sample_geometry(rng))


def sample_geometry(rng: np.random.Generator) -> Geometry:
    """65 % from behind; sources nearer than 1.4 m are portable."""
    beam = Beam(rng.choice([each.value for each in (Beam.PA, Beam.AP, Beam.SUPINE)], p=[0.65, 0.25, 0.10]))
    near, far = {Beam.PA: (1500, 1850), Beam.AP: (1150, 1850), Beam.SUPINE: (950, 1200)}[beam]
    return Geometry(
        beam=beam,
        distance_mm=rng.uniform(near, far),
        field_mm=float(np.clip(rng.normal(345, 32), 285, 440)),
        centre_mm=(rng.normal(0, 12), rng.normal(-4, 18)),
        focus_mm=(rng.normal(0, 20), rng.normal(-10, 45)),
        turn_deg=tuple(np.clip(rng.normal(0, (6.0, 6.0, 2.5)), -16, 16).tolist()),
    )


def sample_body(rng: np.random.Generator) -> Body:
    """Every number by itself; the breath moves both sides together, and each a little by itself."""
    u = rng.uniform
    size = u(0.92, 1.10)
    lift = u(-32, 45)
    large = u(-0.22, 0.42) if rng.random() < 0.75 else 0.0
    return Body(
        scale=(size * u(0.90, 1.16), size * u(0.85, 1.2), size * u(0.86, 1.10)),
        wall=u(0.4, 1.3),
        shoulders=u(0.0, 1.6),
        levels_mm=(_levels(rng, lift, 7.0), _levels(rng, lift, -7.0)),
        taper=u(-0.10, 0.10),
        heart=(large, 0.6 * large + u(-0.1, 0.35), u(-14, 18)),
        bow_mm=(rng.normal(0, 7) * (rng.random() < 0.5), u(70, 160)),
        warps=tuple(
            rng.standard_normal((3, *knots)) * spread * u(0.3, 1.2)
            for knots, spread in zip(KNOTS, (9.0, 3.5), strict=True)
        ),
        neck_mm=u(52, 75) if rng.random() < 0.6 else None,
        shoulder_mm=(u(-10, 25), u(6, 16)),
    )


def _levels(rng: np.random.Generator, lift: float, apex: float) -> Numbers:
    """`LEVELS_MM` of one side: the dome lifted, a recess of another depth, apices level (the scan's are not)."""
    levels = np.array(LEVELS_MM)
    common = np.array([0, 0, lift, 0.55 * lift, 0.1 * lift, 0, 0, 0])
    new = levels + common + rng.normal(0, 7, len(levels))
    new[RECESS] = new[DOME] - (levels[DOME] - levels[RECESS]) * rng.uniform(0.30, 1.0)
    new[0] = new[RECESS] + levels[0] - levels[RECESS]
    new[APEX:] += apex + rng.normal(0, 5)
    risen: Numbers = np.maximum.accumulate(new + np.arange(len(new)) * 0.01)
    return risen
