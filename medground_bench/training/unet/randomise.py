"""Domain randomisation: phantom pictures made so varied that a real radiograph is one more variation.

Organs brighten and darken independently, lungs fill up, arms, scapulae, tubes and tags appear, bodies stretch and bend,
exposure, contrast, sharpness and collimation change. Grey values are 0..1 until the end; (B, 1, H, W) throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from medground_bench.core.concepts import CONCEPTS

ELLIPSES, ARCS, TAGS = 7, 4, 3
"""At most so many of each on one picture; each is drawn in about half of the cases."""

LEFT_LUNG, RIGHT_LUNG = CONCEPTS.index("left lung"), CONCEPTS.index("right lung")


@dataclass(frozen=True, slots=True)
class Dice:
    """Random numbers for a batch, one for each picture and, where asked, for each of `count` things on it."""

    batch: int
    rng: torch.Generator

    def uniform(self, low: float, high: float, count: int = 1) -> Tensor:
        """(B, count, 1, 1)."""
        return low + (high - low) * torch.rand(self.batch, count, 1, 1, generator=self.rng)

    def normal(self, spread: float, count: int = 1) -> Tensor:
        """(B, count, 1, 1), mean 0."""
        return spread * torch.randn(self.batch, count, 1, 1, generator=self.rng)

    def chance(self, share: float, count: int = 1) -> Tensor:
        """(B, count, 1, 1), 1 with the given probability, else 0."""
        return (torch.rand(self.batch, count, 1, 1, generator=self.rng) < share).float()

    def field(self, side: int, *spreads: tuple[int, float], channels: int = 1) -> Tensor:
        """Smooth noise (B, channels, side, side): a sum of (waves across, spread), drawn coarsely and enlarged."""
        total = torch.zeros(self.batch, channels, side // 4, side // 4)
        for waves, spread in spreads:
            knots = spread * torch.randn(self.batch, channels, waves, waves, generator=self.rng)
            total += functional.interpolate(knots, size=total.shape[-2:], mode="bicubic", align_corners=False)
        return functional.interpolate(total, size=(side, side), mode="bilinear", align_corners=False)


def randomise(pictures: Tensor, targets: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures (B, H, W) uint8 and their targets -> other pictures (B, 1, H, W), 0..1, and their targets.

    Targets (B, 11, H, W) are the share of each pixel that a concept covers, 0..1.
    """
    dice, cells = Dice(len(pictures), rng), functional.avg_pool2d(targets, 2)
    x = pictures[:, None].float() / 255
    x = _organs(x, cells, dice)
    x = _lines(x + _doubled(_shapes(cells, dice)), dice)
    x, targets = _bend(x, targets, dice)
    x = _expose(x, dice)
    x = _tags(x, dice)
    x = _detector(x, dice)
    x, targets = _collimate(x, targets, dice)
    return x, targets


def _organs(x: Tensor, cells: Tensor, dice: Dice) -> Tensor:
    """Each organ brighter or darker, the abdomen too; lungs veiled, filled from below or white.

    Cells (B, 11, H / 2, W / 2) are ample for what has no sharp edge.
    """
    lungs = cells[:, [LEFT_LUNG, RIGHT_LUNG]]
    both = lungs.amax(dim=1, keepdim=True)
    abdomen = both.cummax(dim=2).values - both
    organs = torch.cat([cells, abdomen, 1 - both], dim=1)
    shift = dice.normal(0.13, organs.shape[1]) * dice.chance(0.35, organs.shape[1])
    change = _soft((organs * shift).sum(dim=1, keepdim=True), 3)
    change = change + abdomen * dice.field(cells.shape[-1], (6, 1.0)) * dice.uniform(0.0, 0.15)
    filled = ((_axis(cells) - dice.uniform(0.35, 0.8, 2)) * dice.uniform(4.0, 30.0, 2)).clamp(0, 1)
    cover = torch.maximum(filled * dice.chance(0.15, 2), dice.uniform(0.0, 1.0, 2) * dice.chance(0.2, 2))
    cover = (cover * lungs).amax(dim=1, keepdim=True) * dice.uniform(0.4, 0.95)
    return torch.lerp(x + _doubled(change), dice.uniform(0.45, 0.8), _doubled(_soft(cover, 3)))


def _shapes(cells: Tensor, dice: Dice) -> Tensor:
    """Soft ellipses to add: opacities in the lungs; arms, scapulae, bowel gas and air around them; veils anywhere."""
    lungs = _soft(cells[:, [LEFT_LUNG, RIGHT_LUNG]].amax(dim=1, keepdim=True), 3)
    change = torch.zeros_like(lungs)
    for _ in range(ELLIPSES):
        right, down = _turned(lungs, dice)
        distance = torch.hypot(right / dice.uniform(0.02, 0.28), down / dice.uniform(0.02, 0.28))
        inside = ((1 - distance) * dice.uniform(1.5, 12.0)).clamp(0, 1)
        around, within = dice.chance(0.5), dice.chance(0.6)
        where = torch.lerp(torch.lerp(torch.ones_like(lungs), lungs, within), 1 - lungs, around)
        change = change + inside * where * dice.normal(0.16) * (1 + 0.6 * around) * dice.chance(0.6)
    return change


def _lines(x: Tensor, dice: Dice) -> Tensor:
    """Arcs: wires, tubes, skin folds, edges of the scapula."""
    for _ in range(ARCS):
        right, down = _turned(x, dice)
        radius = dice.uniform(0.15, 1.5)
        width = dice.uniform(0.004, 0.02) + dice.uniform(0, 0.06) * dice.chance(0.3)
        line = ((width - (torch.hypot(right - radius, down) - radius).abs()) * 150).clamp(0, 1)
        line = line * (down.abs() < dice.uniform(0.05, 0.4))
        x = x + line * dice.normal(0.13) * dice.chance(0.55)
    return x


