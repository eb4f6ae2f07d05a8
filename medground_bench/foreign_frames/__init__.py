"""Evidence that boxes are not native pixels. Pure, and without the expert boxes: nothing of them leaks.

Cases are judged one by one, together, and by track and source. What tells a foreign frame:

- no coordinate of a case exceeds 1;
- boxes reach beyond their pictures, all as one grid or model input would let them;
- boxes of the same finding do not grow with the pictures, as they must where one input holds pictures of many sizes;
- the boxes of many pictures, all in one small corner, fill a grid or an input as boxes fill a picture.

Several frames often explain the same numbers. What is certain is said first, then every frame that fits, each with its
conversion: a wrong conversion gives boxes that pass and score nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medground_bench.foreign_frames.advice import advice, lines
from medground_bench.foreign_frames.coordinate_systems import (
    EXCHANGED,
    GRIDS,
    LETTERBOXED,
    PERCENT,
    STRETCHED,
    THOUSAND,
    TOLERANCE,
    CoordinateSystem,
    Doubled,
    Grid,
    Square,
    Stretched,
    fill,
)
from medground_bench.foreign_frames.growth import Growth, growth, likeliest
from medground_bench.foreign_frames.relative import ALL_SHARE, relative_boxes
from medground_bench.foreign_frames.written_boxes import Pile, Written, in_order, is_relative
from medground_bench.problems import Code, Problem

OUTSIDE_CASES, OUTSIDE_SHARE, EXCHANGED_SHARE, OUTSIDE_FAR = 3, 0.1, 0.05, 0.02
"""Boxes beyond their pictures by so much of a side speak of a frame, not of slips, in at least so many cases."""

MANY_IMAGES = 10
"""Pictures from which it is no accident that all boxes lie in one corner, or fill a frame."""

CORNER = 2.05
"""Times that the median picture is longer than a frame that all boxes may be left in: a method that marks one
quarter of the picture is in none of them."""

WELL_FILLED = 0.87
"""Share of a frame, on each axis, that the furthest box reaches where nothing else speaks for the frame."""

TOLD_FILLED = ((25, 0.75), (10, 0.65), (0, 0.5))
"""Cases, and the share of a frame that they must reach for it to be told: the fewer there are, the more frames fit."""

ANSWERED_IN, GRID_FILLED = (THOUSAND, PERCENT), 0.85
"""Grids, and the share of them from which stretched pictures are not told beside them."""

RING = 1.5
"""A crowd in a corner stands apart when no other case lies within this many times its frame."""

TINY, TINY_FILLED = 8, 0.65
"""In a frame so many times smaller than the pictures a crowd needs to fill this share: nothing is to be seen there."""

SQUARES: tuple[Square, ...] = (*GRIDS, *LETTERBOXED, *STRETCHED)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is wrong with the frames of a file: problems of the whole file and of lines, or else a remark."""

    problems: tuple[Problem, ...] = ()
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is certain of some cases, the readings that explain it, and whether it holds for every one of them."""

    code: Code
    certain: str
    readings: tuple[CoordinateSystem, ...]
    of_every_case: bool = True
    closing: str = ""

    def problem(self, about: str = "") -> Problem:
        """The verdict as a problem of the whole file; `about` names the part of it that is meant."""
        told = (f"{about}{self.certain}", advice(self.readings), self.closing)
        return Problem(None, None, self.code, " ".join(filter(None, told)))


def suspicion(cases: Sequence[Written]) -> Suspicion:
    """Whether the boxes of a file may be native, and how to mend them where they cannot be."""
    pile, problems = in_order(Pile.of(cases))
    problems += relative_boxes(cases)
    pile = pile.with_rows(~np.array([is_relative(box) for box in pile.corners.tolist()], bool))
    problems += _judged(pile)
    return Suspicion(tuple(problems), None if problems else _remark(pile))


def _judged(pile: Pile) -> list[Problem]:
    """By parts where the parts differ, else together, else the crowd that stands apart."""
    if not pile.cases:
        return []
    whole = _verdict(pile)
    for name_of in (lambda case: f"track {case.track}", lambda case: f"source {case.source}"):
        parts = {name: _verdict(pile.with_rows(rows)) for name, rows in pile.rows_by(name_of).items()}
        sure = {name: verdict for name, verdict in parts.items() if verdict and verdict.of_every_case}
        if sure and (whole is None or not whole.of_every_case or _differ(whole, sure.values())):
            return [verdict.problem(f"{name}: ") for name, verdict in sure.items()]
    return [whole.problem()] if whole else _crowd(pile)


def _differ(whole: _Verdict, parts: Iterable[_Verdict]) -> bool:
    return any(part.readings and not set(part.readings) & set(whole.readings) for part in parts)


def _verdict(pile: Pile) -> _Verdict | None:
    grown = growth(pile)
    return _beyond(pile, grown) or _not_growing(pile, grown) or _in_a_corner(pile, grown)


def _beyond(pile: Pile, grown: Growth) -> _Verdict | None:
    """Boxes beyond their pictures, as many and as far as some other frame would let them."""
    shares, total = pile.native, len(pile.cases)
    beyond = np.maximum(-shares[:, :2], shares[:, 2:] - 1)
    far = beyond.max(axis=1) > OUTSIDE_FAR
    outside = pile.cases_with(far)
    count = int(outside.sum())
    if count < max(OUTSIDE_CASES, EXCHANGED_SHARE * total):
        return None
    certain = f"in {count} of {total} cases boxes reach beyond their pictures: these are no native pixels."
    exchanged = _told(EXCHANGED, pile)
    if 2 * count < total and (exchanged or count < OUTSIDE_SHARE * total):
        return _Verdict(Code.LOOKS_SWAPPED, certain, exchanged) if exchanged else None
    speaking = pile if grown.absent else pile.with_cases(outside)
    readings = likeliest(_told((*SQUARES, Doubled()), speaking), speaking) + exchanged
    if not readings:
        return None
    code = Code.LOOKS_SWAPPED if readings == exchanged else Code.LOOKS_RESIZED
    inside = [case for case, out in zip(pile.cases, outside, strict=True) if not out]
    closing = f"The other cases ({lines(inside)}) may be native: convert them only if they were made alike."
    sure = grown.absent or count >= ALL_SHARE * total
    return _Verdict(code, certain, readings, sure, closing if inside else "")


def _not_growing(pile: Pile, grown: Growth) -> _Verdict | None:
    """Boxes that ignore the size of their pictures."""
    if not grown.absent:
        return None
    certain = (
        f"boxes of the same finding end at the same pixel in small and in large pictures ({grown.images} pictures "
        "tell): they are no native pixels."
    )
    return _Verdict(Code.LOOKS_RESIZED, certain, likeliest(_told(SQUARES, pile), pile))


def _in_a_corner(pile: Pile, grown: Growth) -> _Verdict | None:
    """Boxes of many pictures that fill a frame much smaller than the pictures."""
    length = pile.length_px
    if _images(pile) < MANY_IMAGES or grown.likely:
        return None
    if not any(CORNER * square.side <= length and _like_a_picture(square, pile) for square in SQUARES):
        return None
    right, bottom = pile.corners[:, 2:].max(axis=0)
    certain = (
        f"all boxes of {len(pile.cases)} cases lie within {right:.0f} x {bottom:.0f} px, but the median picture is "
        f"{length:.0f} px long: they are no native pixels."
    )
    return _Verdict(Code.LOOKS_RESIZED, certain, likeliest(_told(SQUARES, pile), pile))


def _crowd(pile: Pile) -> list[Problem]:
    """The lines of many pictures whose boxes fill a frame in the corner, while no others come near it."""
    crowds = [pile.with_cases(within) for square in SQUARES if (within := _apart(square, pile)) is not None]
    if not crowds:
        return []
    crowd = max(crowds, key=lambda crowd: len(crowd.cases))
    readings = likeliest(_told(SQUARES, crowd), crowd)
    return [_crowd_line(case, len(crowd.cases), readings) for case in crowd.cases]


def _apart(square: Square, pile: Pile) -> NDArray[np.bool_] | None:
    """The cases that lie in a square much smaller than the pictures and fill it, when no others lie near it."""
    length = pile.length_px
    if CORNER * square.side > length:
        return None
    shares = square.shares(pile.corners, pile.sizes)
    within, near = (~pile.cases_with(shares.max(axis=1) > reach) for reach in (1 + TOLERANCE, RING))
    if within.sum() < near.sum() or (~near).sum() < MANY_IMAGES:
        return None
    crowd = pile.with_cases(within)
    least = TINY_FILLED if TINY * square.side <= length else WELL_FILLED
    filled = _images(crowd) >= MANY_IMAGES and _like_a_picture(square, crowd, least)
    return within if filled and not growth(crowd).likely else None


def _crowd_line(case: Written, count: int, readings: Sequence[CoordinateSystem]) -> Problem:
    return Problem(
        case.line,
        case.case_id,
        Code.LOOKS_RESIZED,
        f"the boxes lie in the upper left corner of a picture of {case.native.width} x {case.native.height} px, as in "
        f"{count - 1} other cases that together fill a frame there, and the rest of the file stays away from it: they "
        f"look like no native pixels. {advice(readings)}",
    )


def _remark(pile: Pile) -> str | None:
    """What may be a mistake and may be meant."""
    if len(pile.cases) < OUTSIDE_CASES or pile.native[:, 2:].max() > 0.5 + TOLERANCE:
        return None
    return (
        f"all boxes of {len(pile.cases)} cases lie in the upper left quarter of their pictures. If they were made on "
        "smaller pictures, of W x H px, or on a grid of W x H, multiply x by width / W and y by height / H."
    )


def _told(readings: Iterable[CoordinateSystem], pile: Pile) -> tuple[CoordinateSystem, ...]:
    """The readings that explain every box: grids first, then the best filled.

    Beside a filled grid that models answer in, stretched pictures of about that side are left to the general rule of
    the closing: few people stretch, and who did knows to what.
    """
    least = next(share for cases, share in TOLD_FILLED if len(pile.cases) >= cases)
    filled = {reading: fill(reading.shares(pile.corners, pile.sizes)) for reading in readings}
    fitting = [reading for reading, share in filled.items() if share >= least]
    if any(filled.get(grid, 0) >= GRID_FILLED for grid in ANSWERED_IN):
        fitting = [reading for reading in fitting if not isinstance(reading, Stretched)]
    return tuple(sorted(fitting, key=lambda reading: (not isinstance(reading, Grid), -filled[reading])))


def _like_a_picture(square: Square, pile: Pile, least_fill: float = WELL_FILLED) -> bool:
    """Whether boxes fill a square as they fill a picture: to the far edges and on both sides, or each the whole."""
    shares = square.shares(pile.corners, pile.sizes)
    if fill(shares) < least_fill:
        return False
    whole = np.abs(shares - (0, 0, 1, 1)).max(axis=1) * square.side < 0.6
    if whole.mean() >= ALL_SHARE:
        return bool((pile.sizes % square.side).any())
    middles = (shares[:, :2] + shares[:, 2:]) / 2
    sums = np.stack([np.bincount(pile.owner, column) for column in middles.T], axis=1)
    of_cases = sums / np.bincount(pile.owner)[:, None]
    return bool(min((of_cases <= 0.45).sum(axis=0).min(), (of_cases >= 0.55).sum(axis=0).min()) >= 2)


def _images(pile: Pile) -> int:
    return len({(case.source, case.image_id) for case in pile.cases})
