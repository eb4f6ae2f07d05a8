"""From grey pictures to the numbers a vision tower takes, the same as its own image processor, and differentiable.

Pictures of grey levels (uint8) are resized by Pillow and looked up in a table of the 256 normalised levels of each
channel: bit-equal to the image processor of transformers (PIL back end), at a fraction of its time. Of pictures that
are one picture with parts hidden, only what a mask touches is resized again. Pictures of floats take the same filter
without its rounding to whole grey levels, so that a gradient can flow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from medground_bench.core.errors import Unsupported
from medground_bench.lvlms.engine.untyped import ImageProcessor

FILTERS = {Image.Resampling.BILINEAR: "bilinear", Image.Resampling.BICUBIC: "bicubic"}
"""Pillow's filter -> the name of torch's, which follows Pillow's when antialiasing is on."""

REACH = {Image.Resampling.BILINEAR: 1, Image.Resampling.BICUBIC: 2}
"""How far a filter looks to either side, in pixels of the coarser of its two rasters."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelPath:
    """Resize filter and normalisation of one image processor, on one device.

    levels  (3, 256): the normalised value of each grey level in each channel
    """

    levels: Tensor
    resample: Image.Resampling
    rescale_factor: float
    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, image_processor: ImageProcessor, device: torch.device) -> PixelPath:
        """The path of a transformers image processor with the PIL back end."""
        settings = image_processor
        resample = Image.Resampling(settings.resample)
        if resample not in FILTERS:
            raise Unsupported(f"the image processor resizes by {resample.name}; known: bilinear, bicubic.")
        if not (settings.do_resize and settings.do_rescale and settings.do_normalize):
            raise Unsupported(
                "the image processor must resize, rescale and normalise; this one leaves a step out."
            )
        grey = np.arange(256, dtype=np.uint8).reshape(1, 1, 256).repeat(3, axis=0)
        scaled = settings.rescale(grey, settings.rescale_factor)
        levels = settings.normalize(scaled, settings.image_mean, settings.image_std)[:, 0]
        mean, std = (
            torch.tensor(v, device=device)[:, None, None] for v in (settings.image_mean, settings.image_std)
        )
        return cls(torch.from_numpy(levels.copy()).to(device), resample, settings.rescale_factor, mean, std)

    def of_levels(self, pictures: Sequence[NDArray[np.uint8]], *, width: int, height: int) -> Tensor:
        """Normalised values (pictures, 3, height, width) float32 of grey levels."""
        grey = torch.from_numpy(resized(pictures, width, height, self.resample)).to(self.levels.device)
        values = torch.unflatten(self.levels.index_select(1, grey.flatten().int()), 1, grey.shape)
        return values.movedim(0, 1)

    def of_floats(self, pictures: Tensor, *, width: int, height: int) -> Tensor:
        """The same of float pictures (pictures, height, width), 0..255, differentiable."""
        resized = torch.nn.functional.interpolate(
            pictures[:, None], size=(height, width), mode=FILTERS[self.resample], antialias=True
        )
        return (resized.clamp(0, 255) * self.rescale_factor - self.mean) / self.std


def resized(
    pictures: Sequence[NDArray[np.uint8]], width: int, height: int, resample: Image.Resampling
) -> NDArray[np.uint8]:
    """Pillow's resize of pictures of one size, (pictures, height, width), each bit-equal to resizing it alone.

    The first is resized whole. Another one is the same wherever no changed pixel is within the filter's reach, so only
    the part within is resized, by Pillow's own `box`. That rounds as the whole does when the step from one pixel to the
    next is a whole number of 1/1024 pixels, as from 224 to 896 or 112; at other steps every picture is resized whole.
    """
    across = _Axis(pictures[0].shape[1], width, REACH[resample])
    down = _Axis(pictures[0].shape[0], height, REACH[resample])
    first = np.asarray(Image.fromarray(pictures[0]).resize((width, height), resample))
    whole = np.repeat(first[None], len(pictures), axis=0)
    for picture, grey in zip(pictures[1:], whole[1:], strict=True):
        changed = picture != pictures[0]
        if not changed.any():
            continue
        columns, rows = across.touched(changed.any(axis=0)), down.touched(changed.any(axis=1))
        box = (
            columns.start * across.step,
            rows.start * down.step,
            columns.stop * across.step,
            rows.stop * down.step,
        )
        size = (columns.stop - columns.start, rows.stop - rows.start)
        grey[rows, columns] = np.asarray(Image.fromarray(picture).resize(size, resample, box=box))
    return whole


@dataclass(frozen=True, slots=True)
class _Axis:
    """One direction of a resize from `before` pixels to `after`, by a filter of that reach."""

    before: int
    after: int
    reach: int

    @property
    def step(self) -> float:
        """Pixels of the picture from one pixel of the result to the next."""
        return self.before / self.after

    def touched(self, changed: NDArray[np.bool_]) -> slice:
        """The pixels of the result that may see a changed pixel; all of them at a step that a box would round."""
        if not (self.step * 1024).is_integer():
            return slice(0, self.after)
        [places] = changed.nonzero()
        reach = self.reach * max(1.0, self.step) + 1
        start = math.floor((places[0] - reach) / self.step)
        stop = math.ceil((places[-1] + 1 + reach) / self.step)
        return slice(max(0, start), min(self.after, stop))
