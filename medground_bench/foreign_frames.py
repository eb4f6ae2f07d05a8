"""Whole-file evidence that boxes are not native pixels. Pure, and without the expert boxes: nothing of them leaks.

Three tells: no coordinate exceeds 1; all boxes stay within a model input much smaller than the pictures; or boxes of
the same finding do not grow with the pictures, as they must when one model input holds pictures of many sizes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from medground_bench.problems import Code, Problem
from medground_bench.types import Frame

INPUT_SIDES = (112, 224, 256, 320, 336, 384, 392, 448, 512, 518, 560, 640, 672, 768, 896, 1000, 1024)
"""Sides of model inputs, and the 0-1000 grid some LVLMs answer in."""

RELATIVE_SHARE = 0.9
"""Share of the cases with boxes whose coordinates stay within 1, from which a file looks relative."""

RESIZED_CASES, RESIZED_SCALE, RESIZED_FILL = 10, 1.5, 0.75
"""A file looks resized when the boxes of at least so many cases stay within a model input, the pictures are so many
times longer, and the boxes fill at least that share of the input."""

GROWTH_FREEDOM, GROWTH_ERRORS = 20, 5.0
"""A file looks resized when boxes fail to grow with the pictures by so many standard errors, at that many degrees of
freedom. With normal scatter one native file in 29,000 would seem so at 20 of them, one in 300,000 at 60."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the boxes of one case begin and end at most, and its picture.

    about     what fixes where a box should lie, relative to the picture: source and finding
    image     the picture's identity; two LVLMs asked about it are no two witnesses
    start_px  the largest x0 or y0, `end_px` the largest x1 or y1, `bottom_px` the largest y1
    """

    about: Hashable
    image: Hashable
    start_px: float
    end_px: float
    bottom_px: float
    picture: Frame


def suspicion(reaches: Sequence[Reach]) -> Problem | None:
    """The problem of the whole file, None when the boxes may well be native."""
    if not reaches:
        return None
    relative = sum(case.end_px <= 1 for case in reaches)
    if relative >= RELATIVE_SHARE * len(reaches):
        return _problem(
            Code.LOOKS_RELATIVE,
            f"in {relative} of {len(reaches)} cases with boxes no coordinate exceeds 1: they look relative (0 to 1). "
            "Multiply x by the image width and y by the image height.",
        )
    end_px = max(case.end_px for case in reaches)
    side = next((side for side in INPUT_SIDES if end_px <= side), None)
    if side is not None and _stays_within(reaches, side):
        return _problem(
            Code.LOOKS_RESIZED,
            f"all boxes of {len(reaches)} cases lie within {side} x {side} px, but the median picture is "
            f"{_median_length_px(reaches):.0f} px long: they look like boxes of a model input of {side} px. Map them "
            f"back with Letterbox.fit(native, side={side}).to_native(box), or by the resize you used.",
        )
    if side is not None and not grow_with_pictures(reaches):
        return _problem(
            Code.LOOKS_RESIZED,
            f"boxes of the same finding end at the same pixel in small and in large pictures, all within {side} x "
            f"{side} px: they look like boxes of a model input. Map them back with "
            f"Letterbox.fit(native, side={side}).to_native(box) if that is your input, or by the resize you used.",
        )
    return None


def grow_with_pictures(reaches: Sequence[Reach]) -> bool:
    """Whether boxes are as far down, relative to the picture, in large pictures as in small ones; True when unclear.

    Regression of log(bottom / height) on log(length) within each finding, so that only pictures of the same finding
    are compared: the slope is 0 for native boxes and -1 for boxes of one model input.
    """
    groups: dict[Hashable, dict[Hashable, list[Reach]]] = defaultdict(lambda: defaultdict(list))
    for case in reaches:
        groups[case.about][case.image].append(case)
    lengths, bottoms = [], []
    for images in groups.values():
        length, bottom = np.array([_logs(cases) for cases in images.values()]).T
        lengths.append(length - length.mean())
        bottoms.append(bottom - bottom.mean())
    freedom = sum(map(len, lengths)) - len(groups) - 1
    length, bottom = np.concatenate(lengths), np.concatenate(bottoms)
    spread = float(length @ length)
    if freedom < GROWTH_FREEDOM or spread < 1e-9:
        return True
    slope = float(length @ bottom) / spread
    error = math.sqrt(float(np.square(bottom - slope * length).sum()) / freedom / spread)
    return slope > -0.5 or slope > -GROWTH_ERRORS * error


def _logs(cases: Sequence[Reach]) -> tuple[float, float]:
    picture = cases[0].picture
    bottom_px = sum(max(case.bottom_px, 1e-3) for case in cases) / len(cases)
    return math.log(max(picture.width, picture.height)), math.log(bottom_px / picture.height)


def _stays_within(reaches: Sequence[Reach], side: int) -> bool:
    if len(reaches) < RESIZED_CASES or _median_length_px(reaches) < RESIZED_SCALE * side:
        return False
    end_px = max(case.end_px for case in reaches)
    spread = max(case.start_px for case in reaches) >= side / 3  # not merely one bright corner
    return end_px == side or (spread and end_px >= RESIZED_FILL * side)


def _median_length_px(reaches: Sequence[Reach]) -> float:
    return median(max(case.picture.width, case.picture.height) for case in reaches)


def _problem(code: Code, message: str) -> Problem:
    return Problem(None, None, code, message)
