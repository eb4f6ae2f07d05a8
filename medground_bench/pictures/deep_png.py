"""PNG of 16 bits a sample, at full depth in every colour.

Pillow hands all but the grey ones over as their high bytes. It can be asked for the low bytes as well, by reading the
same lines as samples of the other byte order, so the file is decoded twice and the halves are put together. A grey one
with opacity has lines of four bytes a pixel, which is what RGBA of 8 bits has: it is decoded once, as that.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medground_bench.pictures.greys import Values
from medground_bench.pictures.png_lines import SAMPLES
from medground_bench.pictures.samples import Samples
from medground_bench.pictures.sizes import demand_size

DEPTH_AT, COLOUR_AT = 24, 25
GREY, RGB, GREY_ALPHA = 0, 2, 4
_EXIF_ORIENTATION = 0x0112
FULL = 65535


def is_deep_png(content: bytes) -> bool:
    """Whether the header of a PNG file says 16 bits a sample."""
    return content[DEPTH_AT : DEPTH_AT + 1] == b"\x10"


def read_deep_png(content: bytes) -> Samples:
    """All samples, uint16; Pillow's own errors for a damaged file, BadPicture for one too large."""
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        colour = content[COLOUR_AT]
        demand_size(image.width, image.height, sample_bytes=2 * SAMPLES.get(colour, 1))
        clear = image.info.get("transparency")
        samples = _samples(content, colour)
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    if colour == GREY:
        return Samples(
            samples, 16, _keyed(samples == clear) if clear is not None else None, orientation=orientation
        )
    if colour == RGB:
        hidden = (samples == np.array(clear, np.uint16)).all(axis=-1) if clear is not None else None
        opacity = _keyed(hidden) if hidden is not None else None
        return Samples(samples, 16, opacity, orientation=orientation)
    opacity = (samples[..., -1] / FULL).astype(np.float32)
    colours: Values = samples[..., 0] if colour == GREY_ALPHA else samples[..., :3]
    return Samples(colours, 16, opacity, orientation=orientation)


def _samples(content: bytes, colour: int) -> NDArray[np.uint16]:
    """(height, width) for grey, else (height, width, samples)."""
    if colour == GREY:
        return _lines(content, "I;16B").astype(np.uint16)
    if colour == GREY_ALPHA:
        halves = _lines(content, "RGBA")
        high, low = halves[..., 0::2], halves[..., 1::2]
    else:
        mode = "RGB" if colour == RGB else "RGBA"
        high, low = _lines(content, f"{mode};16B"), _lines(content, f"{mode};16L")
    samples = high.astype(np.uint16)
    samples <<= 8
    samples |= low
    return samples


def _lines(content: bytes, layout: str) -> Values:
    """The picture with its lines read as another layout of the same number of bytes."""
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        image.tile = [tile._replace(args=layout) for tile in image.tile]
        return np.asarray(image)


def _keyed(hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
    return (~hidden).astype(np.float32)
