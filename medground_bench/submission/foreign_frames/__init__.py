"""Evidence that boxes are not native pixels. Pure, and without the expert boxes: nothing of them leaks.

Boxes are judged one by one, together, and by track and source. What tells a foreign frame:

- no coordinate of a box exceeds 1;
- boxes reach beyond their pictures, all as one grid or model input would let them;
- boxes of the same finding do not grow with the pictures, as they must where one input holds pictures of many sizes;
- the boxes of many pictures, all in one small corner, fill a grid or an input as boxes fill a picture.

Several frames often explain the same numbers. What is certain is said first, then every frame that fits, each with its
conversion: a wrong conversion gives boxes that pass and score nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medground_bench.submission.foreign_frames.coordinate_systems import TOLERANCE
from medground_bench.submission.foreign_frames.corner import crowd
from medground_bench.submission.foreign_frames.relative import relative_boxes
from medground_bench.submission.foreign_frames.verdicts import OUTSIDE_CASES, verdicts
from medground_bench.submission.foreign_frames.written_boxes import Pile, Written, in_order, is_relative
from medground_bench.submission.problems import Problem


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is wrong with the frames of a file: problems of the whole file and of lines, or else a remark.

    >>> Suspicion(remark="all boxes of 60 cases lie in the upper left quarter of their pictures.").problems
    ()
    """

    problems: tuple[Problem, ...] = ()
    remark: str | None = None


def suspicion(cases: Sequence[Written]) -> Suspicion:
    """Whether the boxes of a file may be native, and how to mend them where they cannot be.

    >>> from medground_bench.core.types import Frame
    >>> native, box = Frame("native", width=2000, height=1000), (0.1, 0.2, 0.5, 0.6)
    >>> case = Written(1, "c", "medgemma direct", "vindr", "mass", "i", native, numbers=(1,), boxes=(box,))
    >>> [problem.code.value for problem in suspicion([case]).problems]
    ['LOOKS_RELATIVE']
    """
    pile, problems = in_order(Pile.of(cases))
    problems += relative_boxes(cases)
    pile = pile.with_rows(~np.array([is_relative(box) for box in pile.corners.tolist()], bool))
    problems += _judged(pile)
    return Suspicion(tuple(problems), None if problems else _remark(pile))


def _judged(pile: Pile) -> list[Problem]:
    """By parts where the parts differ, else together, else the crowd that stands apart."""
    if not pile.cases:
        return []
    return verdicts(pile) or crowd(pile)


def _remark(pile: Pile) -> str | None:
    """What may be a mistake and may be meant."""
    if len(pile.cases) < OUTSIDE_CASES or pile.native[:, 2:].max() > 0.5 + TOLERANCE:
        return None
    return (
        f"all boxes of {len(pile.cases)} cases lie in the upper left quarter of their pictures. If they were made on "
        "smaller pictures, of W x H px, or on a grid of W x H, multiply x by width / W and y by height / H."
    )
