"""A sheet of paper to draw figures on: millimetres and points in, a PNG at 300 dots an inch out. Pillow only.

Origin top-left. Drawn twice as fine as it is printed, so that edges come out smooth.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from medground_bench.drawing.charts import INK, PAPER
from medground_bench.drawing.overlays import Colour

Place = tuple[float, float]

DPI = 300
FINER = 2
PX_PER_MM = DPI * FINER / 25.4
PX_PER_POINT = DPI * FINER / 72

PALE: Colour = (150, 155, 162)
GRID: Colour = (222, 225, 229)
HUES: tuple[Colour, ...] = ((0, 90, 160), (205, 85, 0), (0, 130, 95), (150, 60, 130))
"""Told apart under the common colour blindnesses, and in a black and white print by lightness."""

TEXT_PT = 7.0
SMALL_PT = 6.0
LINE_PT = 0.6
EMPTY: Colour = (245, 248, 252)
FULL: Colour = (8, 60, 120)


class Sheet:
    """One figure; every place is (mm from the left, mm from the top)."""

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

    def cell(
        self, corner: Place, far_corner: Place, *, fill: Colour, outline: Colour = PAPER, points: float = 0.5
    ) -> None:
        """A rectangle."""
        edges = (*_px(corner), *_px(far_corner))
        self._draw.rectangle(edges, fill=fill, outline=outline, width=round(points * PX_PER_POINT))

    def png(self) -> bytes:
        """The figure's file; same drawing, same bytes."""
        buffer = io.BytesIO()
        self._image.reduce(FINER).save(buffer, "PNG", dpi=(DPI, DPI))
        return buffer.getvalue()


def width_mm(words: str, size_pt: float = TEXT_PT) -> float:
    """Of words on one line."""
    return _font(size_pt).getlength(words) / PX_PER_MM


def shade(strength: float) -> Colour:
    """Pale for 0 to dark for 1; order survives in a black and white print."""
    share = min(1.0, max(0.0, strength))
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(EMPTY, FULL, strict=True))
    return red, green, blue


def ink_on(fill: Colour) -> Colour:
    """What can be read on a colour."""
    return INK if sum(fill) > 380 else PAPER


def _px(place: Place) -> Place:
    return place[0] * PX_PER_MM, place[1] * PX_PER_MM


def _font(size_pt: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size_pt * PX_PER_POINT)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow comes with FreeType in every wheel"
    return font
