"""What this scan lacks, drawn on the picture: clavicles, shoulder blades and arms that hang, breasts, stomach gas.

Clavicles begin where the scan's meet the sternum. Shape: an S of 13 to 17 cm, thicker at both ends, a tube of cortex.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medground_bench.training.radiograph.chest import DIRECTIONS
from medground_bench.training.radiograph.rays import Rays

Map = NDArray[np.float32]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]

WITH_BREASTS, WITH_GAS = 0.4, 0.6
"""Share of pictures."""
PLACES = 90
"""Points along a clavicle."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Millimetres of bone and of soft tissue (H, W), and the masks of both clavicles."""

    bone: Map
    soft: Map
    clavicles: dict[str, Flags]


@dataclass(frozen=True, kw_only=True)
class Girdle:
    """What both sides have in common; lengths mm, angles degrees above the horizontal."""

    rise_deg: float
    down_mm: float
    length_mm: float
    bow_mm: float
    thick: float
    marrow: float

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Girdle:
        """Of shoulders high or low."""
        u = rng.uniform
        return cls(
            rise_deg=float(np.clip(rng.normal(14, 11), -12, 42)),
            down_mm=u(-9, 42),
            length_mm=u(128, 168),
            bow_mm=u(-6, 9),
            thick=u(0.85, 1.25),
            marrow=u(0.55, 0.8),
        )


def draw(rays: Rays, lungs: Mapping[str, Flags], rng: np.random.Generator) -> Drawn:
    """On the picture of these rays; `lungs` are masks (H, W) by side, beside which shoulder blades lie."""
    shape, px_mm = (rays.side_px, rays.side_px), rays.px_mm
    girdle, strength = Girdle.sample(rng), np.exp(rng.uniform(0.0, 0.9))
    bone, soft = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    clavicles, ends = {}, dict(zip(("right", "left"), rays.chest.sternal_ends_mm, strict=True))
    for side, direction in DIRECTIONS.items():
        end = np.array(rays.pixel_of(ends[side])) + rng.normal(0, 4, 2) / px_mm
        line = _line(end, direction, girdle, px_mm, rng)
        thickness, clavicles[side] = _tube(shape, line, girdle, px_mm)
        bone += strength * thickness
        if rng.random() < 0.85:
            arm, flesh = _arm(shape, line[-1], direction, px_mm, rng)
            bone += np.exp(rng.uniform(-1.2, 0.3)) * arm
            soft += flesh
        if rng.random() < 0.9:
            bone += np.exp(rng.uniform(-1.2, 0.3)) * _blade(shape, lungs[side], direction, px_mm, rng)
    if rng.random() < WITH_BREASTS:
        soft += _breasts(rays, rng)
    if rng.random() < WITH_GAS:
        soft -= _gas(rays, rng)
    return Drawn(bone, soft, clavicles)


def _breasts(rays: Rays, rng: np.random.Generator) -> Map:
    """Two half balls on the front of the chest, flatter above; mm."""
    chest, u, scale = rays.chest, rng.uniform, 1 / rays.px_mm
    rows, columns = np.mgrid[: rays.side_px, : rays.side_px].astype(np.float32) + 0.5
    thick, size, low = u(15, 50), u(52, 78), u(150, 185)
    total = np.zeros(rows.shape, np.float32)
    for direction in DIRECTIONS.values():
        place = (chest.spine_mm + direction * u(82, 92), 0.85 * chest.size_mm[1], chest.apex_mm - low)
        x, y = rays.pixel_of(np.array(place))
        down = (rows - y) / (0.85 * size * scale)
        away = np.hypot((columns - x) / (size * u(0.95, 1.1) * scale), np.where(down > 0, down, 0.45 * down))
        total += thick * np.sqrt(np.clip(1 - away**2, 0, 1))
    smooth: Map = ndimage.gaussian_filter(total, 1.2 * scale)
    return smooth


def _gas(rays: Rays, rng: np.random.Generator) -> Map:
    """A bubble under the left dome, over a level; mm of soft tissue that are missing."""
    chest, u, scale = rays.chest, rng.uniform, 1 / rays.px_mm
    rows, columns = np.mgrid[: rays.side_px, : rays.side_px].astype(np.float32) + 0.5
    place = (chest.spine_mm + u(40, 85), 0.55 * chest.size_mm[1], u(90, 118))
    x, y = rays.pixel_of(np.array(place))
    wide, high = u(9, 38) * scale, u(5, 20) * scale
    away = np.hypot((columns - x) / wide, (rows - y) / high)
    over = np.clip((y + u(0.1, 0.7) * high - rows) / 1.5, 0, 1)
    bubble: Map = (u(15, 60) * np.sqrt(np.clip(1 - away**2, 0, 1)) * over).astype(np.float32)
    return bubble


