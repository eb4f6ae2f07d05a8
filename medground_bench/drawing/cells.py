"""The one way to draw a cell: a filled rectangle with words in its middle, framed where it is the choice."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import ImageDraw

from medground_bench.drawing.fonts import Font
from medground_bench.drawing.palette import CHOSEN, Colour, ink_on
from medground_bench.drawing.rectangles import Rectangle

FRAME = 0.2
"""Width of a frame, in letter sizes."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of a table, or a number on a picture; `chosen` has a frame in the palette's CHOSEN."""

    words: str
    fill: Colour
    chosen: bool = False


def draw_cell(draw: ImageDraw.ImageDraw, edges: Rectangle, cell: Cell, font: Font) -> None:
    """Draw a cell within its edges, in pixels, with words in whichever ink can be read on it."""
    x0, y0, x1, y1 = edges
    frame_px = max(1, round(FRAME * font.size))
    outline = CHOSEN if cell.chosen else None
    draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=cell.fill, outline=outline, width=frame_px)
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    draw.text(middle, cell.words, font=font, fill=ink_on(cell.fill), anchor="mm")
