"""Which coordinate systems explain the boxes of some cases, and the sides that their squares may have. Pure.

A side is known only where boxes meet the far edges of the square; else any from the furthest box on will do, and the
listed ones are no more than examples. The grid of thousandths is always told where the numbers allow it: most models
that answer in coordinates answer in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medground_bench.submission.foreign_frames.coordinate_systems import (
    DOUBLED,
    DOUBLED_Y_FIRST,
    LAYOUTS,
    LETTERBOXED,
    LETTERBOXED_Y_FIRST,
    PERCENT,
    SIDES,
    STRETCHED,
    THOUSAND,
    TOLERANCE,
    CoordinateSystem,
    Layout,
    fill,
)
from medground_bench.submission.foreign_frames.growth import likelihood
from medground_bench.submission.foreign_frames.written_boxes import Pile

TOLD_FILLED = ((25, 0.75), (10, 0.65), (0, 0.5))
"""Cases, and the share of a frame that they must reach for it to be told: the fewer there are, the more frames fit."""

THOUSAND_FROM = 500
"""Largest coordinate above which thousandths are always possible: not all boxes would lie in one quarter."""

MOST_SIDE = 2048
"""Of a model's input, pixels."""

EDGE_CASES, EDGE_PX = 3, 1.5
"""Cases that end at the right edge, and at the lower one, from which both edges are known, and how near to them."""

WORSE = 12.0
"""Systems less likely than the best one by so many nats are dropped."""

GRIDS: dict[CoordinateSystem, int] = {PERCENT: 100, THOUSAND: 1000}
"""Grids that are told by themselves, and their sides."""

X_FIRST: dict[CoordinateSystem | Layout, CoordinateSystem | Layout] = {
    LETTERBOXED_Y_FIRST: LETTERBOXED,
    DOUBLED_Y_FIRST: DOUBLED,
}
"""What is written y first -> the same written x first."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A coordinate system that explains every box.

    system  the one, or of a layout the one with the least side
    kind    itself, or its layout
    filled  share of the frame that the boxes reach; above 1 by rounding
    sides   that the square of a layout may have
    usual   those among them that models have, the best filled first
    met     whether boxes meet the far edges, so that the side is known to a pixel

    >>> small, large = (Fit(STRETCHED.of(n), STRETCHED, filled=0.9, sides=range(n, n + 50)) for n in (200, 224))
    >>> small.agrees(large)  # a square of 224 may have made both
    True
    """

    system: CoordinateSystem
    kind: CoordinateSystem | Layout
    filled: float
    sides: range = range(1)
    usual: tuple[int, ...] = ()
    met: bool = False

    def agrees(self, other: Fit) -> bool:
        """Whether one conversion may do for both."""
        common = range(max(self.sides.start, other.sides.start), min(self.sides.stop, other.sides.stop))
        return self.kind == other.kind and bool(common)


def fits(pile: Pile, others: Sequence[CoordinateSystem] = ()) -> tuple[Fit, ...]:
    """The grids, layouts in squares and other systems that explain every box, in the order to tell them.

    Filled grids come first, then what is filled best; what boxes of the same finding speak against is left out.

    >>> from medground_bench.core.types import Frame
    >>> from medground_bench.submission.foreign_frames.written_boxes import Written
    >>> native = Frame("native", width=2000, height=1000)
    >>> case = Written(1, "c", "medgemma direct", "vindr", "mass", "i", native, (1,), ((400, 400, 990, 980),))
    >>> fits(Pile.of([case]))[0].kind
    Square(side=1000)
    """
    candidates = [*_of_grids(pile), *_of_layouts(pile), *exact_fits(pile, others)]
    least = _least_filled(pile)
    first = {fit: fit.kind in GRIDS and fit.filled >= least for fit in candidates}
    candidates.sort(key=lambda fit: (not first[fit], -fit.filled))
    return _without_repeats(_likeliest(candidates, pile))


def exact_fits(pile: Pile, systems: Sequence[CoordinateSystem]) -> tuple[Fit, ...]:
    """Those of the systems that explain every box and are filled.

    >>> from medground_bench.core.types import Frame
    >>> from medground_bench.submission.foreign_frames.written_boxes import Written
    >>> native = Frame("native", width=2000, height=1000)
    >>> case = Written(1, "c", "medgemma direct", "vindr", "mass", "i", native, (1,), ((400, 400, 990, 980),))
    >>> [fit.system for fit in exact_fits(Pile.of([case]), [THOUSAND, PERCENT])]
    [Square(side=1000)]
    """
    least, hull = _least_filled(pile), pile.hull
    filled = {system: fill(system.shares(*hull)) for system in systems}
    return tuple(Fit(system, system, share) for system, share in filled.items() if share >= least)


