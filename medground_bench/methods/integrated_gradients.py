"""Integrated gradients from a plain picture to the real one. Sundararajan, Taly and Yan, ICML 2017, arXiv:1703.01365.

Attribution of a pixel = (grey - baseline) x the integral, over the straight line from baseline to picture, of the
gradient of the response's summed log-probability to that pixel; 36 steps, as in the benchmark's paper. Pixels are the
study picture's own grey levels, so resizing, normalisation and each family's cutting into patches are inside the
differentiated function, and the black letterbox gets nothing.

Signed, as the axioms have it: the map sums to log-probability(picture) - log-probability(baseline). Boxes are cut from
its highest tenth, evidence for the response. `self_checks["completeness_gap"]` is how far the sum is off, as a share of
that difference.

Where the steps stand: an LVLM that is sure of its answer jumps to it within a few hundredths of the line, and steps
spread over all of it, Gauss-Legendre or even, may straddle the jump. So the line is first cut into nine cells, always
halving the one with the largest |change of the log-probability| x width, which bounds what the cell can misplace; that
takes a forward pass a cut. Each cell gets four Gauss-Legendre points. A jump that is steeper than the narrowest cell
still leaves a gap: how often, the distribution over the demo's cases says, in the method's card under Self-checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.types import Attribution, Case, SaliencyMap
from medground_bench.lvlms import Lvlm, LvlmDescription, Need
from medground_bench.methods._settings import coerce, demand

SMALLEST = 1e-9
"""Nats; a smaller difference between the ends is none."""

POINTS = 4
"""Steps in a cell of the line."""

FIRST_CELLS = 4
"""Equal cells that are looked at before the first is halved, so that a rise and fall inside one shows."""

Floats = NDArray[np.float64]


class Baseline(StrEnum):
    """The picture that stands for no evidence: black, or all of the picture's mean grey.

    >>> Baseline("mean")
    <Baseline.MEAN: 'mean'>
    """

    ZERO = "zero"
    MEAN = "mean"


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients:
    """All steps go through the LVLM in batches.

    >>> IntegratedGradients(baseline=Baseline.MEAN, steps=8).steps
    8
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS, Need.LOG_PROBS})

    baseline: Baseline = Baseline.ZERO  # the picture that stands for no evidence: black, or the mean grey
    steps: int = 36  # paper, Appendix C

    def __post_init__(self) -> None:
        coerce(self, "baseline", Baseline)
        whole = self.steps >= POINTS and self.steps % POINTS == 0
        demand(self, whole, f"steps come {POINTS} to a cell, so give a multiple of {POINTS}")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Nats per pixel of the study frame."""
        picture = case.picture.astype(np.float32)
        grey = 0.0 if self.baseline is Baseline.ZERO else float(picture.mean())
        whole_way = picture - np.float32(grey)

        def on_line(shares: Floats) -> list[NDArray[np.float32]]:
            return [np.float32(grey) + np.float32(share) * whole_way for share in shares]

        def score(shares: Floats) -> Floats:
            per_token = lvlm.log_probs(on_line(shares), case.prompt, case.response).astype(np.float64)
            return np.asarray(per_token.sum(axis=1))

        edges, scores = cut_where_it_changes(score, self.steps // POINTS)
        difference = float(scores[-1] - scores[0])
        widths = np.diff(edges)[:, None]
        points, weights = np.polynomial.legendre.leggauss(POINTS)
        shares = (edges[:-1, None] + widths * (points + 1) / 2).ravel()
        gradients = lvlm.pixel_gradients(on_line(shares), case.prompt, case.response)
        values = whole_way * np.tensordot((widths * weights / 2).ravel(), gradients, axes=1)
        gap = abs(float(values.sum()) - difference) / max(abs(difference), SMALLEST)
        return Attribution(
            saliency=SaliencyMap(values.astype(np.float32), case.study), self_checks={"completeness_gap": gap}
        )

    @classmethod
    def candidates(cls, lvlm: LvlmDescription) -> Sequence[Self]:
        """Both baselines."""
        return [cls(baseline=baseline) for baseline in Baseline]


def cut_where_it_changes(score: Callable[[Floats], Floats], cells: int) -> tuple[Floats, Floats]:
    """Cut 0..1 into cells that are narrow where a function moves.

    score    of many places at once
    returns  edges (cells + 1,), rising from 0 to 1, and the function there

    >>> edges, scores = cut_where_it_changes(lambda places: (places > 0.3).astype(float), cells=6)
    >>> edges.tolist()
    [0.0, 0.25, 0.3125, 0.375, 0.5, 0.75, 1.0]
    >>> scores.tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    edges = np.linspace(0, 1, min(FIRST_CELLS, cells) + 1)
    scores = score(edges)
    while len(edges) <= cells:
        widest = int(np.argmax(np.abs(np.diff(scores)) * np.diff(edges)))
        middle = edges[widest : widest + 2].mean(keepdims=True)
        edges = np.insert(edges, widest + 1, middle)
        scores = np.insert(scores, widest + 1, score(middle))
    return edges, scores


METHOD = IntegratedGradients
COSTLY_TO_TUNE = True
"""A demo leaves the choice to `medground tune`: it would take longer than all others together."""
PAPER = True
