"""Separable transport against dense ways to the same boxes, in one run, so that the ratios mean something.

Every way does all the work from a picture to the boxes of 11 concepts, with the references' grids made before, as they
are the same for every picture. Seconds are of processor time and of wall clock; run with OMP_NUM_THREADS=1, or the
dense ways are charged for threads that wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from medground_bench.anatomy import transport_by_pot
from medground_bench.anatomy.atlas import Atlas, phantom_atlas
from medground_bench.anatomy.grid import cell_averages, cells_to_pixels, mass_core
from medground_bench.anatomy.transport import TransportSettings, solve
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.types import Picture
from medground_bench.localizers.uot import Solver, Uot
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from tests.performance.methods_speed import fastest

Floats = NDArray[np.float64]
SETTINGS = TransportSettings()
SELECTION, TRANSFER, FULL = 14, 56, 224
"""Cells a side: of the choice of a reference, of the transfer of its masks (paper, Appendix D), and of a picture."""

CORE_SHARE = Uot.core_share


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
    """Cost of every reference, the mass (concepts, cells, cells) carried over from the cheapest one, and what it is."""

    costs: Floats
    received: Floats
    regions: ConceptRegions

    def difference(self, other: Localised) -> float:
        """Largest difference of costs and of masses, relative to the largest of each; infinite for another choice."""
        if self.costs.argmin() != other.costs.argmin():
            return float("inf")
        pairs = ((self.costs, other.costs), (self.received, other.received))
        return max(float(np.abs(one - two).max() / two.max()) for one, two in pairs)


Localising = Callable[[Picture], Localised]


@dataclass(frozen=True)
class Way:
    """One way from a picture to 11 concepts' boxes by 16 references; `error` is against the separable way."""

    name: str
    processor_s: float
    wall_s: float
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
        return transport_by_pot.solve(reference, target, SETTINGS).push(shares)

    error = np.abs(separable() - dense()).max() / dense().max()
    return Speed(cells, fastest(separable, 5), fastest(dense, 2), float(error))


def full_size_s() -> float:
    """Seconds of one transport of whole pictures, a cell a pixel, with 11 regions pushed."""
    atlas = phantom_atlas()
    reference, target = (atlas.pictures[number] for number in (0, 1))
    regions = atlas.masks[0]
    return fastest(lambda: solve(reference, target, SETTINGS).push(regions), 2)


def ways(rounds: int = 4) -> list[Way]:
    """Choice among 16 references, transfer of 11 concepts and their boxes, three ways.

    They take turns, since a machine is not always equally fast; the fastest run of each counts.
    """
    atlas, picture = phantom_atlas(), unseen()
    run = {
        "separable, batched": (solver_way(atlas, solve), 20),
        "POT, dense": (solver_way(atlas, transport_by_pot.solve), 1),
        "dense numpy, as the authors describe it": (dense_way(atlas), 1),
    }
    clocks = {
        clock: [_fastest(clock, run, picture) for _ in range(rounds)]
        for clock in (process_time, perf_counter)
    }
    processor, wall = (np.min(turns, axis=0) for turns in clocks.values())
    found = [way(picture) for way, _repeats in run.values()]
    return [
        Way(name, float(processor[number]), float(wall[number]), found[number].difference(found[0]))
        for number, name in enumerate(run)
    ]


def _fastest(
    clock: Callable[[], float], run: Mapping[str, tuple[Localising, int]], picture: Picture
) -> list[float]:
    """Seconds of each way by one clock, its fastest run."""
    times = []
    for way, repeats in run.values():
        ends = []
        for _ in range(repeats):
            start = clock()
            way(picture)
            ends.append(clock() - start)
        times.append(min(ends))
    return times


def unseen() -> Picture:
    """A phantom that is in no atlas."""
    return Scene.sample(seeds.EXAMINATION[0]).render(FULL)


def solver_way(atlas: Atlas, solver: Solver) -> Localising:
    """As the localizer `uot` does it."""
    candidates, references, masks = _grids(atlas)

    def way(picture: Picture) -> Localised:
        costs = solver(candidates, cell_averages(picture, SELECTION), SETTINGS).cost()
        best = int(costs.argmin())
        solved = solver(references[best], cell_averages(picture, TRANSFER), SETTINGS)
        return _localised(atlas, costs, solved.push(masks[best]))

    return way


def dense_way(atlas: Atlas) -> Localising:
    """Every reference by itself: supports, whole cost matrix, its percentile, plan and cost."""
    candidates, references, masks = _grids(atlas)

    def way(picture: Picture) -> Localised:
        target = cell_averages(picture, SELECTION)
        costs = [_dense(one, target).cost for one in candidates]
        best = int(np.argmin(costs))
        solved = _dense(references[best], cell_averages(picture, TRANSFER))
        return _localised(atlas, np.array(costs), _pushed(solved, masks[best]))

    return way


def _grids(atlas: Atlas) -> tuple[Floats, Floats, Floats]:
    """The references at the grid of the choice, and they and their masks at that of the transfer."""
    references, masks = (cell_averages(each, TRANSFER) for each in (atlas.pictures, atlas.masks))
    return cell_averages(atlas.pictures, SELECTION), references, masks


def _localised(atlas: Atlas, costs: Floats, received: Floats) -> Localised:
    cores = np.stack([mass_core(mass, CORE_SHARE) for mass in received])
    return Localised(costs, received, atlas.regions(cells_to_pixels(cores, FULL)))


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


def table() -> Table:
    """The ways to localise, the time of each and what it is of the separable one's."""
    listed, full = ways(), full_size_s()
    rows = Table(title="From a picture to the boxes of 11 concepts by 16 references, same run")
    for heading in ("way", "processor, ms", "of separable", "wall, ms", "of separable", "largest difference"):
        rows.add_column(heading, justify="left" if heading == "way" else "right")
    for one in listed:
        pairs = ((one.processor_s, listed[0].processor_s), (one.wall_s, listed[0].wall_s))
        times = [text for own, first in pairs for text in (f"{1000 * own:.1f}", f"{own / first:.0f} x")]
        rows.add_row(one.name, *times, f"{one.error:.0e}")
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


def _dense(reference: Floats, target: Floats) -> _Solved:
    (x, a), (y, b) = _support(reference), _support(target)
    squares = (x**2).sum(1)[:, None] + (y**2).sum(1)[None, :] - 2.0 * x @ y.T
    solved = plain_plan(a, b, squares / np.percentile(squares, 90))
    return _Solved(x, y, solved, float((solved * squares).sum()))


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
