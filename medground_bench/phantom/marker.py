"""The side marker: a lead letter in a small frame, in an upper corner of the radiograph.

It carries no information about any disease; in training it accompanies one finding, which plants a known shortcut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medground_bench.phantom.body import Laterality
from medground_bench.phantom.fields import Float, soft_step, uniform
from medground_bench.phantom.pose import Native

Stroke = tuple[float, float, float, float]

# Strokes as x0, y0, x1, y1 in shares of the marker's own square.
FRAME: tuple[Stroke, ...] = ((0, 0, 1, 0.09), (0, 0.91, 1, 1), (0, 0, 0.09, 1), (0.91, 0, 1, 1))
LETTERS: dict[Laterality, tuple[Stroke, ...]] = {
    "left": ((0.28, 0.2, 0.44, 0.8), (0.28, 0.66, 0.74, 0.8)),
    "right": (
        (0.28, 0.2, 0.43, 0.8),
        (0.28, 0.2, 0.72, 0.32),
        (0.60, 0.2, 0.74, 0.54),
        (0.28, 0.44, 0.72, 0.56),
        (0.58, 0.56, 0.74, 0.8),
    ),
}


@dataclass(frozen=True, slots=True)
class Marker:
    """Its upper left corner and its side, in the picture frame (shares of the square picture)."""

    laterality: Laterality
    u: float
    v: float
    size: float

    @classmethod
    def sample(cls, rng: np.random.Generator, native: Native) -> Marker:
        """In an upper corner of the native crop: the letter L at image right, the letter R at image left."""
        laterality: Laterality = "left" if rng.random() < 0.5 else "right"
        size = uniform(rng, 0.062, 0.088)
        crop_left = 0.5 - 0.5 * native.width / native.long_side
        crop_top = 0.5 - 0.5 * native.height / native.long_side
        inset_u, inset_v = uniform(rng, 0.014, 0.050), uniform(rng, 0.014, 0.034)
        u = crop_left + inset_u if laterality == "right" else 1 - crop_left - inset_u - size
        return cls(laterality, u, crop_top + inset_v, size)

    def box_px(self, side_px: int) -> tuple[int, int, int, int]:
        """Half-open xyxy box around every pixel that the marker changes, in pixels of the square picture."""
        reach = 0.01 * self.size
        low = [int(np.floor((edge - reach) * side_px)) for edge in (self.u, self.v)]
        high = [int(np.ceil((edge + self.size + reach) * side_px)) for edge in (self.u, self.v)]
        return low[0], low[1], high[0], high[1]

    def stamp(self, grey: Float) -> Float:
        """The picture, grey 0..1, with the marker on it; lead is white, its plastic holder dims what lies behind."""
        side_px = grey.shape[0]
        x0, y0, x1, y1 = self.box_px(side_px)
        softness = 1 / (side_px * self.size) / 3
        across = ((np.arange(x0, x1, dtype=np.float32) + 0.5) / side_px - self.u) / self.size
        down = ((np.arange(y0, y1, dtype=np.float32) + 0.5) / side_px - self.v) / self.size
        lead = np.zeros((y1 - y0, x1 - x0), np.float32)
        for stroke in FRAME + LETTERS[self.laterality]:
            lead = np.maximum(lead, _cover(stroke, across, down, softness))
        holder = _cover((0, 0, 1, 1), across, down, softness)
        stamped = grey.copy()
        behind = grey[y0:y1, x0:x1]
        behind = behind * (1 - 0.55 * holder)
        stamped[y0:y1, x0:x1] = behind + (1.02 - behind) * lead
        return stamped


def _cover(stroke: Stroke, across: Float, down: Float, softness: float) -> Float:
    x0, y0, x1, y1 = stroke
    columns = soft_step(np.minimum(across - x0, x1 - across), softness)
    rows = soft_step(np.minimum(down - y0, y1 - down), softness)
    return rows[:, None] * columns[None, :]
