"""Separable transport against dense ways to the same numbers, in one run, so that the ratios mean something.

Seconds are of processor time; run with OMP_NUM_THREADS=1, or the dense ways are charged for threads that wait.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from medground_bench.anatomy.atlas import Atlas, phantom_atlas
from medground_bench.anatomy.grid import cell_averages
from medground_bench.anatomy.transport import TransportSettings, solve
from medground_bench.core.types import Picture
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from tests.performance.methods_speed import fastest

Floats = NDArray[np.float64]
SETTINGS = TransportSettings()
SELECTION, TRANSFER, FULL = 14, 56, 224
"""Cells a side: of the choice of a reference, of the transfer of its masks (paper, Appendix D), and of a picture."""

DensePlan = Callable[[Floats, Floats, Floats], Floats]
"""Masses (n,) and (m,), scaled cost (n, m) -> plan (n, m)."""


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


@dataclass(frozen=True)
class Localised:
    """Cost of every reference, and the mass (concepts, cells, cells) carried over from the cheapest one."""

    costs: Floats
    received: Floats

    def difference(self, other: Localised) -> float:
        """Largest difference of costs and of masses, relative to the largest of each; infinite for another choice."""
        if self.costs.argmin() != other.costs.argmin():
            return float("inf")
        pairs = ((self.costs, other.costs), (self.received, other.received))
        return max(float(np.abs(one - two).max() / two.max()) for one, two in pairs)


@dataclass(frozen=True)
class Way:
    """One way to choose among 16 references and carry 11 concepts over; `error` is against the separable way."""

    name: str
    seconds: float
    error: float


def compare(cells: int) -> Speed:
    """Carry the concepts of the first phantom to the second at a grid of `cells`: separable, and by POT."""
    atlas = phantom_atlas()
    reference, target = (cell_averages(atlas.pictures[number], cells) for number in (0, 1))
    shares = cell_averages(atlas.masks[0], cells)

    def separable() -> Floats:
        pushed: Floats = solve(reference, target, SETTINGS).push(shares)
        return pushed

    def dense() -> Floats:
        return _pushed(_dense(reference, target, pot_plan), shares)

    error = np.abs(separable() - dense()).max() / dense().max()
    return Speed(cells, fastest(separable, 5), fastest(dense, 2), float(error))


def full_size_s() -> float:
    """Seconds of one transport of whole pictures, a cell a pixel, with 11 regions pushed."""
    atlas = phantom_atlas()
    reference, target = (atlas.pictures[number] for number in (0, 1))
    regions = atlas.masks[0]
    return fastest(lambda: solve(reference, target, SETTINGS).push(regions), 2)


def ways(rounds: int = 4) -> list[Way]:
    """Choice among 16 references and transfer of 11 concepts, three ways.

    They take turns, since a machine is not always equally fast; the fastest run of each counts.
    """
    atlas, picture = phantom_atlas(), unseen()
    separable = separable_way(atlas)
    run: dict[str, tuple[Callable[[], Localised], int]] = {
        "separable, batched": (lambda: separable(picture), 20),
        "POT, dense": (lambda: dense_way(atlas, picture, pot_plan), 1),
        "dense numpy, as the authors describe it": (lambda: dense_way(atlas, picture, plain_plan), 1),
    }
    seconds = [[fastest(way, repeats) for way, repeats in run.values()] for _ in range(rounds)]
    return [
        Way(name, min(times), way().difference(separable(picture)))
        for (name, (way, _)), times in zip(run.items(), zip(*seconds, strict=True), strict=True)
    ]


def unseen() -> Picture:
    """A phantom that is in no atlas."""
    return Scene.sample(seeds.EXAMINATION[0]).render(FULL)


def separable_way(atlas: Atlas) -> Callable[[Picture], Localised]:
    """As the localizer `uot` does it; the references' grids are the same for every picture, so they are kept."""
    candidates = cell_averages(atlas.pictures, SELECTION)
    references, masks = (cell_averages(each, TRANSFER) for each in (atlas.pictures, atlas.masks))

    def way(picture: Picture) -> Localised:
        costs = solve(candidates, cell_averages(picture, SELECTION), SETTINGS).cost()
        best = int(costs.argmin())
        solved = solve(references[best], cell_averages(picture, TRANSFER), SETTINGS)
        return Localised(costs, solved.push(masks[best]))

    return way


