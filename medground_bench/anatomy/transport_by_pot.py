"""The problem of `anatomy/transport.py` solved by POT, with every matrix written out: a reference to compare with.

POT is a general library (Flamary et al., "POT: Python Optimal Transport", JMLR 22, 2021). All that it shares with the
separable solver is the masses: cost matrix, percentile, plan, and what is asked of the plan are formed here in full,
matrices of cells^4 numbers, 79 MB at 56 x 56 cells. Of POT's solvers this is the translation-invariant one, which needs
the fewest steps where lambda is large beside epsilon; its prior `c` of ones is the counting measure.

POT stops when no u and no v has changed by more than its tolerance, relative to the largest or, where that is below 1,
to 1. A mass is one over thousands of cells, and u as small, so the tolerance is multiplied by the mean mass of a cell.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medground_bench.anatomy.transport import TransportSettings, masses
from medground_bench.core.errors import MethodFailed, Unsupported

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class WholePlans:
    """Solved plans (..., cells^2, cells^2): what each cell of the reference sends to each of the target, row by row.

    It answers as `transport.Transport` does.
    """

    plans: Floats

    def push(self, regions: Floats) -> Floats:
        """Mass that each target cell receives from regions (..., regions, cells, cells) of the reference, 0..1."""
        shares = regions.reshape(*regions.shape[:-2], -1)
        return (shares @ self.plans).reshape(regions.shape)

    def cost(self) -> Floats:
        """<|x_i - x_j|^2, P> in squared cells, (...)."""
        distances = _squared_distances(math.isqrt(self.plans.shape[-1]))
        return np.asarray((self.plans * distances).sum((-2, -1)))


def solve(references: Floats, target: Floats, settings: TransportSettings) -> WholePlans:
    """Transport every reference (..., cells, cells) to one target (cells, cells), as `transport.solve` does.

    raises  MethodFailed for a picture without contrast or with values that are not finite, and where exp(-C / epsilon)
            is too small for float64, which only the separable solver carries; Unsupported without POT
    """
    a, b = (masses(pictures, settings.support_threshold) for pictures in (references, target))
    distances = _squared_distances(b.shape[-1])
    plans = [_plan(one.ravel(), b.ravel(), distances, settings) for one in a.reshape(-1, *b.shape)]
    return WholePlans(np.stack(plans).reshape(*a.shape[:-2], *distances.shape))


def _plan(a: Floats, b: Floats, distances: Floats, settings: TransportSettings) -> Floats:
    try:
        from ot.unbalanced import sinkhorn_unbalanced
    except ModuleNotFoundError as error:
        raise Unsupported(
            "this transport is solved by POT, which is not installed. Install it with: "
            "pip install 'medground-bench[reference]'"
        ) from error
    supports = np.ix_(a > 0, b > 0)
    cost = distances[supports]
    scale = np.percentile(cost, 90) or 1.0  # both are one cell, the same: any unit of distance will do
    plan = np.zeros_like(distances)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.filterwarnings("error", "Numerical errors")  # with which POT gives an earlier step's plan
        try:
            plan[supports] = sinkhorn_unbalanced(
                a[a > 0], b[b > 0], cost / scale, settings.epsilon, settings.marginal_weight,
                method="sinkhorn_translation_invariant", c=np.ones_like(cost),
                numItermax=settings.max_iterations, stopThr=settings.tolerance * a.mean(),
            )  # fmt: skip
        except UserWarning as warning:
            raise MethodFailed(
                f"POT cannot solve this transport in float64 with epsilon {settings.epsilon}. Take a larger "
                "epsilon, or the solver `separable`."
            ) from warning
    return plan


def _squared_distances(cells: int) -> Floats:
    """Between all cells of a grid, row by row, (cells^2, cells^2)."""
    down, across = np.indices((cells, cells), dtype=np.float64).reshape(2, -1)
    return (down[:, None] - down) ** 2 + (across[:, None] - across) ** 2
