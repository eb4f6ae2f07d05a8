"""Bad films of one body, and the plain film that they are to be compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medground_bench.training.radiograph.changes import PutEffusion, PutWhiteLung, TissueChange
from medground_bench.training.radiograph.chest import LabelledChest
from medground_bench.training.radiograph.film import Processing
from medground_bench.training.radiograph.patient import (
    APEX,
    LEVELS_MM,
    Beam,
    Body,
    ExposedBody,
    Geometry,
)
from medground_bench.training.radiograph.rays import Rays
from medground_bench.training.radiograph.render import SIDE_PX, RenderedFilm, expose, project

Numbers = NDArray[np.float64]

SEED = 1
"""Of shoulders, skeleton and noise: the same on all of them."""

CHILD = 0.62
"""Size of a child: its picture, bones and all, is that of an adult in a field, and from a distance, larger by that."""

PLAIN = "plain"
GOOD = Processing()
UPRIGHT = Geometry(field_mm=380.0, centre_mm=(0.0, -15.0))
BODY = Body(neck_mm=60.0, shoulder_mm=(5.0, 10.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class BadFilm:
    """What differs from the plain film, and so from a good one."""

    body: Body = BODY
    geometry: Geometry = UPRIGHT
    processing: Processing = GOOD
    changes: Sequence[TissueChange] = ()

    def rendered(self, chest: LabelledChest, side_px: int = SIDE_PX) -> RenderedFilm:
        """The film, without devices or letters, and the masks of the concepts on it."""
        rays = Rays(chest, ExposedBody(body=self.body, geometry=self.geometry), side_px)
        return expose(rays, project(rays, self.changes), self.processing, SEED, bare=True)


def films(chest: LabelledChest) -> Mapping[str, BadFilm]:
    """By name, the plain one first; there are two of a turned patient."""
    return {PLAIN: BadFilm(), **_findings(chest), **_bodies(), **_exposures()}


def _findings(chest: LabelledChest) -> dict[str, BadFilm]:
    middle_mm = float(np.median(chest.places_mm("right lung")[:, 2]))
    shrunk = replace(BODY, heart=(0.0, 0.0, 45.0), levels_mm=(_breath(0.0), _breath(55.0)))
    return {
        "effusion": BadFilm(changes=[PutEffusion(middle_mm - 15, 50.0, "right")]),
        "white lung": BadFilm(changes=[PutWhiteLung(0.95, "right")]),
        "after pneumonectomy": BadFilm(body=shrunk, changes=[PutWhiteLung(1.0, "left")]),
    }


def _bodies() -> dict[str, BadFilm]:
    obese = replace(
        BODY,
        scale=(1.12, 1.35, 0.95),
        wall=3.5,
        shoulders=0.5,
        neck_mm=90.0,
        levels_mm=(_breath(35.0), _breath(35.0)),
    )
    farther = replace(UPRIGHT, field_mm=UPRIGHT.field_mm / CHILD, distance_mm=UPRIGHT.distance_mm / CHILD)
    return {
        "scoliosis": BadFilm(body=replace(BODY, bow_mm=(28.0, 150.0))),
        "obese": BadFilm(
            body=obese,
            geometry=replace(UPRIGHT, field_mm=430.0),
            processing=Processing(scatter=0.5, exposure=1000.0, quality=0.75),
        ),
        "child-sized": BadFilm(geometry=farther, processing=Processing(quality=CHILD)),
    }


def _exposures() -> dict[str, BadFilm]:
    near = replace(
        UPRIGHT, beam=Beam.AP, distance_mm=1000.0, focus_mm=(25.0, 50.0), turn_deg=(7.0, 10.0, 5.0)
    )
    return {
        "portable AP": BadFilm(
            body=replace(BODY, levels_mm=(_breath(30.0), _breath(30.0))),
            geometry=near,
            processing=Processing(scatter=0.45, exposure=1500.0, flatten=0.2, detail=0.6),
        ),
        "turned about the body's length": BadFilm(geometry=replace(UPRIGHT, turn_deg=(15.0, 0.0, 0.0))),
        "turned about the beam": BadFilm(geometry=replace(UPRIGHT, turn_deg=(0.0, 0.0, 15.0))),
        "cropped": BadFilm(geometry=replace(UPRIGHT, field_mm=250.0, centre_mm=(12.0, -60.0))),
        "noisy": BadFilm(processing=Processing(exposure=300.0)),
    }


def _breath(lift_mm: float) -> Numbers:
    """`LEVELS_MM` with the dome lifted: a shallow breath."""
    levels = np.array(LEVELS_MM)
    levels[1:APEX] += lift_mm * np.array([0.8, 1.0, 0.55, 0.1, 0.0])
    return levels
