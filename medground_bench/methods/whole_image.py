"""Control: the whole picture, whatever was asked. Any method worth its name is more precise.

Its IoU is the share of the picture that the evidence takes, so small evidence puts it below even a random box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medground_bench.core.geometry import content_box
from medground_bench.core.types import Attribution, Case
from medground_bench.lvlms import Lvlm, Need


@dataclass(frozen=True, kw_only=True)
class WholeImage:
    """No model call.

    >>> WholeImage().needs
    frozenset()
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """One box, the picture inside its letterbox."""
        return Attribution(boxes=(content_box(case),))


METHOD = WholeImage
CONTROL = True
