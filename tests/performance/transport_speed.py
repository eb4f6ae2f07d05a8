"""Separable transport against POT's dense solver on the same pictures, one run, so that the ratio means something."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import ot
import torch
from numpy.typing import NDArray

from medground_bench.anatomy.atlas import phantom_atlas
from medground_bench.anatomy.grid import cell_averages
from medground_bench.anatomy.transport import TransportSettings, solve


@dataclass(frozen=True)
class Speed:
    """Seconds for one transport with 11 regions pushed; `error` is the largest relative difference of pushed mass."""

    cells: int
    separable_s: float
    dense_s: float
    error: float

    @property
    def ratio(self) -> float:
        """How many times faster the separable solver is."""
        return self.dense_s / self.separable_s


def compare(cells: int) -> Speed:
    """Carry the concepts of the first phantom to the second at a grid of `cells`, both ways."""
    atlas, settings = phantom_atlas(), TransportSettings()
    reference, target = (cell_averages(atlas.pictures[number], cells) for number in (0, 1))
    shares = cell_averages(atlas.masks[0], cells)

    def separable() -> NDArray[np.float64]:
        transport = solve(torch.from_numpy(reference)[None], torch.from_numpy(target)[None], settings)
        pushed: NDArray[np.float64] = transport.push(torch.from_numpy(shares)[None])[0].numpy()
        return pushed

    def dense() -> NDArray[np.float64]:
        (x, a), (y, b) = (_support(grid, settings.support_threshold) for grid in (reference, target))
        distances = ot.dist(x.astype(float), y.astype(float))
        cost = distances / np.percentile(distances, 90)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plan = ot.unbalanced.sinkhorn_unbalanced(
                a,
                b,
                cost,
                settings.epsilon,
                settings.marginal_weight,
                reg_type="entropy",
                numItermax=500,
                stopThr=1e-6,
            )
        pushed = np.zeros_like(shares)
        pushed[:, y[:, 0], y[:, 1]] = shares[:, x[:, 0], x[:, 1]] @ plan
        return pushed

    separable()
    error = np.abs(separable() - dense()).max() / dense().max()
    return Speed(cells, _seconds(separable, 10), _seconds(dense, 3), float(error))


def _support(grid: NDArray[np.float64], threshold: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    intensity = (grid - grid.min()) / (grid.max() - grid.min())
    places = np.argwhere(intensity > threshold)
    mass = intensity[intensity > threshold]
    return places, mass / mass.sum()


def _seconds(action: Callable[[], object], repeats: int) -> float:
    """Fastest of several runs: the one the machine disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)
