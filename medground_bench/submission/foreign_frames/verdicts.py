"""What is certain of a file, of its tracks and of its sources taken together: that they are no native pixels. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medground_bench.submission.foreign_frames.advice import advice, lines
from medground_bench.submission.foreign_frames.coordinate_systems import (
    BY_OTHER_SIDE,
    DOUBLED,
    DOUBLED_Y_FIRST,
    NATIVE_Y_FIRST,
    THOUSAND,
)
from medground_bench.submission.foreign_frames.corner import all_in_a_corner
from medground_bench.submission.foreign_frames.fits import Fit, exact_fits, fits
from medground_bench.submission.foreign_frames.growth import Growth, growth
from medground_bench.submission.foreign_frames.relative import ALL_SHARE
from medground_bench.submission.foreign_frames.written_boxes import Pile
from medground_bench.submission.problems import Code, Problem

OUTSIDE_CASES, OUTSIDE_SHARE, EXCHANGED_SHARE, OUTSIDE_FAR = 3, 0.1, 0.05, 0.02
"""Boxes beyond their pictures by so much of a side speak of a frame, not of slips, in at least so many cases."""

SWAPPED = (NATIVE_Y_FIRST, BY_OTHER_SIDE)
"""Native pixels with their sides exchanged."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is certain of some cases, the systems that explain it, and whether it holds for every one of them."""

    code: Code
    certain: str
    fits: tuple[Fit, ...]
    of_every_case: bool = True
    closing: str = ""

    def problem(self, about: str = "") -> Problem:
        """The verdict as a problem of the whole file; `about` names the part of it that is meant."""
        told = (f"{about}{self.certain}", advice(self.fits), self.closing)
        return Problem(None, None, self.code, " ".join(filter(None, told)))


def verdicts(pile: Pile) -> list[Problem]:
    """By parts where the parts differ, else together.

    >>> from medground_bench.core.types import Frame
    >>> from medground_bench.submission.foreign_frames.written_boxes import Written
    >>> native, box = Frame("native", width=500, height=500), (400, 400, 990, 980)
    >>> cases = [Written(n, "c", "t", "vindr", "mass", "i", native, (1,), (box,)) for n in (1, 2, 3)]
    >>> verdicts(Pile.of(cases))[0].message.partition(":")[0]
    'in 3 of 3 cases boxes reach beyond their pictures'
    """
    whole = _verdict(pile)
    for name_of in (lambda case: f"track {case.track}", lambda case: f"source {case.source}"):
        parts = {name: _verdict(pile.with_rows(rows)) for name, rows in pile.rows_by(name_of).items()}
        sure = {name: verdict for name, verdict in parts.items() if verdict and verdict.of_every_case}
        if sure and (whole is None or not whole.of_every_case or _differ(whole, sure.values())):
            return [verdict.problem(f"{name}: ") for name, verdict in sure.items()]
    return [whole.problem()] if whole else []


def _differ(whole: _Verdict, parts: Iterable[_Verdict]) -> bool:
    """Whether nothing that explains the whole explains some part; thousandths, always told, explain nothing."""
    explained = [[fit for fit in part.fits if fit.kind is not THOUSAND] for part in parts]
    return any(
        fits_of_part and not any(fit.agrees(other) for fit in fits_of_part for other in whole.fits)
        for fits_of_part in explained
    )


def _verdict(pile: Pile) -> _Verdict | None:
    grown = growth(pile)
    return _beyond(pile, grown) or _not_growing(pile, grown) or _in_a_corner(pile, grown)


def _beyond(pile: Pile, grown: Growth) -> _Verdict | None:
    """Boxes beyond their pictures, as many and as far as some other frame would let them."""
    shares, total = pile.native, len(pile.cases)
    far = np.maximum(-shares[:, :2], shares[:, 2:] - 1).max(axis=1) > OUTSIDE_FAR
    outside = pile.cases_with(far)
    count = int(outside.sum())
    if count < max(OUTSIDE_CASES, EXCHANGED_SHARE * total):
        return None
    certain = f"in {count} of {total} cases boxes reach beyond their pictures: these are no native pixels."
    exchanged = exact_fits(pile, SWAPPED)
    if exchanged and 2 * count < total:
        told = fits(pile, SWAPPED)  # a square that is hardly larger than the pictures lets as few leave them
        return _Verdict(_code(told), certain, told)
    if count < OUTSIDE_SHARE * total:
        return None
    doubled = (DOUBLED, DOUBLED_Y_FIRST)
    of_cases = fits(pile if grown.absent else pile.with_cases(outside), doubled)
    of_boxes = fits(pile.with_rows(far), doubled)
    fitting = _with_thousandths(of_cases or of_boxes, of_boxes) + exchanged
    if not fitting:
        return None
    sure = grown.absent or count >= ALL_SHARE * total
    return _Verdict(_code(fitting), certain, fitting, sure, _of_the_others(pile, far))


def _code(told: Sequence[Fit]) -> Code:
    """Swapped sides only where nothing else explains the boxes, else resized pictures."""
    return Code.LOOKS_SWAPPED if all(fit.kind in SWAPPED for fit in told) else Code.LOOKS_RESIZED


def _with_thousandths(of_cases: tuple[Fit, ...], of_boxes: tuple[Fit, ...]) -> tuple[Fit, ...]:
    """What explains cases, and thousandths where they explain the boxes that tell: others of a case may be native."""
    missing = THOUSAND not in {fit.kind for fit in of_cases}
    return of_cases + tuple(fit for fit in of_boxes if missing and fit.kind is THOUSAND)


def _of_the_others(pile: Pile, far: NDArray[np.bool_]) -> str:
    """What to do about boxes that do not tell, beside those that do."""
    if far.all():
        return ""
    outside = pile.cases_with(far)
    inside = [case for case, out in zip(pile.cases, outside, strict=True) if not out]
    which = f" (all of {lines(inside)})" if inside else ""
    return f"Boxes inside their pictures{which} may be native: convert them only if they were made alike."


def _not_growing(pile: Pile, grown: Growth) -> _Verdict | None:
    """Boxes that ignore the size of their pictures."""
    if not grown.absent:
        return None
    certain = (
        f"boxes of the same finding end at the same pixel in small and in large pictures ({grown.images} pictures "
        "tell): they are no native pixels."
    )
    return _Verdict(Code.LOOKS_RESIZED, certain, fits(pile))


def _in_a_corner(pile: Pile, grown: Growth) -> _Verdict | None:
    """Boxes of many pictures that fill a frame much smaller than the pictures."""
    if grown.likely or not all_in_a_corner(pile):
        return None
    right, bottom = pile.corners[:, 2:].max(axis=0)
    certain = (
        f"all boxes of {len(pile.cases)} cases lie within {right:.0f} x {bottom:.0f} px, but the median picture is "
        f"{pile.length_px:.0f} px long: they are no native pixels."
    )
    return _Verdict(Code.LOOKS_RESIZED, certain, fits(pile))
