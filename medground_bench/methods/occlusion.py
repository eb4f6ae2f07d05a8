"""Occlusion: how much the response loses when a patch is hidden. Zeiler and Fergus, ECCV 2014, arXiv:1311.2901.

Where it fails: evidence larger than a patch. What stays visible then carries the answer, and no single patch costs it
anything: with a pacemaker of 66 x 94 px of the study frame and patches of 28 px, the largest fall of the embedded
Gemma 3 in reason mode is 0.02 nats of a response of 18 tokens. Boxes are cut from a map's highest tenth however low it
is, so they are then those of the noise.

Falls below 0 count as none when boxes are cut, as in the code of the benchmark's paper; the probe `protocol` says what
the signed map would score (docs/probes.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medground_bench.core.types import Attribution, Case, SaliencyMap
from medground_bench.lvlms import Lvlm, Need
from medground_bench.methods._settings import demand


@dataclass(frozen=True, kw_only=True)
class Occlusion:
    """Patches of a grid over the study picture, blacked out one at a time, all in batches.

    >>> Occlusion(cells=4).needs
    frozenset({<Need.LOG_PROBS: 'log_probs'>})
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.LOG_PROBS})

    cells: int = 8  # patches per side (paper, Appendix C)

    def __post_init__(self) -> None:
        demand(self, self.cells > 0, "needs at least 1 patch a side")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Fall of the response's summed log-probability, nats per patch; negative where hiding helps.

        Boxes are cut from the positive falls alone.
        """
        height, width = case.picture.shape
        rows = np.linspace(0, height, self.cells + 1).round().astype(int)
        columns = np.linspace(0, width, self.cells + 1).round().astype(int)
        pictures = [case.picture]
        for row, column in np.ndindex(self.cells, self.cells):
            hidden = case.picture.copy()
            hidden[rows[row] : rows[row + 1], columns[column] : columns[column + 1]] = 0
            pictures.append(hidden)
        summed = lvlm.log_probs(pictures, case.prompt, case.response).sum(axis=1)
        drops = (summed[0] - summed[1:]).reshape(self.cells, self.cells)
        return Attribution(saliency=SaliencyMap(drops.astype(np.float32), case.study), clamped=True)


METHOD = Occlusion
PAPER = True
