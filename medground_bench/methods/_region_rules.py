"""Which of several hidden regions is the evidence: the paper's rule, which favours large regions, and four that do not.

A region of half the picture takes something from the response whatever it shows, so the largest Delta often names the
largest region. Each rule puts Delta beside something else: the region's area, what as large a region elsewhere costs,
what the other regions cost with it, or how small a region still costs as much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from medground_bench.anatomy.regions import touched_pixels
from medground_bench.core.types import Box, Mask
from medground_bench.methods._settings import demand

Drops = NDArray[np.float64]
"""Nats, one a region."""

Cost = Callable[[Sequence[Mask]], Drops]
"""Delta of any masks: one picture each."""


@dataclass(frozen=True, slots=True, eq=False)
class HiddenRegions:
    """What a rule is given of one case.

    masks    of the regions, in the study frame
    drops    Delta of each, nats
    content  rows and columns of the study frame that show the picture and not its letterbox
    cost     of any other masks
    """

    masks: Sequence[Mask]
    drops: Drops
    content: tuple[slice, slice]
    cost: Cost


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """What a rule makes of the regions.

    nats    what each costs the response by this rule; where it is too little, the region is no evidence
    scores  of those that are, the highest wins
    """

    nats: Drops
    scores: Drops


class RegionRule(Protocol):
    """A frozen dataclass of the rule's settings; its repr stands in every record.

    measure    what its scores are, in words; empty where they are Delta
    of_delta   whether a region matters by its Delta; else it does by its score
    """

    measure: ClassVar[str]
    of_delta: ClassVar[bool]

    def told(self, score: float) -> str:
        """A score for people, in the unit of `measure`."""
        ...

    def weigh(self, regions: HiddenRegions) -> Weighed:
        """Nats and scores in the order of the regions; same regions, same result."""
        ...


@dataclass(frozen=True)
class LargestDrop:
    """The paper's: the largest Delta wins."""

    measure: ClassVar[str] = ""
    of_delta: ClassVar[bool] = True

    def told(self, score: float) -> str:
        """Nats."""
        return f"{score:.2f}"

    def weigh(self, regions: HiddenRegions) -> Weighed:
        """No further picture is asked."""
        return Weighed(regions.drops, regions.drops)


@dataclass(frozen=True)
class DropPerArea:
    """The largest Delta for each pixel that was hidden wins, among the regions whose Delta matters."""

    measure: ClassVar[str] = "nats for each 1,000 hidden pixels"
    of_delta: ClassVar[bool] = True

    def told(self, score: float) -> str:
        """For each thousand pixels of the study frame."""
        return f"{1000 * score:.2f}"

    def weigh(self, regions: HiddenRegions) -> Weighed:
        """No further picture is asked."""
        areas = np.array([max(1, int(mask.sum())) for mask in regions.masks])
        return Weighed(regions.drops, regions.drops / areas)


@dataclass(frozen=True)
class DropOverControl:
    """The largest Delta beyond the mean Delta of `controls` regions of the same size and shape elsewhere wins.

    A control is the region moved, what leaves the picture on one side coming back on the other, to a place drawn from
    the quarter of places at which it covers least of itself.
    """

    measure: ClassVar[str] = "nats beyond those of regions as large elsewhere"
    of_delta: ClassVar[bool] = False

    controls: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        demand(self, self.controls > 0, "needs at least 1 control region")

    def told(self, score: float) -> str:
        """Nats."""
        return f"{score:.2f}"

    def weigh(self, regions: HiddenRegions) -> Weighed:
        """One picture a control."""
        rng = np.random.default_rng(self.seed)
        moved = [
            each for mask in regions.masks for each in moved_masks(mask, regions.content, self.controls, rng)
        ]
        beyond = regions.drops - regions.cost(moved).reshape(-1, self.controls).mean(axis=1)
        return Weighed(beyond, beyond)


