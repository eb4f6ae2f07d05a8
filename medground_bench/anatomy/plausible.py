"""What cannot be right about the lungs that a localizer found, in words. Pure: the boxes decide, no picture is seen.

Every bar lies beyond all true boxes of 600 rendered radiographs and 300 phantoms that nothing was learned from: their
smallest lung has .086 of the picture, the larger lung is at most 1.64 times the smaller, both together lie at most .116
of the picture's side beside its middle and .225 above or below it, and the left lung at least .237 right of the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from medground_bench.core.concepts import GROUPS, ConceptRegions
from medground_bench.core.types import Box

LEAST_SHARE = 0.05
"""Of the picture's area, within the box of a lung."""
MOST_TIMES = 3.0
"""So much larger one lung's box may be than the other's."""
FARTHEST_ACROSS, FARTHEST_DOWN = 0.2, 0.3
"""From the middle of the picture to that of both lungs, in sides of the picture."""


def doubts(found: ConceptRegions) -> tuple[str, ...]:
    """One sentence for everything that no chest looks like, with what to do; none where lungs were not looked for.

    >>> from medground_bench.core.types import Box, Frame
    >>> frame = Frame("study", width=100, height=100)
    >>> lungs = {"left lung": Box(10, 20, 45, 80, frame), "right lung": Box(55, 20, 90, 80, frame)}
    >>> [sentence] = doubts(ConceptRegions(frame, {}, lungs))
    >>> sentence.split(":")[0]
    'the left lung was found on the left of the right one, as on a mirrored picture'
    """
    missing = [lung for lung in GROUPS["lungs"] if lung in found.missing]
    boxes = [found.boxes[lung] for lung in GROUPS["lungs"] if lung in found.boxes]
    seen = [f"no {lung} was found" for lung in missing]
    if len(boxes) == 2:
        seen += _implausible(*boxes)
    return tuple(f"{each}: look at where concepts were found before you believe them" for each in seen)


def _implausible(left: Box, right: Box) -> Iterator[str]:
    width, height = left.frame.width, left.frame.height
    small, large = sorted((left.area, right.area))
    if small < LEAST_SHARE * width * height:
        yield f"a lung was found that has less than {LEAST_SHARE:.0%} of the picture"
    if large > MOST_TIMES * small:
        yield f"one lung was found more than {MOST_TIMES:.0f} times as large as the other"
    if left.x0 + left.x1 <= right.x0 + right.x1:
        yield "the left lung was found on the left of the right one, as on a mirrored picture"
    across = (min(left.x0, right.x0) + max(left.x1, right.x1)) / 2 / width - 0.5
    down = (min(left.y0, right.y0) + max(left.y1, right.y1)) / 2 / height - 0.5
    if abs(across) > FARTHEST_ACROSS or abs(down) > FARTHEST_DOWN:
        yield "both lungs were found far from the middle of the picture"
