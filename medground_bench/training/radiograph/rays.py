"""The points of the scan along every ray of one exposure of one patient.

A ray is straight in the room. Every step of the way maps a point of the patient back to a point of the scan, so one
sampling of the scan does it all. The map is smooth: it is worked out on a coarse grid and interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from medground_bench.training.radiograph.chest import LabelledChest
from medground_bench.training.radiograph.patient import LEVELS_MM, Beam, Body, ExposedBody

COARSE_DEPTHS, COARSE_SIDE = 24, 56
REACH_MM = {Beam.PA: 150.0, Beam.AP: 150.0, Beam.SUPINE: 150.0, Beam.LATERAL: 210.0}
"""From the middle of the chest to the nearest and the farthest points of the rays."""
BELOW_APEX_MM = 125.0
"""How far below the higher apex the middle of the chest lies."""
FLANK_MM = 128.0
"""Beyond this distance from the mid-line lies what walls thick and thin stretch."""
HEART_REACH_MM = 75.0
STRETCHED_MM = 50.0
"""The scan's lowest part, which is stretched without end, so that every picture shows an abdomen to its edge."""
DEPTHS = 64
"""Points along a ray."""


@dataclass(frozen=True, eq=False)
class Rays:
    """`side_px` x `side_px` rays through one patient, made of one scan."""

    chest: LabelledChest
    patient: ExposedBody
    side_px: int

    @property
    def px_mm(self) -> float:
        """Side of a pixel in the plane through the middle of the chest."""
        return self.patient.geometry.field_mm / self.side_px

    @property
    def centre_mm(self) -> NDArray[np.float64]:
        """The middle of the chest, as a point of the scan."""
        front_to_back = self.chest.size_mm[1] / 2
        return np.array([self.chest.spine_mm, front_to_back, self.chest.apex_mm - BELOW_APEX_MM])

    @property
    def step_mm(self) -> float:
        """Between two points of a ray, measured along the beam."""
        return 2 * self._reach / DEPTHS

    def points(self, rows: slice) -> Tensor:
        """Points of the scan along the rays of some rows, (DEPTHS, rows, side_px, 3) mm."""
        middles = [(torch.arange(n) + 0.5) / n * 2 - 1 for n in (DEPTHS, self.side_px, self.side_px)]
        middles[1] = middles[1][rows]
        grid = torch.stack(torch.meshgrid(*middles, indexing="ij")[::-1], dim=-1)
        found = functional.grid_sample(self._coarse, grid[None], align_corners=True, padding_mode="border")
        return found[0].permute(1, 2, 3, 0)

    def slant(self) -> Tensor:
        """Length of a ray per mm along the beam, (side_px, side_px); 1 for the central ray."""
        geometry = self.patient.geometry
        ray = ((torch.arange(self.side_px) + 0.5) / self.side_px - 0.5) * geometry.field_mm
        x = (ray + geometry.centre_mm[0] - geometry.focus_mm[0]) / geometry.distance_mm
        z = (-ray + geometry.centre_mm[1] - geometry.focus_mm[1]) / geometry.distance_mm
        return (1 + x[None, :] ** 2 + z[:, None] ** 2).sqrt()

    def pixel_of(self, point: NDArray[np.float64]) -> tuple[float, float]:
        """Column and row, in pixels, where a point of the scan is seen: the nearest coarse point, then linear."""
        places = self._coarse[0].numpy()
        flat = ((places - point[:, None, None, None]) ** 2).sum(0).argmin()
        shape = np.array(places.shape[1:])
        k, i, j = np.clip(np.unravel_index(flat, shape), 1, shape - 2)
        around = [
            (places[:, k + a, i + b, j + c] - places[:, k - a, i - b, j - c]) / 2
            for a, b, c in ((1, 0, 0), (0, 1, 0), (0, 0, 1))
        ]
        step = np.linalg.lstsq(np.stack(around, 1), point - places[:, k, i, j], rcond=None)[0]
        scale = self.side_px / (COARSE_SIDE - 1)
        return float((j + step[2]) * scale), float((i + step[1]) * scale)

    @property
    def _reach(self) -> float:
        return REACH_MM[self.patient.geometry.beam]

    @cached_property
    def _coarse(self) -> Tensor:
        """Points of the scan on the coarse grid, (1, 3, depths, rows, columns) mm; its ends are the picture's edges."""
        x, y, z = self._room().unbind(-1)
        body, centre = self.patient.body, self.centre_mm
        x, y, z = _habitus(x, y, z, body)
        z = _breath(x, z, body)
        x = x * (1 + body.taper * torch.tanh((z - 10) / 90))
        x, y, z = _heart(x, y, z, self.chest.heart_mm - centre, body)
        points = torch.stack([x, y, z], -1) + torch.tensor(centre, dtype=torch.float32)
        low = points[..., 2]
        end = STRETCHED_MM * torch.exp((low.clamp(max=STRETCHED_MM) - STRETCHED_MM) / STRETCHED_MM)
        points[..., 2] = torch.where(low < STRETCHED_MM, end, low)
        return points.permute(3, 0, 1, 2)[None].contiguous()

    def _room(self) -> Tensor:
        """Points of the rays in the patient's frame, turned and warped, (depths, rows, columns, 3)."""
        geometry = self.patient.geometry
        shape = (COARSE_DEPTHS, COARSE_SIDE, COARSE_SIDE)
        ray = torch.linspace(-0.5, 0.5, COARSE_SIDE) * geometry.field_mm
        depth = torch.linspace(-self._reach, self._reach, COARSE_DEPTHS)
        grow = (1 + depth * geometry.spread / geometry.distance_mm)[:, None, None]
        (centre_x, centre_z), (focus_x, focus_z) = geometry.centre_mm, geometry.focus_mm
        x = focus_x + (ray[None, None, :] + centre_x - focus_x) * grow
        z = focus_z + (-ray[None, :, None] + centre_z - focus_z) * grow
        points = torch.stack([x.expand(shape), depth[:, None, None].expand(shape), z.expand(shape)], -1)
        about_length, about_side, about_beam = geometry.turn_deg
        about_length += 90.0 if geometry.beam is Beam.LATERAL else 0.0
        turn = _rotation(*np.deg2rad((about_length, about_side, about_beam)))
        points = points @ torch.tensor(turn, dtype=torch.float32).T
        for knots in self.patient.body.warps:
            warp = torch.tensor(knots, dtype=torch.float32)[None]
            moved = functional.interpolate(warp, size=shape, mode="trilinear", align_corners=True)
            points = points + moved[0].permute(1, 2, 3, 0)
        return points


