"""Pictures that nobody would call a chest: noise, clouds, gradients, stripes, shapes and letters."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from medground_bench.training.unet.randomise import Dice

SIDE_PX = 112
LETTERS = "ABCDEFGHKLMNPRSTUVXYZ0123456789"


def drawn(count: int, rng: torch.Generator) -> list[Tensor]:
    """Pictures (112, 112), greys 0..1, each a mixture of two kinds."""
    kinds = (
        _noise,
        _clouds,
        _gradient,
        _stripes,
        partial(_things, kind="shapes"),
        partial(_things, kind="letters"),
    )
    pictures = []
    for _ in range(count):
        first, second = torch.randint(len(kinds), (2,), generator=rng).tolist()
        share = torch.rand(1, generator=rng) * (torch.rand(1, generator=rng) < 0.6)
        mixed = torch.lerp(kinds[first](rng), kinds[second](rng), 0.5 * share)
        low, high = mixed.amin(), mixed.amax()
        pictures.append((mixed - low) / (high - low + 1e-4))
    return pictures


def _noise(rng: torch.Generator) -> Tensor:
    return torch.rand(SIDE_PX, SIDE_PX, generator=rng)


def _clouds(rng: torch.Generator) -> Tensor:
    waves = int(torch.randint(2, 16, (1,), generator=rng))
    return Dice(1, rng).field(SIDE_PX, (waves, 1.0), (2 * waves, 0.5))[0, 0]


def _gradient(rng: torch.Generator) -> Tensor:
    """From one end to the other, or from a middle outwards."""
    across, down = _axes(rng)
    return torch.hypot(across, down) if torch.rand(1, generator=rng) < 0.5 else across


def _stripes(rng: torch.Generator) -> Tensor:
    """Waves, bars or a chequerboard."""
    across, down = _axes(rng)
    waves = torch.sin(across * torch.randint(6, 90, (1,), generator=rng))
    crossed = waves * torch.sin(down * torch.randint(6, 90, (1,), generator=rng))
    pattern = crossed if torch.rand(1, generator=rng) < 0.4 else waves
    return pattern.sign() if torch.rand(1, generator=rng) < 0.5 else pattern


def _things(rng: torch.Generator, kind: str) -> Tensor:
    """A few letters, or ellipses and rectangles, on one grey."""
    lots = np.random.default_rng(int(torch.randint(2**31, (1,), generator=rng)))
    image = Image.new("L", (SIDE_PX, SIDE_PX), int(lots.integers(256)))
    draw = ImageDraw.Draw(image)
    for _ in range(lots.integers(1, 12)):
        x, y, wide, high = lots.uniform(0, SIDE_PX, 4) * (1, 1, 0.6, 0.6)
        grey = int(lots.integers(256))
        if kind == "letters":
            font = ImageFont.load_default(size=float(lots.uniform(8, 80)))
            draw.text((x - 20, y - 20), "".join(lots.choice(list(LETTERS), 3)), fill=grey, font=font)
        else:
            shape = draw.ellipse if lots.random() < 0.5 else draw.rectangle
            shape((x - wide, y - high, x + wide, y + high), fill=grey)
    return torch.from_numpy(np.asarray(image, np.float32) / 255)


def _axes(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Coordinates (112, 112) in sides of the picture, about a random point and turned by a random angle."""
    middle, angle = torch.rand(2, generator=rng), torch.rand(1, generator=rng) * 2 * torch.pi
    steps = torch.arange(SIDE_PX) / SIDE_PX
    down, right = torch.meshgrid(steps - middle[0], steps - middle[1], indexing="ij")
    return angle.cos() * right + angle.sin() * down, angle.cos() * down - angle.sin() * right