def squares(pile: Pile) -> dict[CoordinateSystem, int]:
    """Every square that boxes may have been left in, with its side: the usual ones, and those met at their edges.

    >>> from medground_bench.core.types import Frame
    >>> from medground_bench.submission.foreign_frames.written_boxes import Written
    >>> native = Frame("native", width=2000, height=1000)
    >>> case = Written(1, "c", "medgemma direct", "vindr", "mass", "i", native, (1,), ((4, 4, 99, 98),))
    >>> squares(Pile.of([case]))[LETTERBOXED.of(448)]
    448
    """
    known = {layout.of(side): side for layout in LAYOUTS for side in SIDES}
    met = _met_side(pile)
    return {**GRIDS, **known, **{layout.of(met): met for layout in _met_at_edges(pile)}}


def _met_side(pile: Pile) -> int:
    """The side that every square has whose edges are met: of the longer side of each picture, if it is padded."""
    return round(float(pile.corners[:, 2:].max()))


def _met_at_edges(pile: Pile) -> list[Layout]:
    side = _met_side(pile)
    return [
        layout for layout in LAYOUTS if 0 < side <= MOST_SIDE and _meets_edges(layout.of(side), side, pile)
    ]


def _meets_edges(square: CoordinateSystem, side: int, pile: Pile) -> bool:
    """Whether boxes of several cases end at the right edge of the picture alone, and of several at the lower one.

    A box that always is the whole square ends there as well, but so does one that marks the same corner everywhere.
    """
    shares = square.shares(pile.corners, pile.sizes)
    right, lower = (shares[:, 2:] >= 1 - EDGE_PX / side).T
    ends = [int(pile.cases_with(rows).sum()) for rows in (right & ~lower, lower & ~right)]
    return min(ends) >= EDGE_CASES and fill(shares) > 0


def _of_grids(pile: Pile) -> list[Fit]:
    likely = exact_fits(pile, tuple(GRIDS))
    filled = fill(THOUSAND.shares(*pile.hull))
    possible = filled > 0 and pile.corners[:, 2:].max() > THOUSAND_FROM
    missing = possible and THOUSAND not in {fit.kind for fit in likely}
    return [*likely, *([Fit(THOUSAND, THOUSAND, filled)] if missing else [])]


def _of_layouts(pile: Pile) -> list[Fit]:
    """The layouts that hold all boxes: where edges are met, by squares of that side.

    Boxes that end where the padding begins were letterboxed. Those that end where the square does may be either, since
    tall and broad pictures together reach all its edges, padded or not; at the end of a grid they are the grid's.
    """
    met, furthest = _met_at_edges(pile), float(pile.corners[:, 2:].max())
    if not met:
        longest = min(MOST_SIDE, furthest / _least_filled(pile))
        tried = range(max(1, math.ceil(furthest / (1 + TOLERANCE))), math.floor(longest) + 1)
        return [fit for layout in LAYOUTS if (fit := _of_layout(layout, tried, pile))]
    side = _met_side(pile)
    padded = [layout for layout in met if layout is not STRETCHED]
    of_grid = any(abs(side - grid) <= 1 for grid in GRIDS.values())
    tried = range(max(1, side - 1), side + 2)
    fitting = [_of_layout(layout, tried, pile) for layout in (met if padded else LAYOUTS)]
    return [replace(fit, met=True) for fit in fitting if fit and not (of_grid and fit.kind is STRETCHED)]


def _of_layout(layout: Layout, tried: range, pile: Pile) -> Fit | None:
    least, hull = _least_filled(pile), pile.hull
    filled = {side: fill(layout.of(side).shares(*hull)) for side in tried}
    sides = [side for side, share in filled.items() if share >= least]
    if not sides:
        return None
    usual = tuple(side for side in SIDES if side in sides)
    best = max((filled[side] for side in usual), default=least)
    return Fit(layout.of(sides[0]), layout, best, range(sides[0], sides[-1] + 1), usual)


def _likeliest(candidates: Sequence[Fit], pile: Pile) -> tuple[Fit, ...]:
    scores = (
        [likelihood(fit.system, pile) for fit in candidates]
        if len(candidates) > 1
        else [0.0] * len(candidates)
    )
    least = max(scores, default=0.0) - WORSE
    return tuple(
        fit for fit, score in zip(candidates, scores, strict=True) if score > least or fit.kind is THOUSAND
    )


def _without_repeats(candidates: Sequence[Fit]) -> tuple[Fit, ...]:
    """All but those of y first that say no more than the same with x first: that y may stand first is said anyway."""
    starts = {fit.kind: fit.sides.start for fit in candidates}
    return tuple(
        fit
        for fit in candidates
        if fit.kind not in X_FIRST or starts.get(X_FIRST[fit.kind], math.inf) > fit.sides.start
    )


def _least_filled(pile: Pile) -> float:
    return next(share for cases, share in TOLD_FILLED if len(pile.cases) >= cases)
