"""The U-Net: a grey picture in the study frame to one logit map per concept."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from medground_bench.core.concepts import CONCEPTS

SHRINK = 2
"""Pictures are first averaged over 2 x 2 pixels: ample for boxes, and a quarter of the work."""

STEM = 24
WIDTHS = (48, 96, 160)
"""Channels at 1/4 of the picture's side, and at 1/8, 1/16 and 1/32."""

NEIGHBOURHOOD = 4, 5
"""Local contrast is measured over 5 x 5 squares of 4 shrunken pixels."""


class AnatomyNet(nn.Module):
    """Pictures (B, H, W), any grey scale -> logits (B, 11, H / 2, W / 2), one channel for each of CONCEPTS.

    A boundary between the centres of two cells is found by interpolation, see `enlarge`. H and W are multiples of 32.
    """

    def __init__(self) -> None:
        """Random weights; `shipped.load_net` gives the trained ones."""
        super().__init__()
        self.stem = _layer(8, STEM)
        widths = (STEM, *WIDTHS)
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(_block(above, below) for above, below in pairs)
        self.up = nn.ModuleList(_block(below + above, above) for above, below in reversed(pairs[1:]))
        self.last = _layer(WIDTHS[0] + STEM, STEM)
        self.head = nn.Conv2d(STEM, 4 * len(CONCEPTS), 1)  # the four cells of each place of the stem
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return self.look(functional.avg_pool2d(pictures[:, None].float(), SHRINK))

    def look(self, shrunken: Tensor) -> Tensor:
        """As `forward` on pictures (B, 1, h, w) that are already shrunken; 2 x 2 of their pixels enter as channels."""
        cells = functional.pixel_unshuffle(_views(shrunken), 2)
        x = self.stem(cells.contiguous(memory_format=torch.channels_last))
        passed = []
        for block in self.down:
            passed.append(x)
            x = block(functional.max_pool2d(x, 2))
        for block in (*self.up, self.last):
            x = block(torch.cat([_doubled(x), passed.pop()], dim=1))
        return functional.pixel_shuffle(self.head(x), 2)


def enlarge(logits: Tensor, side_px: int) -> Tensor:
    """Logits (B, C, H, W) -> (B, C, side_px, side_px): bilinear between the centres of cells."""
    return functional.interpolate(logits, size=(side_px, side_px), mode="bilinear", align_corners=False)


def _views(x: Tensor) -> Tensor:
    """Pictures (B, 1, h, w) twice (B, 2, h, w): standardised as a whole, and within each neighbourhood."""
    whole = (x - x.mean((2, 3), keepdim=True)) / (x.std((2, 3), keepdim=True) + 1e-4)
    step, cells = NEIGHBOURHOOD
    coarse = functional.avg_pool2d(torch.cat([whole, whole.square()], dim=1), step)
    wide = functional.avg_pool2d(coarse, cells, 1, cells // 2, count_include_pad=False)
    wide = functional.interpolate(wide, scale_factor=step, mode="bilinear", align_corners=False)
    mean, square = wide[:, :1], wide[:, 1:]
    spread = (square - mean.square()).clamp_min(0).sqrt()
    return torch.cat([whole, (whole - mean) / (spread + 0.1)], dim=1)


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _layer(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


def _block(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(_layer(channels_in, channels_out), _layer(channels_out, channels_out))
