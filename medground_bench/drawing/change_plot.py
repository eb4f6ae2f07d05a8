"""Per-case differences of two methods as one figure for a page: a bar a case, from the greatest gain to the loss.

The figure is given as paths of SVG in a view box, so that a page draws it in its own colours, light or dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WIDTH, HEIGHT = 600.0, 180.0
"""Of the view box."""

MOST_BARS = 600
STEP = 0.25
"""The scale ends at a multiple of it."""


@dataclass(frozen=True, slots=True)
class ChangePlot:
    """Paths of the bars above and below nought, which lies at half the height; `reach` is what the full height means.

    bars  how many; where there are more cases, each stands for several in a row
    """

    above: str
    below: str
    reach: float
    bars: int


def change_plot(changes: Sequence[float]) -> ChangePlot:
    """The figure of differences, -1..1, in any order."""
    ordered = np.sort(np.asarray(changes, dtype=np.float64))[::-1]
    if len(ordered) > MOST_BARS:
        ordered = np.array([part.mean() for part in np.array_split(ordered, MOST_BARS)])
    most = float(np.abs(ordered).max()) if len(ordered) else 0.0
    reach = max(STEP, STEP * float(np.ceil(most / STEP - 1e-9)))
    middle, wide = HEIGHT / 2, WIDTH / max(1, len(ordered))
    bars = [
        (
            value,
            f"M{place * wide:.2f} {middle:g}V{middle - value / reach * middle:.2f}h{wide:.2f}V{middle:g}z",
        )
        for place, value in enumerate(ordered)
    ]
    above = "".join(path for value, path in bars if value > 0)
    below = "".join(path for value, path in bars if value < 0)
    return ChangePlot(above, below, reach, len(bars))
