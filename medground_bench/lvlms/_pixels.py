"""From grey pictures to the numbers a vision tower takes, the same as its own image processor, and differentiable.

Pictures of grey levels (uint8) are resized by Pillow and looked up in a table of the 256 normalised levels of each
channel: bit-equal to the image processor of transformers (PIL back end), at a fraction of its time. Pictures of floats
take the same filter without its rounding to whole grey levels, so that a gradient can flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from medground_bench.errors import Unsupported

FILTERS = {Image.Resampling.BILINEAR: "bilinear", Image.Resampling.BICUBIC: "bicubic"}
"""Pillow's filter -> the name of torch's, which follows Pillow's when antialiasing is on."""


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
    def of(cls, image_processor: Any, device: torch.device) -> PixelPath:
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
        resized = [
            np.asarray(Image.fromarray(picture).resize((width, height), self.resample))
            for picture in pictures
        ]
        grey = torch.from_numpy(np.stack(resized)).to(self.levels.device)
        return self.levels[:, grey.int()].movedim(0, 1)

    def of_floats(self, pictures: Tensor, *, width: int, height: int) -> Tensor:
        """The same of float pictures (pictures, height, width), 0..255, differentiable."""
        resized = torch.nn.functional.interpolate(
            pictures[:, None], size=(height, width), mode=FILTERS[self.resample], antialias=True
        )
        return (resized.clamp(0, 255) * self.rescale_factor - self.mean) / self.std
