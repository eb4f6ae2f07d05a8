"""Overlays on a radiograph, at its own size: boxes and saliency. Pillow only; every function returns RGB.

Boxes, maps and masks may be in the picture's own frame or in the study frame of its letterbox; the latter are brought
to the picture first. Any other size raises FrameMismatch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from medground_bench.core.errors import FrameMismatch
from medground_bench.core.geometry import Letterbox, resize_bilinear
from medground_bench.core.types import Box, Frame, Picture, SaliencyMap

Colour = tuple[int, int, int]
Rectangle = tuple[float, float, float, float]

COLOURS: tuple[Colour, ...] = (
    (255, 176, 0),
    (86, 180, 233),
    (0, 200, 140),
    (255, 105, 180),
    (240, 228, 66),
    (255, 110, 60),
    (150, 140, 255),
    (190, 255, 120),
    (120, 255, 255),
    (255, 170, 150),
    (220, 150, 255),
)
"""Bright on grey, in order. Eleven cannot all be told apart by everyone, so concepts carry a number as well."""

HEAT = np.array([[0, 0, 0], [80, 18, 123], [182, 54, 121], [251, 136, 97], [252, 253, 191]], np.float64)
"""Anchors of the heat colours, dark to light, evenly spaced: order survives in a black and white print."""

HEAT_OPACITY = 0.65

PAGE_SIDE_PX = 2048
"""Of a picture on a web page, at most; WebP, in which pages show pictures, ends at 16,383."""


def draw_boxes(picture: Picture, boxes: Mapping[str, Sequence[Box]]) -> Image.Image:
    """Boxes by label, one colour a label, the label written at the first box. Boxes in the padding are left out."""
    native = native_frame(picture)
    layers = {label: [box_on_picture(box, native) for box in labelled] for label, labelled in boxes.items()}
    colours = {label: COLOURS[number % len(COLOURS)] for number, label in enumerate(boxes)}
    return _outlined(Image.fromarray(picture).convert("RGB"), layers, colours)


def draw_saliency(
    picture: Picture, saliency: SaliencyMap, boxes: Mapping[str, Sequence[Box]] | None = None
) -> Image.Image:
    """The map over the picture, lighter and more opaque where evidence is stronger; boxes on top when given.

    The map is stretched from its minimum to its maximum; a constant one leaves the picture as it is.
    """
    native = native_frame(picture)
    values = _content(saliency.values.astype(np.float64), saliency.frame, native)
    span = values.max() - values.min()
    strength = (values - values.min()) / span if span > 0 else np.zeros_like(values)
    anchors = np.linspace(0, 1, len(HEAT))
    colours = np.stack([np.interp(strength, anchors, HEAT[:, channel]) for channel in range(3)], -1)
    blended = _blend(
        np.repeat(picture[..., None], 3, -1).astype(np.float64), colours, HEAT_OPACITY * strength
    )
    if not boxes:
        return blended
    layers = {label: [box_on_picture(box, native) for box in labelled] for label, labelled in boxes.items()}
    return _outlined(blended, layers, {label: COLOURS[n % len(COLOURS)] for n, label in enumerate(boxes)})


def native_frame(picture: Picture) -> Frame:
    """The picture's own frame."""
    height, width = picture.shape
    return Frame("native", width=width, height=height)


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


def _content(values: NDArray[np.float64], frame: Frame, native: Frame) -> NDArray[np.float64]:
    """Values over `frame` as pixels of the picture."""
    letterbox = letterbox_of(frame, native)
    if letterbox is None:
        return resize_bilinear(values, width=native.width, height=native.height)
    study = resize_bilinear(values, width=frame.width, height=frame.height)
    rows = slice(letterbox.top, letterbox.top + letterbox.content_height)
    columns = slice(letterbox.left, letterbox.left + letterbox.content_width)
    return resize_bilinear(study[rows, columns], width=native.width, height=native.height)


def _blend(base: NDArray[np.float64], over: NDArray[np.float64], opacity: NDArray[np.float64]) -> Image.Image:
    mixed = base + opacity[..., None] * (over - base)
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def _outlined(
    image: Image.Image, layers: Mapping[str, Sequence[Box | None]], colours: Mapping[str, Colour]
) -> Image.Image:
    draw = ImageDraw.Draw(image)
    line_px = max(1, round(min(image.size) / 220))
    font = ImageFont.load_default(size=max(10, round(min(image.size) / 34)))
    seen = {label: [box for box in boxes if box is not None] for label, boxes in layers.items()}
    for label, boxes in seen.items():
        for box in boxes:
            x0, y0, x1, y1 = (round(value) for value in box.xyxy)
            edges = (x0, y0, max(x0, x1 - 1), max(y0, y1 - 1))
            draw.rectangle(edges, outline=colours[label], width=line_px)
    placed: list[Rectangle] = []
    for label, boxes in seen.items():
        if not boxes or not label:
            continue
        place = _label_place(draw.textbbox((0, 0), label, font=font), boxes[0], image.size, placed)
        placed.append(place)
        draw.rectangle(place, fill=(0, 0, 0))
        draw.text((place[0] + 2, place[1]), label, font=font, fill=colours[label])
    return image


def _label_place(text: Rectangle, box: Box, size: tuple[int, int], placed: Sequence[Rectangle]) -> Rectangle:
    """Above the box, else the first free place below that, else the first above; always inside the picture."""
    width, height = text[2] + 4, text[3] + 2
    x = min(max(0.0, box.x0), max(0.0, size[0] - width))
    lowest = max(0.0, size[1] - height)
    first = min(max(0.0, box.y0 - height), lowest)
    rows = [*np.arange(first, lowest + 1, height), *np.arange(first, -1, -height)]
    places = [(x, float(y), x + width, float(y) + height) for y in rows]
    return first_free(places, placed)


def for_page(image: Image.Image) -> Image.Image:
    """The picture small enough for a web page, aspect kept; a very long one becomes one pixel thin at the least."""
    if max(image.size) <= PAGE_SIDE_PX:
        return image
    smaller = image.copy()
    smaller.thumbnail((PAGE_SIDE_PX, PAGE_SIDE_PX))
    return smaller


def first_free(places: Sequence[Rectangle], placed: Sequence[Rectangle]) -> Rectangle:
    """The first place that touches none of those that are taken; the first of all when there is none."""
    return next((place for place in places if not any(_touch(place, other) for other in placed)), places[0])


def _touch(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
