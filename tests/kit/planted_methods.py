"""Methods that are planted: their maps are known, or known to come from the picture alone or from the LVLM alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medground_bench.core.types import Attribution, SaliencyMap
from medground_bench.lvlms import Need
from medground_bench.storage.whole_files import sha256


@dataclass(frozen=True, repr=False)
class FixedMap:
    """The map that it was given; its name tells it from others, as the settings of a method do."""

    needs: ClassVar[frozenset[Need]] = frozenset()

    values: np.ndarray
    clamped: bool = False

    def __repr__(self):
        return f"FixedMap({sha256(self.values.tobytes())}, {self.clamped})"

    def attribute(self, lvlm, case, rng):
        saliency = SaliencyMap(self.values.astype(np.float32), case.study)
        return Attribution(saliency=saliency, clamped=self.clamped)


@dataclass(frozen=True)
class Edges:
    """Where the picture has edges: it never asks the LVLM, and pretends to."""

    needs: ClassVar[frozenset[Need]] = frozenset({Need.LOG_PROBS})

    def attribute(self, lvlm, case, rng):
        down, across = np.gradient(case.picture.astype(np.float32))
        cells = np.hypot(down, across).reshape(16, 14, 16, 14).mean(axis=(1, 3))
        return Attribution(saliency=SaliencyMap(cells.astype(np.float32), case.study))


@dataclass(frozen=True)
class Probe:
    """What the LVLM itself reads off its image tokens: the logit of the answer at each of them."""

    needs: ClassVar[frozenset[Need]] = frozenset({Need.HIDDEN_STATES})

    def attribute(self, lvlm, case, rng):
        logits = lvlm.token_logits(case.picture, case.prompt, case.response)
        grid = lvlm.token_grid(case.study)
        read = logits.values[logits.image, logits.answer][:, 0].reshape(grid.rows, grid.columns)
        return Attribution(saliency=SaliencyMap(read.astype(np.float32), case.study))