@dataclass(frozen=True)
class ShapleyDrop:
    """The largest Shapley value wins: what hiding the region adds to Delta, whatever else is hidden before it.

    Exact, from every coalition of regions, where that asks for no more pictures than `permutations` orders of hiding
    them one after the other; else the mean over so many drawn orders, each followed by its reverse.
    """

    measure: ClassVar[str] = "nats by Shapley value"
    of_delta: ClassVar[bool] = False

    permutations: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        wanted = "needs an even number of permutations, at least 2"
        demand(self, self.permutations > 1 and self.permutations % 2 == 0, wanted)

    def told(self, score: float) -> str:
        """Nats."""
        return f"{score:.2f}"

    def weigh(self, regions: HiddenRegions) -> Weighed:
        """One picture for every coalition of two regions or more that the values need."""
        count = len(regions.masks)
        if 2**count <= self.permutations * count:
            coalitions = [
                frozenset(each) for size in range(2, count + 1) for each in combinations(range(count), size)
            ]
            values = exact_shapley(count, self._worth(regions, coalitions))
        else:
            orders = self._orders(count)
            coalitions = [frozenset(order[:size]) for order in orders for size in range(2, count + 1)]
            values = sampled_shapley(orders, self._worth(regions, coalitions))
        return Weighed(values, values)

    def _orders(self, count: int) -> list[list[int]]:
        rng = np.random.default_rng(self.seed)
        drawn = [rng.permutation(count).tolist() for _ in range(self.permutations // 2)]
        return [order for each in drawn for order in (each, each[::-1])]

    @staticmethod
    def _worth(regions: HiddenRegions, coalitions: Sequence[frozenset[int]]) -> dict[frozenset[int], float]:
        """Delta of every coalition, each asked once; that of one region is known."""
        distinct = list(dict.fromkeys(coalitions))
        masks = [np.any([regions.masks[member] for member in sorted(each)], axis=0) for each in distinct]
        alone = {frozenset({place}): float(drop) for place, drop in enumerate(regions.drops)}
        costs = regions.cost(masks).tolist() if masks else []
        return {frozenset(): 0.0} | alone | dict(zip(distinct, costs, strict=True))


@dataclass(frozen=True)
class SmallestRegion:
    """The smallest region wins whose Delta is at least the share `keeping` of the largest Delta."""

    measure: ClassVar[str] = "hidden pixels, the fewest first"
    of_delta: ClassVar[bool] = True

    keeping: float = 0.9

    def __post_init__(self) -> None:
        demand(self, 0 < self.keeping <= 1, "keeping is a share of the largest Delta, above 0 and at most 1")

    def told(self, score: float) -> str:
        """Pixels of the study frame."""
        return f"{-score:,.0f}"

    def weigh(self, regions: HiddenRegions) -> Weighed:
        """No further picture is asked."""
        enough = regions.drops >= self.keeping * regions.drops.max()
        areas = np.array([float(mask.sum()) for mask in regions.masks])
        return Weighed(regions.drops, np.where(enough, -areas, -np.inf))


def narrowed(box: Box, mask: Mask, drop: float, cost: Cost) -> Box:
    """The quadrant of a box that costs at least half of what its whole region costs while the rest costs at most half.

    mask  of the region in the box
    drop  Delta of it, nats

    The costliest quadrant is asked, and the box stays as it is where that does not carry the response. Eight pictures.
    """
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    rows, columns = ((box.y0, y), (y, box.y1)), ((box.x0, x), (x, box.x1))
    quarters = [Box(x0, y0, x1, y1, box.frame) for (y0, y1), (x0, x1) in product(rows, columns)]
    parts = [mask & touched_pixels(quarter) for quarter in quarters]
    alone, rest = cost([*parts, *(mask & ~part for part in parts)]).reshape(2, 4)
    best = int(alone.argmax())
    return quarters[best] if alone[best] >= drop / 2 >= rest[best] else box


def moved_masks(
    mask: Mask, content: tuple[slice, slice], count: int, rng: np.random.Generator
) -> Iterator[Mask]:
    """The mask moved within the content, `count` times, to places at which it covers little of itself."""
    inside = mask[content]
    spectrum = np.fft.rfft2(inside.astype(np.float64))
    covered = np.fft.irfft2(np.abs(spectrum) ** 2, inside.shape).round().astype(np.int64)
    least = np.argsort(covered, axis=None, kind="stable")[: max(count, covered.size // 4)]
    for place in rng.choice(least, count, replace=False):
        moved = np.zeros_like(mask)
        moved[content] = np.roll(inside, np.unravel_index(place, inside.shape), (0, 1))
        yield moved


def exact_shapley(count: int, worth: dict[frozenset[int], float]) -> Drops:
    """Shapley values from the worth of all 2^count coalitions."""
    values = np.zeros(count)
    for coalition, value in worth.items():
        for member in coalition:
            weight = 1 / (count * comb(count - 1, len(coalition) - 1))
            values[member] += weight * (value - worth[coalition - {member}])
    return values


def sampled_shapley(orders: Sequence[Sequence[int]], worth: dict[frozenset[int], float]) -> Drops:
    """Shapley values as the mean, over orders of all members, of what each adds to those before it."""
    values = np.zeros(len(orders[0]))
    for order in orders:
        for place, member in enumerate(order):
            values[member] += worth[frozenset(order[: place + 1])] - worth[frozenset(order[:place])]
    return values / len(orders)
