"""Boxes that fill a frame in the upper left corner of pictures that are much larger, as boxes fill a picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medground_bench.submission.foreign_frames.advice import advice, boxes
from medground_bench.submission.foreign_frames.coordinate_systems import TOLERANCE, CoordinateSystem, fill
from medground_bench.submission.foreign_frames.fits import GRIDS, Fit, fits, squares
from medground_bench.submission.foreign_frames.growth import growth
from medground_bench.submission.foreign_frames.relative import ALL_SHARE
from medground_bench.submission.foreign_frames.written_boxes import Pile, Written
from medground_bench.submission.problems import Code, Problem

MANY_IMAGES = 10
"""Pictures from which it is no accident that all boxes lie in one corner, or fill a frame."""

CORNER = 2.05
"""Times that the median picture is longer than a frame that all boxes may be left in: a method that marks one
quarter of the picture is in none of them."""

WELL_FILLED = 0.87
"""Share of a frame, on each axis, that the furthest box reaches where nothing else speaks for the frame."""

RING = 1.5
"""A crowd in a corner stands apart when no other box lies within this many times its frame."""

TINY, TINY_FILLED = 8, 0.65
"""In a frame so many times smaller than the pictures a crowd needs to fill this share: nothing is to be seen there."""

BESIDE_IMAGES = 25
"""Pictures from which a crowd of boxes that have others beside them in their cases is told, and only as a tiny grid:
they may also mark what really stands in the corner, a letter of the side, for example."""


def all_in_a_corner(pile: Pile) -> bool:
    """Whether all boxes of many pictures fill a frame much smaller than the pictures.

    >>> from medground_bench.core.types import Frame
    >>> native, boxes = Frame("native", width=2000, height=1000), ((0, 0, 99, 99), (120, 130, 224, 224))
    >>> cases = [Written(n, "c", "t", "vindr", "mass", str(n), native, (1,), (boxes[n % 2],)) for n in range(10)]
    >>> all_in_a_corner(Pile.of(cases)), all_in_a_corner(Pile.of(cases[:9]))
    (True, False)
    """
    return pile.images >= MANY_IMAGES and any(
        CORNER * side <= pile.length_px and _like_a_picture(square, side, pile)
        for square, side in squares(pile).items()
    )


def crowd(pile: Pile) -> list[Problem]:
    """The lines of many pictures with boxes that fill a frame in the corner, while no others come near it.

    >>> from medground_bench.core.types import Frame
    >>> native, near, far = Frame("native", width=2000, height=2000), (0, 0, 99, 99), (120, 130, 224, 224)
    >>> boxes = enumerate([near, far] * 5 + [(900, 900, 1500, 1800)] * 10)
    >>> cases = [Written(n, "c", "t", "vindr", "mass", str(n), native, (1,), (box,)) for n, box in boxes]
    >>> [problem.line for problem in crowd(Pile.of(cases))]
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    crowds = [
        pile.with_rows(within)
        for square, side in squares(pile).items()
        if (within := _apart(square, side, pile)) is not None
    ]
    if not crowds:
        return []
    largest = max(crowds, key=lambda crowd: len(crowd.owner))
    told, cases = fits(largest), len(largest.cases)
    numbers = np.split(largest.numbers, np.flatnonzero(np.diff(largest.owner)) + 1)
    return [_of_line(case, n.tolist(), cases, told) for case, n in zip(largest.cases, numbers, strict=True)]


def _apart(square: CoordinateSystem, side: int, pile: Pile) -> NDArray[np.bool_] | None:
    """The boxes that lie in a square much smaller than the pictures and fill it, when no others lie near it."""
    length = pile.length_px
    if CORNER * side > length:
        return None
    furthest = square.shares(pile.corners, pile.sizes).max(axis=1)
    within, near = furthest <= 1 + TOLERANCE, furthest <= RING
    if (near & ~within).any() or pile.cases_with(~near).sum() < MANY_IMAGES:
        return None
    alone, tiny = pile.with_rows(within), TINY * side <= length
    beside = pile.cases_with(within)[pile.owner].sum() > within.sum()
    if beside and not (tiny and square in GRIDS):
        return None
    images = BESIDE_IMAGES if beside else MANY_IMAGES
    least = TINY_FILLED if tiny and not beside else WELL_FILLED
    filled = alone.images >= images and _like_a_picture(square, side, alone, least)
    return within if filled and not growth(alone).likely else None


def _of_line(case: Written, numbers: Sequence[int], cases: int, told: Sequence[Fit]) -> Problem:
    which = "the boxes lie in" if len(numbers) == len(case.boxes) else f"{boxes(numbers)}: in"
    return Problem(
        case.line,
        case.case_id,
        Code.LOOKS_RESIZED,
        f"{which} the upper left corner of a picture of {case.native.width} x {case.native.height} px, as in "
        f"{cases - 1} other cases that together fill a frame there, and the rest of the file stays away from it: "
        f"these look like no native pixels. {advice(told)}",
    )


def _like_a_picture(square: CoordinateSystem, side: int, pile: Pile, least_fill: float = WELL_FILLED) -> bool:
    """Whether boxes fill a square as they fill a picture: to the far edges and on both sides, or each the whole."""
    shares = square.shares(pile.corners, pile.sizes)
    if fill(shares) < least_fill:
        return False
    whole = np.abs(shares - (0, 0, 1, 1)).max(axis=1) * side < 0.6
    if whole.mean() >= ALL_SHARE:
        return bool((pile.sizes % side).any())
    middles = (shares[:, :2] + shares[:, 2:]) / 2
    sums = np.stack([np.bincount(pile.owner, column) for column in middles.T], axis=1)
    of_cases = sums / np.bincount(pile.owner)[:, None]
    return bool(min((of_cases <= 0.45).sum(axis=0).min(), (of_cases >= 0.55).sum(axis=0).min()) >= 2)
