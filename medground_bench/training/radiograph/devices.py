"""What lies on or in a patient besides the body: tubes, wires, a pacemaker, buttons; and what is done to the picture.

Metal is given in mm of bone, since both weaken the beam alike; letters and collimation are printed on the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from medground_bench.core.types import Mask, Picture

Map = NDArray[np.float32]
Numbers = NDArray[np.float64]

FINER = 2
"""Lines are drawn so many times larger, then averaged."""


def sample_devices(side_px: int, px_mm: float, rng: np.random.Generator) -> Map:
    """Metal and plastic on one picture, mm of bone (side, side); nothing on most."""
    u, total = rng.uniform, np.zeros((side_px, side_px), np.float32)
    if rng.random() < 0.12:  # a tube down the middle: trachea or stomach
        line = _curve((u(0.46, 0.54), 0.0), (u(0.44, 0.56), u(0.3, 0.9)), 0.02, rng)
        total += u(1.5, 5) * _drawn(side_px, line, u(2, 5) / px_mm)
    for _ in range(rng.poisson(0.35)):  # wires, leads, catheters
        line = _curve((u(0, 1), u(0, 0.4)), (u(0.2, 0.8), u(0.2, 1.0)), 0.12, rng)
        total += u(1, 8) * _drawn(side_px, line, u(0.7, 2.5) / px_mm)
    if rng.random() < 0.06:
        total += _pacemaker(side_px, px_mm, rng)
    for _ in range(rng.poisson(0.15)):  # buttons, electrodes
        rows, columns = np.mgrid[:side_px, :side_px] / side_px
        away = np.hypot(rows - u(0, 1), columns - u(0, 1)) * side_px * px_mm
        total += (u(2, 12) * np.clip(u(3, 9) - away, 0, 1)).astype(np.float32)
    return total


def _pacemaker(side_px: int, px_mm: float, rng: np.random.Generator) -> Map:
    """A can below a clavicle, and its lead into the heart."""
    u = rng.uniform
    x, y = rng.choice([u(0.14, 0.28), u(0.72, 0.86)]), u(0.14, 0.32)
    wide, high = u(20, 26) / px_mm, u(22, 30) / px_mm
    sheet = Image.new("L", (side_px * FINER, side_px * FINER))
    box = [
        FINER * v for v in (x * side_px - wide, y * side_px - high, x * side_px + wide, y * side_px + high)
    ]
    ImageDraw.Draw(sheet).rounded_rectangle(box, radius=FINER * wide * 0.6, fill=255)
    can = u(12, 30) * _averaged(sheet)
    lead = _curve((x, y), (u(0.5, 0.62), u(0.5, 0.68)), 0.1, rng)
    both: Map = np.maximum(can, u(4, 12) * _drawn(side_px, lead, 2 / px_mm))
    return both


def _curve(
    start: tuple[float, float], end: tuple[float, float], bend: float, rng: np.random.Generator
) -> Numbers:
    """A smooth line of 40 points (x, y), in sides of the picture."""
    s = np.linspace(0, 1, 40)[:, None]
    straight = np.array(start) + s * (np.array(end) - np.array(start))
    waves = sum(np.sin(np.pi * k * s) * rng.normal(0, bend / k, 2) for k in (1, 2, 3))
    line: Numbers = straight + waves
    return line


def _drawn(side_px: int, line: Numbers, width_px: float) -> Map:
    sheet = Image.new("L", (side_px * FINER, side_px * FINER))
    corners = [tuple(point) for point in (line * side_px * FINER).tolist()]
    ImageDraw.Draw(sheet).line(corners, fill=255, width=max(1, round(width_px * FINER)), joint="curve")
    return _averaged(sheet)


def _averaged(sheet: Image.Image) -> Map:
    side = sheet.width // FINER
    averaged: Map = np.asarray(sheet, np.float32).reshape(side, FINER, side, FINER).mean((1, 3)) / 255
    return averaged


def print_on(
    pictures: Sequence[Picture], masks: dict[str, Mask], rng: np.random.Generator
) -> tuple[list[Picture], dict[str, Mask]]:
    """A side marker in a corner, and the edges of a collimated field, the same on every picture.

    Returns the pictures, and the masks without what the collimation hides.
    """
    made, side = list(pictures), len(pictures[0])
    if rng.random() < 0.4:
        letters = Image.fromarray(np.zeros_like(pictures[0]))
        text, size = (
            str(rng.choice(["L", "R", "AP", "L  PA", "PORTABLE"])),
            int(side * rng.uniform(0.04, 0.09)),
        )
        x = side * (rng.uniform(0.82, 0.92) if text.startswith("L") else rng.uniform(0.02, 0.12))
        ImageDraw.Draw(letters).text(
            (x, side * rng.uniform(0.02, 0.3)), text, fill=255, font=ImageFont.load_default(size)
        )
        ink, grey = np.asarray(letters, np.float32) / 255, rng.uniform(200, 255)
        made = [np.round(each + ink * (grey - each)).astype(np.uint8) for each in made]
    if rng.random() < 0.2:
        open_field = _field(side, rng)
        edge = np.uint8(rng.uniform(0, 25))
        made = [np.where(open_field, each, edge) for each in made]
        masks = {name: mask & open_field for name, mask in masks.items()}
    return made, masks


def _field(side: int, rng: np.random.Generator) -> Mask:
    """A rectangle, turned a little; its edges lie outside most of the chest."""
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    angle = np.deg2rad(rng.normal(0, 1.5))
    across = columns * np.cos(angle) + rows * np.sin(angle)
    down = rows * np.cos(angle) - columns * np.sin(angle)
    left, right, upper, lower = 0.5 - rng.uniform(0, 0.07, 4)
    inside: Mask = ndimage.binary_opening(
        (across > -left) & (across < right) & (down > -upper) & (down < lower)
    )
    return inside
