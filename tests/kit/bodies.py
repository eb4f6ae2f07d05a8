"""Bodies made by hand for the renderer of radiographs: balls of known density in air."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from medground_bench.training.radiograph.chest import SHADOWS, LabelledChest
from medground_bench.training.radiograph.rays import BELOW_APEX_MM

SIZE_MM = (360.0, 270.0, 330.0)
"""x, y, z of the made scan, about as large as the shipped one."""
MIDDLE_MM = np.array([180.0, 135.0, 165.0])
VOXEL_MM = 3.0


def chest_of_balls(
    *balls: tuple[Sequence[float], float], density: float = 1.0, organ: str = "heart"
) -> LabelledChest:
    """Balls (middle mm from the body's middle, radius mm) of soft tissue, which are also an organ's labels.

    Edges are as soft as a voxel, so that a ball has the volume that it should have.
    """
    x, y, z = np.meshgrid(*(np.arange(VOXEL_MM / 2, size, VOXEL_MM) for size in SIZE_MM), indexing="ij")
    share = np.zeros(x.shape, np.float32)
    for middle, radius in balls:
        cx, cy, cz = MIDDLE_MM + middle
        away = np.sqrt((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2)
        share = np.maximum(share, np.clip((radius - away) / VOXEL_MM + 0.5, 0, 1))
    volume = torch.from_numpy(share.transpose(2, 1, 0).astype(np.float32))
    labels = torch.zeros(len(SHADOWS), *volume.shape)
    labels[SHADOWS.index(organ)] = volume
    off = np.full((2, 3), -1000.0)
    return LabelledChest(
        tissue=torch.stack([density * volume, torch.zeros_like(volume)]),
        labels=labels,
        size_mm=np.array(SIZE_MM),
        spine_mm=float(MIDDLE_MM[0]),
        hila_mm=off,
        sternal_ends_mm=off,
        corner_mm=np.zeros(3),
        apex_mm=float(MIDDLE_MM[2]) + BELOW_APEX_MM,
        heart_mm=MIDDLE_MM,
    )
