"""Where the findings of a scene lie, and which of them would hide each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medground_bench.phantom.anatomy import Anatomy
from medground_bench.phantom.body import SIGN, Laterality
from medground_bench.phantom.fields import uniform
from medground_bench.phantom.findings import FINDINGS, Finding
from medground_bench.phantom.findings.chest_wall import Pacemaker, RibFracture
from medground_bench.phantom.findings.lung import Atelectasis, Consolidation, Nodule
from medground_bench.phantom.findings.mediastinum import AorticEnlargement, Cardiomegaly, HilarEnlargement
from medground_bench.phantom.findings.pleura import PleuralEffusion, Pneumothorax


@dataclass(frozen=True, slots=True)
class Placer:
    """Draws places for focal findings inside the lungs of one anatomy."""

    anatomy: Anatomy
    rng: np.random.Generator

    def side(self, left_probability: float = 0.5) -> Laterality:
        """One side of the body."""
        return "left" if self.rng.random() < left_probability else "right"

    def point(
        self, laterality: Laterality, lowest_y: float, highest_y: float, margin: float
    ) -> tuple[float, float]:
        """A body point (x, y) uniformly inside the lung's core between two heights."""
        side = self.anatomy.sides[laterality]
        x = SIGN[laterality] * self.rng.uniform(0.05, side.half_width, 600)
        y = self.rng.uniform(lowest_y, highest_y, 600)
        inside = self.anatomy.core(laterality, x, y, margin)
        assert inside.any(), "a lung without a core"
        first = int(np.argmax(inside))
        return float(x[first]), float(y[first])

    def nodule(self) -> Nodule:
        """Radius .042 to .070 of the picture."""
        laterality, radius = self.side(), uniform(self.rng, 0.042, 0.070)
        x, y = self.point(laterality, 0.2, 0.74, 0.045 + 0.35 * radius)
        return Nodule(laterality, x, y, radius, thickness=uniform(self.rng, 0.32, 0.44))

    def consolidation(self) -> Consolidation:
        """Radii .085 to .125."""
        laterality = self.side()
        x, y = self.point(laterality, 0.22, 0.72, 0.055)
        radius_x, radius_y = uniform(self.rng, 0.085, 0.125), uniform(self.rng, 0.075, 0.12)
        thickness = uniform(self.rng, 0.28, 0.40)
        return Consolidation(laterality, x, y, radius_x, radius_y, thickness, int(self.rng.integers(2**31)))

    def effusion(self) -> PleuralEffusion:
        """From a blunted angle to a third of the lung."""
        laterality = self.side()
        return PleuralEffusion(
            laterality,
            dome_y=self.anatomy.sides[laterality].dome_y,
            height=uniform(self.rng, 0.07, 0.22),
            meniscus=uniform(self.rng, 0.10, 0.16),
            share=uniform(self.rng, 0.88, 1.0),
        )

    def pneumothorax(self) -> Pneumothorax:
        """A gap of .08 to .13 at the apex."""
        laterality = self.side()
        return Pneumothorax(
            laterality,
            apex_y=self.anatomy.sides[laterality].apex_y,
            gap=uniform(self.rng, 0.08, 0.13),
            end=uniform(self.rng, 0.55, 0.85),
            line_thickness=uniform(self.rng, 0.20, 0.28),
        )

    def atelectasis(self) -> Atelectasis:
        """Bands .03 to .045 wide in the lower half of a lung."""
        laterality = self.side()
        x, y = self.point(laterality, 0.48, 0.76, 0.055)
        return Atelectasis(
            laterality,
            x,
            y,
            half_length=uniform(self.rng, 0.08, 0.12),
            half_width=uniform(self.rng, 0.015, 0.022),
            angle_rad=uniform(self.rng, -0.45, 0.45),
            thickness=uniform(self.rng, 0.30, 0.42),
            has_second_band=bool(self.rng.random() < 0.4),
        )

    def pacemaker(self) -> Pacemaker:
        """Three of four sit on the left."""
        laterality = self.side(left_probability=0.75)
        return Pacemaker(
            laterality,
            x=SIGN[laterality] * uniform(self.rng, 0.21, 0.28),
            y=uniform(self.rng, 0.225, 0.29),
            half_width=uniform(self.rng, 0.045, 0.06),
            half_height=uniform(self.rng, 0.035, 0.05),
            angle_rad=uniform(self.rng, -0.4, 0.4),
            bow=uniform(self.rng, 0.02, 0.06),
            tip_x=uniform(self.rng, 0.02, 0.10),
            tip_y=uniform(self.rng, 0.62, 0.70),
        )

    def hilar_enlargement(self) -> HilarEnlargement:
        """About twice the normal hilum."""
        laterality = self.side()
        side = self.anatomy.sides[laterality]
        return HilarEnlargement(
            laterality,
            hilum_outward=side.hilum_outward,
            hilum_y=side.hilum_y,
            radius=side.hilum_radius * uniform(self.rng, 1.75, 2.2),
            lobe=uniform(self.rng, -0.5, 0.5),
            thickness=uniform(self.rng, 0.26, 0.34),
        )

    def aortic_enlargement(self) -> AorticEnlargement:
        """Reaches .08 to .11 beyond the border of the mediastinum; the normal knob reaches about .04."""
        radius = uniform(self.rng, 0.060, 0.078)
        x = self.anatomy.mediastinum_half_width + uniform(self.rng, 0.022, 0.034)
        return AorticEnlargement(x, radius, thickness=uniform(self.rng, 0.02, 0.06))

    def rib_fracture(self) -> RibFracture:
        """Of the third to sixth rib, in its lateral half."""
        laterality, ribs = self.side(), self.anatomy.ribs
        rib, share = int(self.rng.integers(2, 6)), uniform(self.rng, 0.58, 0.82)
        displacement = uniform(self.rng, 0.038, 0.052) * (1 if self.rng.random() < 0.5 else -1)
        x = SIGN[laterality] * share * self.anatomy.sides[laterality].half_width
        y = ribs.first_y + float(ribs.arc_y(share)) + rib * ribs.spacing
        return RibFracture(laterality, rib, share, displacement, x, y)


def place_findings(anatomy: Anatomy, rng: np.random.Generator) -> dict[str, Finding]:
    """The geometry of every finding of one scene, by name."""
    placer = Placer(anatomy, rng)
    placed = (
        placer.nodule(),
        placer.consolidation(),
        placer.effusion(),
        Cardiomegaly(),
        placer.pneumothorax(),
        placer.atelectasis(),
        placer.pacemaker(),
        placer.hilar_enlargement(),
        placer.aortic_enlargement(),
        placer.rib_fracture(),
    )
    return dict(zip(FINDINGS, placed, strict=True))


def hide_each_other(findings: dict[str, Finding], one: str, other: str) -> bool:
    """Whether two findings of a scene lie so that one would cover the other."""
    for first, second in ((findings[one], findings[other]), (findings[other], findings[one])):
        place = second.disk()
        if place is None:
            continue
        same_side = getattr(second, "laterality", None) == getattr(first, "laterality", None)
        if isinstance(first, PleuralEffusion) and same_side and place.y + 0.7 * place.radius > first.top_y:
            return True
        covers = isinstance(second, RibFracture | Consolidation) and place.y < 0.55
        if isinstance(first, Pneumothorax) and same_side and covers:
            return True
    here, there = findings[one].disk(), findings[other].disk()
    if here is None or there is None:
        return False
    return math.hypot(here.x - there.x, here.y - there.y) < 0.85 * (here.radius + there.radius)
