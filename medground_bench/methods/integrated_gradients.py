"""Integrated gradients from a plain picture to the real one. Sundararajan, Taly and Yan, ICML 2017, arXiv:1703.01365.

Attribution of a pixel = (grey - baseline) x the integral, over the straight line from baseline to picture, of the
gradient of the response's summed log-probability to that pixel; 36 points of Gauss-Legendre quadrature (paper of the
benchmark: 36 steps). Pixels are the study picture's own grey levels, so resizing, normalisation and each family's
cutting into patches are inside the differentiated function, and the black letterbox gets nothing.

Signed, as the axioms have it: the map sums to log-probability(picture) - log-probability(baseline). Boxes are cut from
its highest tenth, evidence for the response. `self_checks["completeness_gap"]` is how far the sum is off, as a share of
that difference. An LVLM sure of its answer jumps to it somewhere on the line, between two of the 36 points: then the
gap is wide (also near 1), though the place of the evidence may be right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

import numpy as np

from medground_bench.lvlms import Lvlm, Need
from medground_bench.types import Attribution, Case, SaliencyMap

SMALLEST = 1e-9
"""Nats; a smaller difference between the ends is none."""


class Baseline(StrEnum):
    """The picture that stands for no evidence: black, or all of the picture's mean grey."""

    ZERO = "zero"
    MEAN = "mean"


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients:
    """All steps go through the LVLM in batches."""

    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS, Need.LOG_PROBS})

    baseline: Baseline = Baseline.ZERO
    steps: int = 36  # paper, Appendix C

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Nats per pixel of the study frame."""
        picture = case.picture.astype(np.float32)
        grey = 0.0 if Baseline(self.baseline) is Baseline.ZERO else float(picture.mean())
        baseline = np.full_like(picture, grey)
        points, weights = np.polynomial.legendre.leggauss(self.steps)
        line = [baseline + np.float32((point + 1) / 2) * (picture - baseline) for point in points]
        gradients = lvlm.pixel_gradients(line, case.prompt, case.response)
        values = (picture - baseline) * np.tensordot(weights / 2, gradients, axes=1)
        ends = lvlm.log_probs([picture, baseline], case.prompt, case.response).sum(axis=1, dtype=np.float64)
        difference = float(ends[0] - ends[1])
        gap = abs(float(values.sum()) - difference) / max(abs(difference), SMALLEST)
        return Attribution(
            saliency=SaliencyMap(values.astype(np.float32), case.study), self_checks={"completeness_gap": gap}
        )

    @classmethod
    def candidates(cls, lvlm: Lvlm) -> Sequence[Self]:
        """Both baselines."""
        return [cls(baseline=baseline) for baseline in Baseline]


METHOD = IntegratedGradients
