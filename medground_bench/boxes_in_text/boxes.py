"""The boxes of a text in the pixels of a picture. Nothing is evaluated, and between two conventions none is guessed.

The text is untrusted: it may hold prose, fenced blocks, an echo of the question, a list that was cut off, or a hidden
chain of thought, of which nothing is read. A text without a box is no error: it gives no box.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

from medground_bench.boxes_in_text.groups import Number, Written
from medground_bench.boxes_in_text.sides import Order, box_of
from medground_bench.boxes_in_text.tokens import written_in
from medground_bench.boxes_in_text.words import FRACTIONS, IN_PIXELS, NORMALISED, PIXELS, THOUSANDTHS, UNITS
from medground_bench.types import Box, Frame
from medground_bench.visible_text import visible


@dataclass(frozen=True, slots=True)
class BoxConvention:
    """How an LVLM family writes a bare list of four numbers: positions in a raster that covers the whole picture.

    raster  Frame("thousandths", 1000, 1000), or the pixels of the picture as given, or as resized for the model
    """

    raster: Frame
    order: Order = Order.X_FIRST


@dataclass(frozen=True, slots=True)
class BoxesRead:
    """The boxes of a text, in its order, each once, at most 10.

    refused  pieces of the text that look like boxes and are not read: at most 10, each once and 80 characters long
    """

    boxes: tuple[Box, ...]
    refused: tuple[str, ...] = ()


MOST_CHARACTERS = 20_000
"""More of a visible text is not read; a response has 512 tokens at most."""

MOST_BOXES = 10
MOST_REFUSED = 10
MOST_REFUSED_CHARACTERS = 80


BEYOND = 0.25
"""Numbers may lie outside of the raster that is said by so much of its side; further, what is said is wrong."""

LEAST_PIXELS = 2
"""Numbers all below it are no box in pixels."""


def boxes_in(text: str, convention: BoxConvention, picture: Frame) -> BoxesRead:
    """Boxes in the pixels of `picture`, clipped to it; of hidden chains there are none.

    Read are four numbers in brackets or under the key of a box, two corners, named sides, and the tags and tokens of
    `meanings`. A key, a tag or a unit that states an order or a raster has the last word, then a list of names such as
    [ymin, xmin, ymax, xmax] before, then the convention. Four numbers that all lie in 0..1, or a little beyond, are
    fractions of the sides, whatever the convention: no box is one pixel large. An empty, reversed or outside box is
    refused, and so is one whose numbers contradict what is said of their raster.
    """
    boxes: dict[Box, None] = {}
    refused: dict[str, None] = {}
    text = unicodedata.normalize("NFKC", visible(text)[:MOST_CHARACTERS])[:MOST_CHARACTERS]
    text = text.replace("\N{MINUS SIGN}", "-").replace("&quot;", '"')
    family = _family(text, convention)
    for written in written_in(text, convention.order):
        box = _box(written, family, picture)
        if box is not None:
            boxes[box] = None
        else:
            piece = " ".join(text[written.start : written.end].split())
            refused["".join(filter(str.isprintable, piece))[:MOST_REFUSED_CHARACTERS]] = None
    return BoxesRead(tuple(boxes)[:MOST_BOXES], tuple(refused)[:MOST_REFUSED])


def _box(written: Written, family: Frame | None, picture: Frame) -> Box | None:
    """None for one that is refused."""
    if written.sides is None or not all(math.isfinite(number.value) for number in written.sides.values()):
        return None
    raster = _raster(list(written.sides.values()), written.raster, family)
    corners = box_of({side: number.value for side, number in written.sides.items()})
    if raster is None or corners is None:
        return None
    across, down = picture.width / raster.width, picture.height / raster.height
    x0, x1 = (min(max(x * across, 0.0), float(picture.width)) for x in corners[::2])
    y0, y1 = (min(max(y * down, 0.0), float(picture.height)) for y in corners[1::2])
    return Box(x0, y0, x1, y1, picture) if x0 < x1 and y0 < y1 else None


def _raster(numbers: list[Number], stated: Frame | None, family: Frame | None) -> Frame | None:
    """What the numbers are positions in; None where that is in doubt, or they contradict it."""
    units, values = {number.unit for number in numbers}, [number.value for number in numbers]
    rasters = {raster for raster in (stated, UNITS[numbers[0].unit]) if raster}
    if len(units) > 1 or len(rasters) > 1:
        return None
    raster = next(iter(rasters), None)
    if raster in (None, FRACTIONS, THOUSANDTHS) and min(values) >= -BEYOND and max(values) <= 1 + BEYOND:
        return FRACTIONS
    if raster is None:
        raster = family
    elif raster is PIXELS:
        raster = family if family != THOUSANDTHS else None
    elif max(values) > (1 + BEYOND) * raster.width:
        raster = None
    return raster if max(values) >= LEAST_PIXELS else None


def _family(text: str, convention: BoxConvention) -> Frame | None:
    """The raster of the family; None where the text itself says that it is another."""
    said = IN_PIXELS if convention.raster == THOUSANDTHS else NORMALISED
    return None if said.search(text) else convention.raster