def _line(end: Numbers, direction: int, girdle: Girdle, px_mm: float, rng: np.random.Generator) -> Numbers:
    """Column, row and radius of `PLACES` points of a clavicle, in pixels, from the sternum outwards."""
    s = np.linspace(0, 1, PLACES)
    length = girdle.length_mm * rng.uniform(0.88, 1.06)
    angle = np.deg2rad(girdle.rise_deg + rng.normal(0, 3.5))
    across = rng.normal(2, 4) * np.sin(2 * np.pi * s) + rng.normal(girdle.bow_mm, 3) * np.sin(np.pi * s)
    x = length * s * np.cos(angle) - across * np.sin(angle)
    y = girdle.down_mm + rng.normal(0, 3) - length * s * np.sin(angle) - across * np.cos(angle)
    radius = girdle.thick * (5.0 + 3.8 * np.exp(-s / 0.12) + 1.5 * np.exp(-(1 - s) / 0.15))
    line: Numbers = np.stack([end[0] + direction * x / px_mm, end[1] + y / px_mm, radius / px_mm], 1)
    return line


def _tube(shape: tuple[int, ...], line: Numbers, girdle: Girdle, px_mm: float) -> tuple[Map, Flags]:
    """Bone of a clavicle along the rays, mm, and its mask."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32) + 0.5
    outside, radius = np.full(shape, np.inf, np.float32), np.ones(shape, np.float32)
    for x, y, r in line:
        away = np.hypot(columns - x, rows - y) - r
        nearer = away < outside
        outside[nearer], radius[nearer] = away[nearer], r
    away = outside + radius

    def chord(of: Map) -> Map:
        crossed: Map = 2 * np.sqrt(np.clip(of**2 - away**2, 0, None))
        return crossed

    bone = (chord(radius) - 0.75 * chord(radius * girdle.marrow)) * px_mm
    return ndimage.gaussian_filter(bone, 0.5), outside < 0


def _arm(
    shape: tuple[int, ...], shoulder: Numbers, direction: int, px_mm: float, rng: np.random.Generator
) -> tuple[Map, Map]:
    """Head and shaft of the humerus, and often the arm around it, below the outer end of a clavicle; mm."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32) * px_mm
    u = rng.uniform
    x, y, head = shoulder[0] * px_mm + direction * u(8, 28), shoulder[1] * px_mm + u(22, 42), u(21, 28)
    away = np.hypot(columns - x, rows - y)
    bone = 9 * np.clip((head - away) / 3, 0, 1) + 4 * np.exp(-0.5 * ((away - head + 2) / 2) ** 2)
    along = rows - y
    off = columns - x - direction * 6 - direction * u(-0.05, 0.7) * along
    wide = u(10, 14)
    shaft = 8 * np.clip((wide - np.abs(off)) / 2, 0, 1) + 5 * np.exp(
        -0.5 * ((np.abs(off) - wide + 3) / 2.5) ** 2
    )
    bone = bone + shaft * (along > 0)
    flesh = u(40, 90) * np.sqrt(np.clip(1 - (off / u(38, 60)) ** 2, 0, 1)) * np.clip((along + 20) / 30, 0, 1)
    return bone.astype(np.float32), (flesh * (rng.random() < 0.7)).astype(np.float32)


def _blade(
    shape: tuple[int, ...], lung: Flags, direction: int, px_mm: float, rng: np.random.Generator
) -> Map:
    """A shoulder blade: a thin plate with a firm inner border, over the outer part of a lung or beside it; mm."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32) * px_mm
    across, down = np.flatnonzero(lung.any(0)), np.flatnonzero(lung.any(1))
    if not len(across):
        return np.zeros(shape, np.float32)
    u = rng.uniform
    outer = across[-1 if direction > 0 else 0] * px_mm + direction * u(-38, 22)
    top, low = down[0] * px_mm + u(5, 40), down[0] * px_mm + u(125, 175)
    t = np.clip((rows - top) / (low - top), 0, 1)
    border = outer + direction * (u(-10, 25) * t + u(-8, 8) * np.sin(np.pi * t))
    out = direction * (columns - border)
    within = (rows > top) & (rows < low)
    plate = within & (out > 0) & (out < (1 - t) * u(60, 100) + 12)
    bone = u(1, 5) * ndimage.gaussian_filter(plate.astype(np.float32), 3 / px_mm)
    rim: Map = (bone + u(2, 6) * np.exp(-0.5 * (out / 2.2) ** 2) * within).astype(np.float32)
    return rim
