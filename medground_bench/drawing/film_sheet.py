"""Many films on one sheet, each with boxes and two lines of caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from medground_bench.core.types import Box, Picture
from medground_bench.drawing.fonts import letters
from medground_bench.drawing.palette import INK, PAPER, Colour

COLUMNS = 4
CAPTION_PX, GAP_PX = 34, 6
GREYS = 64
"""Of the pictures on the sheet, so that the noise on them is not most of its file."""


@dataclass(frozen=True, eq=False)
class FilmTile:
    """A square picture, the boxes on it in the order in which they are drawn, and what stands below it."""

    picture: Picture
    boxes: Sequence[tuple[Box, Colour]]
    caption: tuple[str, str]


def draw_film_sheet(tiles: Sequence[FilmTile], title: str) -> NDArray[np.uint8]:
    """(H, W, 3): all films in rows of four, below the title; all have the side of the first."""
    side = len(tiles[0].picture)
    width, height = side + GAP_PX, side + CAPTION_PX
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width - GAP_PX, CAPTION_PX + rows * height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((2, 8), title, font=letters(13), fill=INK)
    for place, tile in enumerate(tiles):
        x, y = place % COLUMNS * width, CAPTION_PX + place // COLUMNS * height
        sheet.paste(_with_boxes(tile), (x, y))
        for line, words in enumerate(tile.caption):
            draw.text((x + 2, y + side + 1 + 14 * line), words, font=letters(12), fill=INK)
    return np.asarray(sheet)


def _with_boxes(tile: FilmTile) -> Image.Image:
    step = 256 // GREYS
    image = Image.fromarray(tile.picture // step * step).convert("RGB")
    draw = ImageDraw.Draw(image)
    for box, ink in tile.boxes:
        x0, y0, x1, y1 = (round(edge) for edge in box.xyxy)
        draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=ink)
    return image
