"""A film and what lies over it as layers of their own, for pages that fade evidence and switch boxes by themselves.

Evidence is a transparent PNG, boxes are shares of the picture. At HEAT_OPACITY the layers look as `draw_saliency` does.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from medground_bench.core.types import Box, Frame, Picture, SaliencyMap
from medground_bench.drawing.overlays import content_of
from medground_bench.drawing.palette import HEAT, Colour, Scale, shades

FILM_PX, HEAT_PX = 896, 448
"""Longer side of the layers, at most."""

LEVELS = 256


@dataclass(frozen=True, slots=True)
class BoxShares:
    """A box as a page places it: percent of the picture's width or height."""

    left: float
    top: float
    width: float
    height: float


def film_layer(picture: Picture, longest_px: int = FILM_PX) -> str:
    """The picture as the address of a WebP, aspect kept; a very long one becomes one pixel thin at the least."""
    image = Image.fromarray(picture)
    image.thumbnail((longest_px, longest_px))
    return _address(image, "WEBP", quality=88)


def exact_layer(picture: Picture) -> str:
    """The picture to the pixel, as the address of a WebP."""
    return _address(Image.fromarray(picture), "WEBP", lossless=True)


def heat_layer(saliency: SaliencyMap, native: Frame) -> str:
    """The map as the address of a PNG in heat colours, opaque where evidence is strongest, clear where it is weakest.

    The map is stretched from its minimum to its maximum; a constant one is clear everywhere.
    """
    zoom = min(1.0, HEAT_PX / max(native.width, native.height))
    width, height = (max(1, round(side * zoom)) for side in (native.width, native.height))
    values = content_of(
        saliency.values.astype(np.float64), saliency.frame, native, width=width, height=height
    )
    span = values.max() - values.min()
    strength = (values - values.min()) / span if span > 0 else np.zeros_like(values)
    image = Image.fromarray(np.rint(strength * (LEVELS - 1)).astype(np.uint8))
    palette = np.rint(shades(HEAT, np.linspace(0, 1, LEVELS))).astype(np.uint8)
    image.putpalette(palette.tobytes())
    return _address(image, "PNG", optimize=True, transparency=bytes(range(LEVELS)))


def box_shares(box: Box) -> BoxShares:
    """A box of the native frame."""
    width, height = box.frame.width / 100, box.frame.height / 100
    shares = (box.x0 / width, box.y0 / height, box.width / width, box.height / height)
    return BoxShares(*(round(share, 3) for share in shares))


def css_colour(colour: Colour) -> str:
    """As style sheets write it, such as #ffb000."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def css_scale(scale: Scale) -> str:
    """The colours of a scale from left to right."""
    return f"linear-gradient(to right, {', '.join(map(css_colour, scale))})"


def _address(image: Image.Image, kind: str, **options: object) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
