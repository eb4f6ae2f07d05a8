"""Whether a submission repeats another's boxes. Pure.

Two cases are the same where their boxes are, within a pixel, or where their unions overlap by `SAME_IOU`. Counted are
the cases in which the other's boxes say something about the picture: a box that it gives, relative to the picture, in
most cases is no evidence of copying, so anybody may send the whole image or the centre. Of the 19 methods of the demo
no two share more than 7 % of such cases, and a method that is run again shares all of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from medground_bench.core.case_ids import question_of
from medground_bench.core.scoring import overlap
from medground_bench.core.types import Box, Frame

HELD_FROM = 0.5
"""Share of the counted cases from which on a submission is held for review."""

SAME_IOU, SAME_PX = 0.98, 1.0
COMMON = 0.1
"""A box that a method gives in more than this share of its cases, relative to the picture, is its habit."""

INDEPENDENT = 0.9
LEAST_CASES = 5
"""Fewer counted cases say nothing about copying."""

Quads = Sequence[Sequence[float]]
"""Boxes as a prediction file says them: [x0, y0, x1, y1] each."""

Shape = tuple[tuple[float, ...], ...]


def shared_share(mine: Mapping[str, Quads], other: Mapping[str, Quads], frames: Mapping[str, Frame]) -> float:
    """Share 0..1 of the counted cases of another submission that mine repeats; 0 where too few are counted.

    Files are by case id; frames are those of the cases' pictures.
    """
    shapes = {case: shape(boxes, frames[case]) for case, boxes in other.items() if case in frames}
    habits = Counter(shapes.values())
    usual = max(1.0, COMMON * len(other))
    counted = [
        case for case, boxes in other.items() if boxes and case in mine and habits[shapes[case]] <= usual
    ]
    if len(counted) < LEAST_CASES:
        return 0.0
    return sum(_same(mine[case], other[case], frames[case]) for case in counted) / len(counted)


def repeats_any(mine: Mapping[str, Quads], some: Mapping[str, Quads], frames: Mapping[str, Frame]) -> bool:
    """Whether any of these cases is the same: a quick look at some, before all are read and compared."""
    return any(_same(mine[case], boxes, frames[case]) for case, boxes in some.items() if case in mine)


def answer_independent(given: Mapping[str, Quads], frames: Mapping[str, Frame]) -> bool:
    """Whether boxes rest on neither picture nor answer: one shape nearly everywhere, or the same for every track."""
    if len(given) < LEAST_CASES:
        return False
    shapes = {case: shape(boxes, frames[case]) for case, boxes in given.items()}
    ((_, most),) = Counter(shapes.values()).most_common(1)
    if most >= INDEPENDENT * len(given):
        return True
    by_question: dict[str, list[Shape]] = defaultdict(list)
    for case in given:
        by_question[question_of(case)].append(shapes[case])
    several = [each for each in by_question.values() if len(each) > 1]
    alike = sum(len(set(each)) == 1 for each in several)
    return len(several) >= LEAST_CASES and alike >= INDEPENDENT * len(several)


def shape(boxes: Quads, frame: Frame) -> Shape:
    """Boxes relative to their picture, in hundredths, in one order."""
    sides = (frame.width, frame.height, frame.width, frame.height)
    return tuple(
        sorted(tuple(round(at / side, 2) for at, side in zip(box, sides, strict=True)) for box in boxes)
    )


def _same(mine: Quads, other: Quads, frame: Frame) -> bool:
    if not mine or not other:
        return False
    if len(mine) == len(other):
        pairs = zip(sorted(map(tuple, mine)), sorted(map(tuple, other)), strict=True)
        if all(abs(a - b) <= SAME_PX for pair in pairs for a, b in zip(*pair, strict=True)):
            return True
    if _left_out(mine, other) or _left_out(other, mine):
        return False
    return overlap(_boxes(mine, frame), _boxes(other, frame)).iou >= SAME_IOU


def _left_out(some: Quads, others: Quads) -> bool:
    """Whether so much of the largest box is outside the others that the unions cannot overlap by `SAME_IOU`."""
    largest = max(some, key=_area)
    covered = sum(_area(_common(largest, each)) for each in others)
    return _area(largest) - covered > (1 / SAME_IOU - 1) * sum(map(_area, some)) * (1 + 1e-9)


def _common(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float, float]:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _area(box: Sequence[float]) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _boxes(quads: Quads, frame: Frame) -> list[Box]:
    return [Box(x0, y0, x1, y1, frame) for x0, y0, x1, y1 in quads]
