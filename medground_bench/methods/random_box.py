"""Control: a random box. What chance alone scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medground_bench.core.geometry import content_box
from medground_bench.core.types import Attribution, Box, Case
from medground_bench.lvlms import Lvlm, Need

LEAST, MOST = 0.1, 0.9
"""Each side is uniform between these shares of the picture's side, on its own: the area is a quarter of it on average,
between 1% and 81%. The place is uniform among those where the box fits."""


@dataclass(frozen=True, kw_only=True)
class RandomBox:
    """No model call; the box depends on the generator alone.

    >>> RandomBox().needs
    frozenset()
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """One box inside the picture."""
        content = content_box(case)
        width, height = rng.uniform(LEAST, MOST, size=2) * (content.width, content.height)
        left, top = rng.uniform(size=2) * (content.width - width, content.height - height)
        x0, y0 = content.x0 + left, content.y0 + top
        return Attribution(boxes=(Box(x0, y0, x0 + width, y0 + height, content.frame),))


METHOD = RandomBox
CONTROL = True
DRAWS = 100
"""A board shows the mean over so many seeds: one alone is luck."""
