"""A sheet of paper to draw figures on: millimetres and points in, a PNG at 300 dots an inch out. Pillow only.

Origin top-left. Drawn twice as fine as it is printed, so that edges come out smooth.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol

from PIL import Image, ImageDraw

from medground_bench.drawing.cells import Cell, draw_cell
from medground_bench.drawing.fonts import Font, fitting_size, letters
from medground_bench.drawing.palette import INK, PAPER, Colour
from medground_bench.drawing.rectangles import Rectangle

Place = tuple[float, float]
"""Millimetres from the left, and from the top."""

DPI = 300
FINER = 2
PX_PER_MM = DPI * FINER / 25.4
PX_PER_POINT = DPI * FINER / 72

PAGE_MM = 180.0
"""Width of a figure across a page of a paper."""

MARGIN_MM = 3.0
TEXT_PT = 7.0
SMALL_PT = 6.0
LINE_PT = 0.6


class Figure(Protocol):
    """Values that know how they are drawn."""

    def png(self) -> bytes:
        """The figure's file; same values, same bytes."""
        ...


class Sheet:
    """One figure while it is drawn."""

    def __init__(self, width_mm: float, height_mm: float) -> None:
        size = (round(width_mm * PX_PER_MM), round(height_mm * PX_PER_MM))
        self._image = Image.new("RGB", size, PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def text(
        self, place: Place, words: str, *, anchor: str = "lm", size_pt: float = TEXT_PT, ink: Colour = INK
    ) -> None:
        """Words on one line; `anchor` as Pillow says it: l m r, then t m b."""
        self._draw.text(_px(place), words, font=_font(size_pt), fill=ink, anchor=anchor)

    def upright(self, place: Place, words: str, *, size_pt: float = TEXT_PT, ink: Colour = INK) -> None:
        """Words that read upwards from a place, centred on it."""
        left, top, right, bottom = _font(size_pt).getbbox(words, anchor="lt")
        stamp = Image.new("L", (round(right - left), round(bottom - top)), 0)
        ImageDraw.Draw(stamp).text((-left, -top), words, font=_font(size_pt), fill=255, anchor="lt")
        turned = stamp.rotate(90, expand=True)
        x, y = _px(place)
        self._image.paste(ink, (round(x - turned.width / 2), round(y - turned.height)), turned)

    def line(self, places: Sequence[Place], *, ink: Colour = INK, points: float = LINE_PT) -> None:
        """A line through places."""
        self._draw.line([_px(place) for place in places], fill=ink, width=round(points * PX_PER_POINT))

    def dot(self, place: Place, *, ink: Colour, radius_mm: float = 0.8, filled: bool = True) -> None:
        """A disc, or a ring."""
        x, y = _px(place)
        radius, width = radius_mm * PX_PER_MM, round(0.9 * PX_PER_POINT)
        edges = (x - radius, y - radius, x + radius, y + radius)
        self._draw.ellipse(edges, fill=ink if filled else PAPER, outline=ink, width=width)

    def cell(self, edges: Rectangle, cell: Cell, *, size_pt: float = TEXT_PT) -> None:
        """A cell within its edges, in mm, which are moved to the nearest dots so that they are sharp."""
        x0, y0, x1, y1 = (FINER * round(edge * PX_PER_MM / FINER) for edge in edges)
        draw_cell(self._draw, (x0, y0, x1, y1), cell, _font(size_pt))

    def png(self) -> bytes:
        """The sheet's file; same drawing, same bytes."""
        buffer = io.BytesIO()
        self._image.reduce(FINER).save(buffer, "PNG", dpi=(DPI, DPI))
        return buffer.getvalue()


def width_mm(words: str, size_pt: float = TEXT_PT) -> float:
    """Of words on one line."""
    return _font(size_pt).getlength(words) / PX_PER_MM


def fitting_pt(words: str, room_mm: float, size_pt: float = TEXT_PT) -> float:
    """The size, or the smaller one at which words on one line fit into a room."""
    return fitting_size(words, size_pt * PX_PER_POINT, room_mm * PX_PER_MM) / PX_PER_POINT


def _px(place: Place) -> Place:
    return place[0] * PX_PER_MM, place[1] * PX_PER_MM


def _font(size_pt: float) -> Font:
    return letters(size_pt * PX_PER_POINT)