def dense_way(atlas: Atlas, picture: Picture, plan: DensePlan) -> Localised:
    """Every reference by itself: supports, whole cost matrix, its percentile, plan, cost and barycentric map."""
    target = cell_averages(picture, SELECTION)
    costs = [_dense(one, target, plan).cost for one in cell_averages(atlas.pictures, SELECTION)]
    best = int(np.argmin(costs))
    shares = cell_averages(atlas.masks[best], TRANSFER)
    solved = _dense(cell_averages(atlas.pictures[best], TRANSFER), cell_averages(picture, TRANSFER), plan)
    return Localised(np.array(costs), _pushed(solved, shares))


def plain_plan(a: Floats, b: Floats, cost: Floats) -> Floats:
    """The iteration of Appendix D on the whole kernel, until u has changed by less than 1e-6 in sum."""
    kernel = np.exp(-cost / SETTINGS.epsilon)
    power = SETTINGS.marginal_weight / (SETTINGS.marginal_weight + SETTINGS.epsilon)
    u, v = np.ones_like(a), np.ones_like(b)
    for _ in range(SETTINGS.max_iterations):
        before = u
        u = (a / (kernel @ v)) ** power
        v = (b / (kernel.T @ u)) ** power
        if np.abs(u - before).sum() < SETTINGS.tolerance:
            break
    return u[:, None] * kernel * v[None, :]


def pot_plan(a: Floats, b: Floats, cost: Floats) -> Floats:
    """POT's dense solver with the counting measure as prior, as in the iteration of Appendix D."""
    import ot

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that this prior is not its default
        plan: Floats = ot.unbalanced.sinkhorn_unbalanced(
            a, b, cost, SETTINGS.epsilon, SETTINGS.marginal_weight, reg_type="entropy",
            numItermax=SETTINGS.max_iterations, stopThr=SETTINGS.tolerance,
        )  # fmt: skip
    return plan


def table() -> Table:
    """The ways to localise, the time of each and how many times faster the separable one is."""
    listed, full = ways(), full_size_s()
    rows = Table(title="Choice among 16 references and transfer of 11 concepts, same run")
    for heading in ("way", "ms", "separable is faster", "largest difference"):
        rows.add_column(heading, justify="left" if heading == "way" else "right")
    for one in listed:
        ratio = f"{one.seconds / listed[0].seconds:.0f} x"
        rows.add_row(one.name, f"{1000 * one.seconds:.1f}", ratio, f"{one.error:.0e}")
    pot = compare(TRANSFER).dense_s
    rows.caption = (
        f"One transport at {FULL} x {FULL}, separable: {1000 * full:.0f} ms; by POT at {TRANSFER} x {TRANSFER}: "
        f"{1000 * pot:.0f} ms."
    )
    return rows


@dataclass(frozen=True)
class _Solved:
    """A dense plan (n, m) between places (n, 2) and (m, 2), and its cost in squared cells."""

    sources: NDArray[np.intp]
    targets: NDArray[np.intp]
    plan: Floats
    cost: float
    barycentres: Floats


def _dense(reference: Floats, target: Floats, plan: DensePlan) -> _Solved:
    (x, a), (y, b) = _support(reference), _support(target)
    squares = (x**2).sum(1)[:, None] + (y**2).sum(1)[None, :] - 2.0 * x @ y.T
    solved = plan(a, b, squares / np.percentile(squares, 90))
    return _Solved(x, y, solved, float((solved * squares).sum()), solved @ y / solved.sum(1, keepdims=True))


def _pushed(solved: _Solved, shares: Floats) -> Floats:
    pushed = np.zeros_like(shares)
    for one, share in zip(pushed, shares, strict=True):
        one[solved.targets[:, 0], solved.targets[:, 1]] = (
            share[solved.sources[:, 0], solved.sources[:, 1]] @ solved.plan
        )
    return pushed


def _support(grid: Floats) -> tuple[NDArray[np.intp], Floats]:
    intensity = (grid - grid.min()) / (grid.max() - grid.min())
    kept = intensity > SETTINGS.support_threshold
    return np.argwhere(kept), intensity[kept] / intensity[kept].sum()
