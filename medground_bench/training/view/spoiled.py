"""Upright frontal pictures turned into other views: what is told apart is what was done to them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from medground_bench.anatomy.view.network import content

QUARTERS = (1, 2, 3)
LEAST_CROP, LARGEST_CROP = 0.12, 1 / 3
"""Of a picture's side: with less than a third of it, no chest can be told from a part of one."""

LARGEST_TRIM = 0.28
"""Of a lateral picture's width, on either side."""


def mirrored(picture: Tensor) -> Tensor:
    """Left and right exchanged."""
    return picture.flip(1)


def inverted(picture: Tensor, rng: torch.Generator) -> Tensor:
    """Black and white exchanged, in half of the cases after the black edges went; mirrored too in half of them."""
    given = content(picture) if _chance(rng) else picture
    return 1 - (mirrored(given) if _chance(rng) else given)


def turned(picture: Tensor, rng: torch.Generator) -> Tensor:
    """By one, two or three quarters; mirrored too in half of the cases."""
    given = mirrored(picture) if _chance(rng) else picture
    return given.rot90(QUARTERS[int(torch.randint(len(QUARTERS), (1,), generator=rng))])


def cropped(picture: Tensor, rng: torch.Generator) -> Tensor:
    """A part of less than a third of either side, as large as the whole."""
    seen = content(picture)
    share = LEAST_CROP + (LARGEST_CROP - LEAST_CROP) * torch.rand(1, generator=rng)
    height, width = (max(2, int(share * length)) for length in seen.shape)
    top = int(torch.randint(seen.shape[0] - height + 1, (1,), generator=rng))
    left = int(torch.randint(seen.shape[1] - width + 1, (1,), generator=rng))
    part = seen[None, None, top : top + height, left : left + width]
    return functional.interpolate(part, size=seen.shape, mode="bilinear", align_corners=False)[0, 0]


def shuffled(picture: Tensor, rng: torch.Generator) -> Tensor:
    """Cut into 9 or 16 pieces that change places."""
    pieces = int(torch.randint(3, 5, (1,), generator=rng))
    side = [length // pieces for length in content(picture).shape]
    seen = content(picture)[: side[0] * pieces, : side[1] * pieces]
    cut = seen.reshape(pieces, side[0], pieces, side[1]).transpose(1, 2).reshape(-1, *side)
    mixed = cut[torch.randperm(pieces**2, generator=rng)].reshape(pieces, pieces, *side)
    return mixed.transpose(1, 2).reshape(seen.shape)


def no_chest(picture: Tensor, rng: torch.Generator) -> Tensor:
    """Turned, cropped or shuffled."""
    way = (turned, cropped, shuffled)[int(torch.randint(3, (1,), generator=rng))]
    return way(picture, rng)


def trimmed(picture: Tensor, rng: torch.Generator) -> Tensor:
    """A lateral view that faces either way, with more or less of the air before and behind the patient."""
    left, right = (int(share * picture.shape[1]) for share in LARGEST_TRIM * torch.rand(2, generator=rng))
    seen = picture[:, left : picture.shape[1] - right]
    return mirrored(seen) if _chance(rng) else seen


def _chance(rng: torch.Generator) -> bool:
    return bool(torch.rand(1, generator=rng) < 0.5)
