"""A sheet of SVG to draw figures for pages on: they scale, take the page's ink in light and dark, and print.

Units are those of the view box; a page shows one as about a pixel. Words are escaped, in the page's own letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from medground_bench.drawing.palette import CHOSEN, CONCEPT, Colour

Point = tuple[float, float]
"""From the left, and from the top."""

WIDTH = 440.0
TEXT, SMALL = 11.0, 9.5
LETTER = 0.56
"""Width of an average letter, as a share of its height."""


def _css(colour: Colour) -> str:
    return f"rgb({','.join(map(str, colour))})"


INK, FAINT, GRID = "currentColor", "var(--faint, #6a7079)", "var(--grid, #dee1e5)"
SERIES, OTHER = f"var(--series, {_css(CONCEPT)})", f"var(--other, {_css(CHOSEN)})"


class VectorSheet:
    """One figure while it is drawn; `described` is what is read aloud in its place."""

    def __init__(self, width: float, height: float, described: str) -> None:
        self._size = f"{width:g} {height:g}"
        self._described = described
        self._parts: list[str] = []

    def text(
        self, place: Point, words: str, *, anchor: str = "start", size: float = TEXT, ink: str = INK
    ) -> None:
        """Words on one line, centred on the place in height; `anchor` is start, middle or end."""
        at = f'x="{place[0]:.1f}" y="{place[1] + 0.35 * size:.1f}"'
        self._parts.append(
            f'<text {at} text-anchor="{anchor}" font-size="{size:g}" fill="{ink}">{escape(words)}</text>'
        )

    def line(self, places: Sequence[Point], *, ink: str = INK, width: float = 1.0) -> None:
        """A line through places."""
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        self._parts.append(
            f'<polyline points="{points}" fill="none" stroke="{ink}" stroke-width="{width:g}"/>'
        )

    def dot(self, place: Point, *, ink: str, radius: float = 3.2, filled: bool = True) -> None:
        """A disc, or a ring."""
        fill = ink if filled else "var(--paper, #fff)"
        self._parts.append(
            f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius:g}" fill="{fill}" stroke="{ink}" '
            'stroke-width="1.4"/>'
        )

    def shade(self, corner: Point, width: float, height: float, strength: float) -> None:
        """A rectangle of the series' colour, 0 clear to 1 full."""
        self._parts.append(
            f'<rect x="{corner[0]:.1f}" y="{corner[1]:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" '
            f'fill="{SERIES}" fill-opacity="{0.06 + 0.5 * strength:.2f}"/>'
        )

    def svg(self) -> str:
        """The figure; same drawing, same words."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self._size}" role="img"'
        return f'{head} aria-label="{escape(self._described)}">{"".join(self._parts)}</svg>'


def letters_wide(words: str, size: float = TEXT) -> float:
    """About how wide words are."""
    return len(words) * LETTER * size
