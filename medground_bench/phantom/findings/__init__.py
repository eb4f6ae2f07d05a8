"""The ten findings: each is a sampled geometry that draws itself onto the layers of a picture.

They are sorted by where they lie: `lung`, `pleura`, `mediastinum`, `chest_wall`. Geometry is in the body frame (see
`body`); thickness in units of the tone curve, where aerated lung is about .2 and the heart about .65. Every finding
changes a bounded set of pixels only, so that removing it is an exact counterfactual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from medground_bench.phantom.raster import Layers, Raster

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