def _bend(x: Tensor, targets: Tensor, dice: Dice) -> tuple[Tensor, Tensor]:
    """Turned, stretched, shifted, warped; what comes into view at the sides is black or more of the same."""
    side = x.shape[-1]
    angle, size = dice.normal(0.05), dice.normal(0.09) - 0.07
    across, down = (size + dice.normal(0.08)).exp(), (size + dice.normal(0.08)).exp()
    shift_x, shift_y = dice.normal(0.10), dice.normal(0.10)
    rows = [
        torch.cat([angle.cos() * across, -angle.sin() * down, shift_x], dim=3),
        torch.cat([angle.sin() * across, angle.cos() * down, shift_y], dim=3),
    ]
    affine = torch.cat(rows, dim=1)[:, :, 0]
    grid = functional.affine_grid(affine, [len(x), 1, side, side], align_corners=False)
    warp = dice.field(side, (3, 0.03), (5, 0.022), (9, 0.008), channels=2) * dice.uniform(0, 1.4)
    grid = grid + warp.permute(0, 2, 3, 1)
    moved = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    covered = (grid.abs().amax(dim=3) < 1).float()[:, None]
    moved = moved * torch.maximum(covered, dice.chance(0.6))
    return moved, functional.grid_sample(targets, grid, padding_mode="zeros", align_corners=False)


def _expose(x: Tensor, dice: Dice) -> Tensor:
    """Contrast stretched to the full range, then gamma, a curve, uneven fields, and local contrast."""
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    x = ((x - low) / (high - low + 1e-4)).clamp(1e-4, 1) ** dice.normal(0.4).exp()
    x = x + dice.uniform(-0.12, 0.15) * torch.sin(2 * torch.pi * x)
    side = x.shape[-1]
    x = x * (1 + dice.field(side, (3, 0.15))) + dice.field(side, (3, 0.06), (9, 0.04))
    x = x + dice.field(side, (28, 1.0)) * dice.uniform(0, 0.05)
    coarse = functional.avg_pool2d(x, 8)
    local = functional.interpolate(coarse, size=x.shape[-2:], mode="bilinear", align_corners=False)
    flatter = (x - local) * dice.uniform(1.0, 2.5) + torch.lerp(local, x.mean((2, 3), keepdim=True), 0.6)
    return torch.lerp(x, flatter, dice.uniform(0, 0.8) * dice.chance(0.4))


def _tags(x: Tensor, dice: Dice) -> Tensor:
    """Bright boxes: lettering, side markers, pacemakers, buckles."""
    for _ in range(TAGS):
        right, down = _turned(x, dice)
        width, height = dice.uniform(0.01, 0.07), dice.uniform(0.01, 0.05)
        box = ((right.abs() < width) & (down.abs() < height)).float() * dice.chance(0.35)
        x = torch.lerp(x, dice.uniform(0, 1.2), box * dice.uniform(0.4, 1))
    return x


def _detector(x: Tensor, dice: Dice) -> Tensor:
    """Blurred or sharpened, with grain."""
    blurred = functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    broad = _soft(x, 5)
    x = torch.lerp(x, blurred, dice.chance(0.5) * dice.uniform(0, 0.7))
    x = x + (x - broad) * dice.uniform(0, 1.2) * dice.chance(0.4)
    grain = torch.randn(x.shape, generator=dice.rng)
    grain = torch.lerp(grain, 2 * functional.avg_pool2d(grain, 3, 1, 1), dice.chance(0.5))
    return (x + grain * dice.uniform(0, 0.05)).clamp(0, 1)


def _collimate(x: Tensor, targets: Tensor, dice: Dice) -> tuple[Tensor, Tensor]:
    """Bars on some sides, mostly black, as letterboxing and collimation leave them; what lay under a bar is gone."""
    across, down = _axis(x).transpose(2, 3), _axis(x)
    shown = torch.ones_like(x)
    both = dice.uniform(0, 0.14) * dice.chance(0.5)
    lies = dice.chance(0.5)
    for axis, share in ((across, lies), (down, 1 - lies)):
        first = both * share + dice.uniform(0, 0.06) * dice.chance(0.1)
        last = both * share + dice.uniform(0, 0.06) * dice.chance(0.1)
        shown = shown * (axis > first) * (axis < 1 - last)
    level = dice.uniform(0, 1) * dice.chance(0.15)
    return torch.lerp(level, x, shown), targets * shown


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _turned(x: Tensor, dice: Dice) -> tuple[Tensor, Tensor]:
    """Coordinates (B, 1, H, W) in sides of the picture, about a random point and turned by a random angle."""
    right = _axis(x).transpose(2, 3) - dice.uniform(-0.05, 1.05)
    down = _axis(x) - dice.uniform(-0.05, 1.05)
    angle = dice.uniform(0, 2 * torch.pi)
    return angle.cos() * right + angle.sin() * down, angle.cos() * down - angle.sin() * right


def _axis(x: Tensor) -> Tensor:
    """Pixel centres from top to bottom, (1, 1, H, 1), 0..1."""
    return ((torch.arange(x.shape[2]) + 0.5) / x.shape[2])[None, None, :, None]


def _soft(x: Tensor, width: int) -> Tensor:
    return functional.avg_pool2d(x, width, 1, width // 2, count_include_pad=False)
