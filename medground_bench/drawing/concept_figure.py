"""The figure of all concepts on a picture: masks tinted, boxes numbered, and a legend beside it. Pillow only.

Eleven colours cannot all be told apart by everyone, and eleven names would hide the picture; numbers do neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from medground_bench.core.concepts import CONCEPTS, ConceptRegions
from medground_bench.core.types import Frame, Mask, Picture
from medground_bench.drawing.cells import Cell, draw_cell
from medground_bench.drawing.fonts import letters
from medground_bench.drawing.overlays import box_on_picture, letterbox_of
from medground_bench.drawing.palette import BRIGHT, INK, PAPER, Colour
from medground_bench.drawing.rectangles import Rectangle, first_free

LONGER_SIDE_PX = 1100
MASK_OPACITY = 64
"""Of 255."""

LINE_PX = 3
TAG_PX = 30
TEXT_PX = 24


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the legend; `box` in pixels of the figure, None for a concept that was not found."""

    number: int
    name: str
    colour: Colour
    box: Rectangle | None

    @property
    def text(self) -> str:
        return self.name if self.box else f"{self.name} (not found)"


def draw_concepts(picture: Picture, regions: ConceptRegions) -> Image.Image:
    """The picture, 1100 px long whatever its size, with every concept in a colour and under a number of its own.

    Concepts that were not found stand in the legend alone. Regions may be in the frame of the picture, or of its study.
    """
    native, zoom = Frame.native_of(picture), LONGER_SIDE_PX / max(picture.shape)
    width, height = (max(1, round(side * zoom)) for side in (native.width, native.height))
    entries = _entries(picture, regions, zoom)
    legend_px = round(3.5 * TAG_PX + max(letters(TEXT_PX).getlength(entry.text) for entry in entries))
    longest = max(height, TAG_PX * (2 * len(entries) + 1))
    figure = Image.new("RGB", (width + legend_px, longest), PAPER)
    figure.paste(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
    for entry in entries:
        if entry.name in regions.masks:
            opacity = _opacity(regions.masks[entry.name], regions.frame, native, (width, height))
            figure.paste(entry.colour, (0, 0, width, height), opacity)
    draw = ImageDraw.Draw(figure)
    _draw_boxes(draw, entries, (width, height))
    for place, entry in enumerate(entries):
        x, y = width + TAG_PX, TAG_PX * (2 * place + 1)
        _draw_tag(draw, (x, y), entry)
        draw.text(
            (x + 1.5 * TAG_PX, y + TAG_PX / 2), entry.text, font=letters(TEXT_PX), fill=INK, anchor="lm"
        )
    return figure


def _entries(picture: Picture, regions: ConceptRegions, zoom: float) -> list[_Entry]:
    """The usual concepts in the usual order, then others by name."""
    there = {*regions.boxes, *regions.missing}
    names = [name for name in (*CONCEPTS, *sorted(there - set(CONCEPTS))) if name in there]
    entries = []
    for place, name in enumerate(names):
        box = regions.boxes.get(name)
        shown = None if box is None else box_on_picture(box, Frame.native_of(picture))
        x0, y0, x1, y1 = (value * zoom for value in shown.xyxy) if shown else (0.0, 0.0, 0.0, 0.0)
        entries.append(
            _Entry(place + 1, name, BRIGHT[place % len(BRIGHT)], (x0, y0, x1, y1) if shown else None)
        )
    return entries


def _opacity(mask: Mask, frame: Frame, native: Frame, size: tuple[int, int]) -> Image.Image:
    """How much of a colour a mask, of the picture or of its study frame, puts on the picture as it is drawn."""
    image, letterbox = Image.fromarray(mask.astype(np.uint8) * 255), letterbox_of(frame, native)
    content = None
    if letterbox is not None:
        left, top = letterbox.left, letterbox.top
        content = (left, top, left + letterbox.content_width, top + letterbox.content_height)
    enlarged = image.resize(size, Image.Resampling.BILINEAR, box=content)
    return enlarged.point([0] * 128 + [MASK_OPACITY] * 128)


def _draw_boxes(draw: ImageDraw.ImageDraw, entries: Sequence[_Entry], size: tuple[int, int]) -> None:
    """Outlines, then each box's tag, small boxes first because they have the fewest places for it."""
    boxes = [(entry, entry.box) for entry in entries if entry.box]
    for entry, (x0, y0, x1, y1) in boxes:
        draw.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), outline=entry.colour, width=LINE_PX)
    placed: list[Rectangle] = []
    for entry, box in sorted(boxes, key=lambda each: (each[1][2] - each[1][0]) * (each[1][3] - each[1][1])):
        place = first_free(list(_tag_places(box, size)), placed)
        placed.append(place)
        _draw_tag(draw, place[:2], entry)


def _tag_places(box: Rectangle, size: tuple[int, int]) -> Iterator[Rectangle]:
    """The corners of a box, then places along its upper, left and right edges; all on the picture."""
    x0, y0, right, bottom = box[0], box[1], box[2] - TAG_PX, box[3] - TAG_PX
    corners = [(x0, y0), (right, y0), (x0, bottom), (right, bottom)]
    along = [(x, y0) for x in np.arange(x0, right, TAG_PX)]
    along += [(x, y) for y in np.arange(y0, bottom, TAG_PX) for x in (x0, right)]
    for wanted_x, wanted_y in [*corners, *along]:
        x = min(max(0.0, float(wanted_x)), max(0.0, size[0] - TAG_PX))
        y = min(max(0.0, float(wanted_y)), max(0.0, size[1] - TAG_PX))
        yield (x, y, x + TAG_PX, y + TAG_PX)


def _draw_tag(draw: ImageDraw.ImageDraw, corner: tuple[float, float], entry: _Entry) -> None:
    edges = (*corner, corner[0] + TAG_PX, corner[1] + TAG_PX)
    draw_cell(draw, edges, Cell(str(entry.number), entry.colour), letters(TEXT_PX))
