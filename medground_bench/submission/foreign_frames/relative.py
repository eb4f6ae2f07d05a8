"""Boxes that are shares of their picture, 0 to 1: told of the whole file, or else of single boxes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from medground_bench.submission.foreign_frames.advice import Y_FIRST, boxes, lines
from medground_bench.submission.foreign_frames.written_boxes import Quad, Written, is_relative
from medground_bench.submission.problems import Code, Problem

ALL_SHARE = 0.9
"""Share of the cases from which all of them are told at once."""


def relative_boxes(cases: Sequence[Written]) -> list[Problem]:
    """A problem for every relative box, or one for all of a file that is relative throughout.

    >>> from medground_bench.core.types import Frame
    >>> native, boxes = Frame("native", width=2000, height=1000), ((0.1, 0.2, 0.5, 0.6), (200, 200, 900, 600))
    >>> case = Written(1, "c", "medgemma direct", "vindr", "mass", "i", native, numbers=(1, 2), boxes=boxes)
    >>> relative_boxes([case])[0].message.partition(" on ")[0]
    'box 1: no coordinate exceeds 1'
    """
    relative = {case.line: _relative(case) for case in cases}
    whole = [case for case in cases if len(relative[case.line]) == len(case.boxes)]
    of_lines = [case for case in cases if relative[case.line]]
    problems = []
    if whole and len(whole) >= ALL_SHARE * len(cases):
        problems.append(_of_file(whole, [case for case in cases if not relative[case.line]], len(cases)))
        of_lines = [case for case in of_lines if len(relative[case.line]) < len(case.boxes)]
    return problems + [_of_line(case, relative[case.line]) for case in of_lines]


def _relative(case: Written) -> dict[int, Quad]:
    """The relative boxes of a case by their number in the line."""
    numbered = zip(case.numbers, case.boxes, strict=True)
    return {number: box for number, box in numbered if is_relative(box)}


def _of_file(whole: Sequence[Written], native: Sequence[Written], total: int) -> Problem:
    but = f" Leave the others ({lines(native)}) as they are." if native else ""
    return Problem(
        None,
        None,
        Code.LOOKS_RELATIVE,
        f"in {len(whole)} of {total} cases with boxes no coordinate exceeds "
        f"{_highest(box for case in whole for box in case.boxes)}: they look relative (0 to 1). Multiply x by the "
        f"image width and y by the image height. {Y_FIRST}{but}",
    )


def _of_line(case: Written, relative: dict[int, Quad]) -> Problem:
    width, height = case.native.width, case.native.height
    whole = len(relative) == len(case.boxes)
    which = "" if whole else f"{boxes(list(relative))}: "
    return Problem(
        case.line,
        case.case_id,
        Code.LOOKS_RELATIVE,
        f"{which}no coordinate exceeds {_highest(relative.values())} on a picture of {width} x {height} px, which "
        f"looks relative (0 to 1), unlike {'those of other lines' if whole else 'the other boxes of the line'}. "
        f"Multiply x by the image width {width} and y by the image height {height}. {Y_FIRST}",
    )


def _highest(relative: Iterable[Quad]) -> str:
    return f"{max(1.0, *map(max, relative)):.3g}"
