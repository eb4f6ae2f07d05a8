"""Overlays on a radiograph, at its own size: boxes and saliency. Pillow only; every function returns RGB.

Boxes, maps and masks may be in the picture's own frame or in the study frame of its letterbox; the latter are brought
to the picture first. Any other size raises FrameMismatch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from medground_bench.core.errors import FrameMismatch
from medground_bench.core.geometry import Letterbox, resize_bilinear
from medground_bench.core.types import Box, Frame, Picture, SaliencyMap
from medground_bench.drawing.fonts import letters
from medground_bench.drawing.palette import BRIGHT, HEAT, INK, shades
from medground_bench.drawing.rectangles import Rectangle, first_free

HEAT_OPACITY = 0.65
"""Of the strongest evidence."""

PAGE_SIDE_PX = 2048
"""Of a picture on a web page, at most; WebP, in which pages show pictures, ends at 16,383."""


def draw_boxes(picture: Picture, boxes: Mapping[str, Sequence[Box]]) -> Image.Image:
    """Boxes by label, in the bright colours in order, the label written at the first box.

    Lines are a 220th of the shorter side wide, letters a 34th high. Boxes in the padding are left out.
    """
    image = Image.fromarray(picture).convert("RGB")
    _outline(image, boxes, Frame.native_of(picture))
    return image


def draw_saliency(
    picture: Picture, saliency: SaliencyMap, boxes: Mapping[str, Sequence[Box]] | None = None
) -> Image.Image:
    """The map over the picture in heat colours, lighter and more opaque where evidence is stronger; boxes on top.

    The map is stretched from its minimum to its maximum; a constant one leaves the picture as it is.
    """
    native = Frame.native_of(picture)
    full = {"width": native.width, "height": native.height}
    values = content_of(saliency.values.astype(np.float64), saliency.frame, native, **full)
    span = values.max() - values.min()
    strength = (values - values.min()) / span if span > 0 else np.zeros_like(values)
    greys = np.repeat(picture[..., None], 3, -1).astype(np.float64)
    image = _blend(greys, shades(HEAT, strength), HEAT_OPACITY * strength)
    _outline(image, boxes or {}, native)
    return image


def for_page(image: Image.Image) -> Image.Image:
    """The picture small enough for a web page, aspect kept; a very long one becomes one pixel thin at the least."""
    if max(image.size) <= PAGE_SIDE_PX:
        return image
    smaller = image.copy()
    smaller.thumbnail((PAGE_SIDE_PX, PAGE_SIDE_PX))
    return smaller


def letterbox_of(frame: Frame, native: Frame) -> Letterbox | None:
    """The letterbox that leads from a frame to the picture; None when the frame is the picture itself."""
    if (frame.width, frame.height) == (native.width, native.height):
        return None
    if frame.name == "study" and frame.width == frame.height:
        return Letterbox.fit(native, frame.width)
    raise FrameMismatch(
        f"{frame} is neither the picture ({native.width} x {native.height} px) nor its study frame. "
        "Draw on the picture it belongs to."
    )


def box_on_picture(box: Box, native: Frame) -> Box | None:
    """A box of the picture or of its study frame, on the picture; None for one in the padding."""
    letterbox = letterbox_of(box.frame, native)
    return box if letterbox is None else letterbox.to_native(box)


def content_of(
    values: NDArray[np.float64], frame: Frame, native: Frame, *, width: int, height: int
) -> NDArray[np.float64]:
    """Values over `frame`, the picture's or its study frame, as pixels of the picture drawn so large."""
    letterbox = letterbox_of(frame, native)
    if letterbox is None:
        return resize_bilinear(values, width=width, height=height)
    study = resize_bilinear(values, width=frame.width, height=frame.height)
    rows = slice(letterbox.top, letterbox.top + letterbox.content_height)
    columns = slice(letterbox.left, letterbox.left + letterbox.content_width)
    return resize_bilinear(study[rows, columns], width=width, height=height)


def _blend(base: NDArray[np.float64], over: NDArray[np.float64], opacity: NDArray[np.float64]) -> Image.Image:
    mixed = base + opacity[..., None] * (over - base)
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def _outline(image: Image.Image, boxes: Mapping[str, Sequence[Box]], native: Frame) -> None:
    """Draw all boxes, then the label of each first one where it covers no other label."""
    draw = ImageDraw.Draw(image)
    line_px = max(1, round(min(image.size) / 220))
    font = letters(max(10, round(min(image.size) / 34)))
    colours = dict(zip(boxes, cycle(BRIGHT), strict=False))
    shown = {label: _on_picture(several, native) for label, several in boxes.items()}
    for label, several in shown.items():
        for box in several:
            x0, y0, x1, y1 = (round(value) for value in box.xyxy)
            edges = (x0, y0, max(x0, x1 - 1), max(y0, y1 - 1))
            draw.rectangle(edges, outline=colours[label], width=line_px)
    placed: list[Rectangle] = []
    for label, several in shown.items():
        if several and label:
            room = draw.textbbox((0, 0), label, font=font)
            place = _label_place(room, several[0], image.size, placed)
            placed.append(place)
            draw.rectangle(place, fill=INK)
            draw.text((place[0] + 2, place[1]), label, font=font, fill=colours[label])


def _on_picture(boxes: Sequence[Box], native: Frame) -> list[Box]:
    """Those that are not in the padding, on the picture."""
    return [shown for box in boxes if (shown := box_on_picture(box, native)) is not None]


def _label_place(text: Rectangle, box: Box, size: tuple[int, int], placed: Sequence[Rectangle]) -> Rectangle:
    """Above the box, else the first free place below that, else the first above; always inside the picture."""
    width, height = text[2] + 4, text[3] + 2
    x = min(max(0.0, box.x0), max(0.0, size[0] - width))
    lowest = max(0.0, size[1] - height)
    first = min(max(0.0, box.y0 - height), lowest)
    rows = [*np.arange(first, lowest + 1, height), *np.arange(first, -1, -height)]
    places = [(x, float(y), x + width, float(y) + height) for y in rows]
    return first_free(places, placed)
