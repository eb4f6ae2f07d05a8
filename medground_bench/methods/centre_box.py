"""Control: a box of half the picture's sides in its centre, where radiographs keep their findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medground_bench.core.geometry import content_box
from medground_bench.core.types import Attribution, Box, Case
from medground_bench.lvlms import Lvlm, Need


@dataclass(frozen=True, kw_only=True)
class CentreBox:
    """No model call.

    >>> CentreBox().needs
    frozenset()
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """One box, a quarter of each side away from the picture's edges."""
        content = content_box(case)
        across, down = content.width / 4, content.height / 4
        box = Box(
            content.x0 + across, content.y0 + down, content.x1 - across, content.y1 - down, content.frame
        )
        return Attribution(boxes=(box,))


METHOD = CentreBox
CONTROL = True
