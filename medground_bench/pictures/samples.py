"""Samples as a decoder gives them, at full depth, and their way to greys. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medground_bench.pictures.greys import (
    Levels,
    Range,
    Values,
    luma,
    over_black,
    own_range,
    stretched,
    upright,
)
from medground_bench.pictures.radiograph import AS_STORED, HowRead, Radiograph

SAME_EVERYWHERE = "its transparency is the same everywhere, so it was left aside"


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What a decoder gives.

    values       (height, width) grey or (height, width, 3) red, green, blue, as they are stored; uint8 stays so
    opacity      (height, width) 0..1; None where nothing is transparent
    inverted     whether the least value is white
    orientation  1 to 8, as in EXIF
    """

    values: Values
    bits: int
    opacity: NDArray[np.float32] | None = None
    inverted: bool = False
    orientation: int = 1

    def radiograph(self, levels: Levels, container: str, decoder: str) -> Radiograph:
        """Greys by the rule, unless they have 8 bits; pixels that nobody can see do not count for it.

        An opacity that is the same everywhere hides nothing in particular: it is left aside, and told unless it is 1.
        """
        grey = luma(self.values) if self.values.ndim == 3 else self.values
        opacity = None if self.opacity is None or np.ptp(self.opacity) == 0 else self.opacity
        bytes_stored = grey.dtype == np.uint8
        visible = grey if opacity is None else grey[opacity > 0]
        shown = Range(0, 255) if bytes_stored else own_range(visible, levels)
        picture = stretched(grey, shown, inverted=self.inverted, cut=levels.cuts and not bytes_stored)
        if opacity is not None:
            picture = over_black(picture, opacity)
        ends = shown.turned if self.inverted else shown
        rule, told = (AS_STORED, None) if bytes_stored else (levels.value, ends)
        how = HowRead(container, self.bits, rule, decoder, told)
        if self.opacity is not None and opacity is None and self.opacity.min() < 1:
            how = how.noting(SAME_EVERYWHERE)
        return Radiograph(np.ascontiguousarray(upright(picture, self.orientation)), how)
