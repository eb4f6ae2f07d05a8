"""The colours of everything that is drawn, by what they mean; sRGB, 0..255 a channel.

Told apart under the common colour blindnesses (most are Okabe and Ito's); scales also in a black and white print.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Scale = tuple[Colour, ...]
"""Colours for strengths from 0, the first, to 1, the last; evenly spaced, mixed in between."""

PAPER: Colour = (255, 255, 255)
INK: Colour = (30, 34, 40)
"""What is read first: names and numbers."""

FAINT: Colour = (110, 116, 124)
"""What explains: thresholds, names of axes, what is missing."""

GRID: Colour = (222, 225, 229)

CONCEPT: Colour = (0, 114, 178)
GROUP: Colour = (135, 195, 235)
CHOSEN: Colour = (213, 94, 0)
"""What was reported or chosen, among others that were not."""

HUES: tuple[Colour, ...] = (CONCEPT, CHOSEN, (0, 158, 115), (204, 121, 167))
"""Series of a figure, in order."""

BRIGHT: tuple[Colour, ...] = (
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
"""On a radiograph's grey, in order. Eleven cannot all be told apart by everyone, so concepts carry a number as well."""

HEAT: Scale = ((0, 0, 0), (80, 18, 123), (182, 54, 121), (251, 136, 97), (252, 253, 191))
"""Of saliency: lighter is more."""

CELLS: Scale = ((245, 248, 252), (8, 60, 120))
"""Of a table's cells: darker is more, and an empty cell is not quite paper."""

MARKER: Scale = (PAPER, (240, 130, 40))
"""Of words: as a marker pen does, from paper on."""


def shades(scale: Scale, strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours (..., 3) of a scale for strengths (...); below 0 and above 1 as at the ends."""
    anchors = np.linspace(0, 1, len(scale))
    channels = [np.interp(strengths, anchors, channel) for channel in np.transpose(scale)]
    return np.stack(channels, axis=-1)


def shade(scale: Scale, strength: float) -> Colour:
    """The colour of a scale for one strength, 0..1."""
    red, green, blue = np.rint(shades(scale, np.array(strength)))
    return int(red), int(green), int(blue)


def ink_on(fill: Colour) -> Colour:
    """INK or PAPER, whichever is read more easily on a colour."""
    return max(INK, PAPER, key=lambda ink: contrast(ink, fill))


def contrast(one: Colour, other: Colour) -> float:
    """From 1, the same, to 21, black on white. Source: Web Content Accessibility Guidelines 2.2, contrast ratio."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    """Relative, 0 black to 1 white."""
    shares = (channel / 255 for channel in colour)
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
