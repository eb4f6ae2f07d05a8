"""The network that tells views apart: a grey picture to one logit per view."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from medground_bench.anatomy.view.views import View

SIDE_PX = 64
WIDTHS = (16, 32, 48, 48, 48)
"""Channels at 1/2 of the picture's side, and at 1/2, 1/4, 1/8 and 1/16."""
BLACK = 1 / 512
"""Below this a pixel is a letterbox's, of greys 0..1: half of the darkest grey that is not black."""


class ViewNet(nn.Module):
    """Squares of `squares` (B, 1, 64, 64) -> logits (B, 5), one for each of `View`."""

    def __init__(self) -> None:
        """Random weights; `shipped.shipped_net` gives the trained ones."""
        super().__init__()
        stem, *others = WIDTHS
        layers = [nn.Conv2d(1, stem, 5, 2, 2, bias=False), nn.BatchNorm2d(stem), nn.ReLU()]
        for above, below in zip(WIDTHS, others, strict=False):
            layers += [nn.Conv2d(above, below, 3, padding=1, bias=False), nn.BatchNorm2d(below), nn.ReLU()]
            layers += [nn.MaxPool2d(2)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(WIDTHS[-1] * 4, len(View))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, squares: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.head(self.layers(squares).flatten(1))
        return logits


def squares(pictures: Iterable[Tensor]) -> Tensor:
    """Pictures (H, W) of any sizes, greys 0..1 -> (B, 1, 64, 64) of mean 0 and spread 1.

    Only `content` is seen, made square, so that no letterbox and no native size can tell anything.
    """
    x = torch.stack([functional.adaptive_avg_pool2d(content(each)[None], SIDE_PX) for each in pictures])
    return (x - x.mean((2, 3), keepdim=True)) / (x.std((2, 3), keepdim=True) + 1e-4)


def content(picture: Tensor) -> Tensor:
    """The part (h, w) of a picture within edges that are black throughout; all of a picture that is nothing else."""
    bright = picture > BLACK
    rows, columns = (bright.any(axis).nonzero()[:, 0].tolist() for axis in (1, 0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows else picture
