"""Control: where findings lie on anyone's chest X-ray: the atlas' mean boxes of both lungs and the heart.

The same boxes for every picture, finding and response, so what a method gains over it comes from looking. The three
concepts are those that hold most of the benchmark's findings; boxes chosen by finding would already be an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medground_bench.core.types import Attribution, Case
from medground_bench.localizers import localize
from medground_bench.lvlms import Lvlm, Need

CONCEPTS = ("left lung", "right lung", "cardiac silhouette")


@dataclass(frozen=True, kw_only=True)
class AnatomyPrior:
    """No model call, and no look at the picture beyond its size.

    >>> AnatomyPrior().needs
    frozenset()
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Three boxes, scaled to the study frame."""
        boxes = localize("mean_box", case.picture).boxes
        return Attribution(boxes=tuple(boxes[concept] for concept in CONCEPTS))


METHOD = AnatomyPrior
CONTROL = True