def _habitus(x: Tensor, y: Tensor, z: Tensor, body: Body) -> tuple[Tensor, Tensor, Tensor]:
    """Larger or smaller, with other walls, wider beside the upper chest, along a spine that is bent."""
    wide, deep, tall = body.scale
    bend, length = body.bow_mm
    x = x - bend * torch.sin(torch.pi * z / length)
    x, y, z = x / wide, y / deep, z / tall
    flank = body.wall * (1 + body.shoulders * torch.sigmoid((z - 45) / 22))
    beyond = FLANK_MM + (x.abs() - FLANK_MM) / flank
    return x.sign() * torch.where(x.abs() > FLANK_MM, beyond, x.abs()), y, z


def _breath(x: Tensor, z: Tensor, body: Body) -> Tensor:
    """Heights of the scan for heights of this patient, each side by itself, passing over from one to the other."""
    heights = z.numpy()
    right, left = (
        torch.from_numpy(np.interp(heights, levels, LEVELS_MM).astype(np.float32))
        for levels in body.levels_mm
    )
    return torch.lerp(right, left, torch.sigmoid(x / 25))


def _heart(
    x: Tensor, y: Tensor, z: Tensor, middle: NDArray[np.float64], body: Body
) -> tuple[Tensor, Tensor, Tensor]:
    """What lies around the heart's middle is wider, taller and further to the left, and deeper by half as much."""
    wide, tall, left_mm = body.heart
    away = sum(((each - c) / HEART_REACH_MM) ** 2 for each, c in zip((x, y, z), middle.tolist(), strict=True))
    near = torch.exp(-0.5 * torch.as_tensor(away))
    return (
        middle[0] + (x - middle[0]) * (1 - wide * near) - left_mm * near,
        middle[1] + (y - middle[1]) * (1 - 0.5 * wide * near),
        middle[2] + (z - middle[2]) * (1 - tall * near),
    )


def _rotation(about_length: float, about_side: float, about_beam: float) -> NDArray[np.float64]:
    """Of the patient, radians; the room's rays are turned instead."""
    (ca, cb, cc), (sa, sb, sc) = (f([about_length, about_side, about_beam]) for f in (np.cos, np.sin))
    beam = np.array([[cc, 0, sc], [0, 1, 0], [-sc, 0, cc]])
    side = np.array([[1, 0, 0], [0, cb, -sb], [0, sb, cb]])
    length = np.array([[ca, -sa, 0], [sa, ca, 0], [0, 0, 1]])
    turned: NDArray[np.float64] = beam @ side @ length
    return turned
