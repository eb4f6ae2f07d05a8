"""The packed CT as tensors: what is at a point of the scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from medground_bench.core.errors import SourceMissing
from medground_bench.storage.whole_files import sha256

PACKED = Path(__file__).with_name("ct") / "chest.npz"

SOFT_FULL, BONE_FULL = 1.1, 1.5
"""Density that a packed byte of 255 stands for: soft tissue in parts of water, bone in what it adds to that."""

HILUM_RADII_MM = (23.0, 30.0, 32.0)
"""Half axes of the ellipsoid that stands for a hilum: across, from front to back, along the body."""


class Organ(IntEnum):
    """What a voxel of the packed labels belongs to."""

    NOTHING = 0
    RIGHT_UPPER = 1
    RIGHT_MIDDLE = 2
    RIGHT_LOWER = 3
    LEFT_UPPER = 4
    LEFT_LOWER = 5
    HEART = 6
    GREAT_VESSELS = 7
    ABDOMEN = 8


LUNGS = {
    "right": (Organ.RIGHT_UPPER, Organ.RIGHT_MIDDLE, Organ.RIGHT_LOWER),
    "left": (Organ.LEFT_UPPER, Organ.LEFT_LOWER),
}
DIRECTIONS = {"left": 1, "right": -1}
"""Which way the patient's sides lie on a picture."""
SHADOWS = ("right lung", "left lung", "heart", "great vessels", "abdomen")
"""Labelled volumes, in the order of their channels."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledChest:
    """One labelled body. Points are mm from the scan's corner: x to the patient's left, y forwards, z upwards.

    Places that were measured on the CT, such as the spine, are from the middle of its first voxel: half a voxel less.

    tissue           (2, z, y, x) float32: soft tissue (1 is water) and bone (what it adds)
    labels           (5, z, y, x) float32, the share of a voxel that each of `SHADOWS` fills
    size_mm          (3,) x, y, z
    spine_mm         x of the mid-line
    hila_mm          (2, 3) middles of the right and the left hilum
    sternal_ends_mm  (2, 3) where the right and the left clavicle meet the sternum
    corner_mm        (3,) where the corner lies in the CT that was packed
    apex_mm          z of the highest point of either lung
    heart_mm         (3,) the middle of the heart
    """

    tissue: Tensor
    labels: Tensor
    size_mm: NDArray[np.float64]
    spine_mm: float
    hila_mm: NDArray[np.float64]
    sternal_ends_mm: NDArray[np.float64]
    corner_mm: NDArray[np.float64]
    apex_mm: float
    heart_mm: NDArray[np.float64]

    @classmethod
    def of(cls, packed: Mapping[str, NDArray[np.generic]]) -> LabelledChest:
        """From the arrays that `pack` keeps."""
        tissue = np.stack(
            [
                packed["soft"].astype(float) * (SOFT_FULL / 255),
                packed["bone"].astype(float) * (BONE_FULL / 255),
            ]
        )
        members = (*LUNGS.values(), (Organ.HEART,), (Organ.GREAT_VESSELS,), (Organ.ABDOMEN,))
        labels = np.stack([np.isin(packed["organs"], each) for each in members])
        size_mm = np.array(packed["soft"].shape) * packed["voxel_mm"].astype(float)
        right, left, heart = (_places_mm(labels[k], size_mm) for k in range(3))
        return cls(
            tissue=_volume(tissue),
            labels=_volume(labels),
            size_mm=size_mm,
            spine_mm=float(packed["spine_mm"]),
            hila_mm=packed["hila_mm"].astype(float),
            sternal_ends_mm=packed["sternal_ends_mm"].astype(float),
            corner_mm=packed["corner_mm"].astype(float),
            apex_mm=float(max(right[:, 2].max(), left[:, 2].max())),
            heart_mm=heart.mean(0),
        )

    def places_mm(self, shadow: str) -> NDArray[np.float64]:
        """Middles of the voxels that a labelled organ fills, (N, 3) mm."""
        volume = self.labels[SHADOWS.index(shadow)].numpy().transpose(2, 1, 0)
        return _places_mm(volume > 0.5, self.size_mm)

    def sample(self, volume: Tensor, points: Tensor) -> Tensor:
        """Values (C, ...) of a volume (C, z, y, x) at points (..., 3); beyond its ends the last voxel goes on."""
        grid = (points / torch.tensor(self.size_mm, dtype=torch.float32) * 2 - 1).reshape(1, 1, 1, -1, 3)
        values = functional.grid_sample(volume[None], grid, align_corners=False, padding_mode="border")
        return values.reshape(len(volume), *points.shape[:-1])

    def within_hila(self, points: Tensor) -> Tensor:
        """(2, ...) 1 where a point lies in the right, the left hilum."""
        radii = torch.tensor(HILUM_RADII_MM)
        middles = torch.tensor(self.hila_mm, dtype=torch.float32)
        return torch.stack([(((points - each) / radii) ** 2).sum(-1) < 1 for each in middles]).float()


def _places_mm(mask: NDArray[np.bool_], size_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    places: NDArray[np.float64] = (np.argwhere(mask) + 0.5) * (size_mm / mask.shape)
    return places


def _volume(channels: NDArray[np.generic]) -> Tensor:
    """(C, x, y, z) -> (C, z, y, x) float32."""
    return torch.from_numpy(np.ascontiguousarray(channels.transpose(0, 3, 2, 1), np.float32))


@cache
def shipped_chest() -> LabelledChest:
    """LIDC-IDRI-0001, as the package carries it; read once. SourceMissing when it is not there, or another file is."""
    try:
        content, recorded = PACKED.read_bytes(), PACKED.with_suffix(".sha256").read_text("utf-8").strip()
    except FileNotFoundError as error:
        raise SourceMissing(
            f"{error.filename} is missing. Install the package again, or run make ct."
        ) from error
    if sha256(content) != recorded:
        raise SourceMissing(
            f"{PACKED} is damaged or was exchanged. Install the package again, or run make ct."
        )
    with np.load(BytesIO(content)) as stored:
        return LabelledChest.of(dict(stored))
