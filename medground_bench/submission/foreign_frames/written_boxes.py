"""Boxes as a file writes them, before anyone knows what their numbers mean, and the order the numbers stand in. Pure.

Corners [x0, y0, x1, y1] are what we ask for. [x, y, width, height] shows itself when a width is less than an x, which
no corner can be, while every box would fit its picture if the last two numbers were lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.types import Frame
from medground_bench.submission.foreign_frames.coordinate_systems import GRID_SIDES, TOLERANCE, Corners, Sizes
from medground_bench.submission.problems import Code, Problem

Quad: TypeAlias = tuple[float, float, float, float]
"""The four numbers of a box, as written."""

UNIT = 1.1
"""Largest coordinate of a relative box: 1 and some overshoot. No native box ends that near to the corner."""


DISORDERED_CASES, DISORDERED_SHARE = 2, 0.1
"""Cases with a second corner before the first from which the order of numbers is in question."""

FURTHEST = 1e7
"""Beyond it a number is no coordinate in any frame, and says nothing about the others."""


def is_relative(box: Quad) -> bool:
    """Whether a box lies within one pixel of the corner, as shares of a picture do.

    >>> is_relative((0.1, 0.2, 0.5, 1.05)), is_relative((0.0, 0.0, 224.0, 224.0))
    (True, False)
    """
    return 0 < max(box) <= UNIT and min(box) >= 1 - UNIT


@dataclass(frozen=True, slots=True)
class Written:
    """The boxes of one line as written, and what is public of its case.

    line     in the file, from 1
    numbers  of the boxes that are kept, as they stand in the line, from 1
    boxes    at least one, numbers finite

    >>> native, box = Frame("native", width=2000, height=1000), (10, 20, 110, 120)
    >>> case = Written(7, "c", "medgemma direct", "vindr", "mass", "i", native, numbers=(2,), boxes=(box,))
    >>> case.numbers  # the first box of its line was refused before
    (2,)
    """

    line: int
    case_id: str
    track: str
    source: str
    finding: str
    image_id: str
    native: Frame
    numbers: tuple[int, ...]
    boxes: tuple[Quad, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pile:
    """All boxes of some cases as arrays, a row a box; every case has at least one.

    corners  (boxes, 4) as written, or as they read once their order is known
    sizes    (boxes, 2) width and height of the picture, native pixels
    owner    (boxes,) place of the case in `cases`
    numbers  (boxes,) of the box in its line

    >>> native, boxes = Frame("native", width=2000, height=1000), ((0, 0, 500, 250), (9, 9, 2e9, 99))
    >>> case = Written(1, "c", "medgemma direct", "vindr", "mass", "i", native, numbers=(1, 2), boxes=boxes)
    >>> Pile.of([case]).native.tolist()  # 2e9 is no coordinate in any frame
    [[0.0, 0.0, 0.25, 0.25]]
    """

    cases: tuple[Written, ...]
    corners: Corners
    sizes: Sizes
    owner: NDArray[np.intp]
    numbers: NDArray[np.intp]

    @classmethod
    def of(cls, cases: Sequence[Written]) -> Pile:
        """Every box of the cases whose numbers can be coordinates."""
        rows = [
            (place, number, case.native.width, case.native.height, *box)
            for place, case in enumerate(cases)
            for number, box in zip(case.numbers, case.boxes, strict=True)
        ]
        table = np.array(rows, float).reshape(-1, 8)
        owner, numbers = (table[:, column].astype(np.intp) for column in (0, 1))
        pile = cls(tuple(cases), table[:, 4:], table[:, 2:4], owner, numbers)
        return pile.with_rows(np.abs(pile.corners).max(axis=1) <= FURTHEST)

    @property
    def native(self) -> Corners:
        """The boxes as shares of their pictures, if they are native pixels."""
        shares: Corners = self.corners / np.tile(self.sizes, 2)
        return shares

    @property
    def length_px(self) -> float:
        """The longer side of the median picture."""
        return float(np.median(self.sizes.max(axis=1)))

    @property
    def images(self) -> int:
        """Different pictures."""
        return len({(case.source, case.image_id) for case in self.cases})

    @property
    def hull(self) -> tuple[Corners, Sizes]:
        """Per size of picture one box around all its boxes, and the size: a frame that holds it holds them all."""
        sizes, group = np.unique(self.sizes, axis=0, return_inverse=True)
        low, high = np.full((len(sizes), 2), np.inf), np.full((len(sizes), 2), -np.inf)
        np.minimum.at(low, group.reshape(-1), self.corners[:, :2])
        np.maximum.at(high, group.reshape(-1), self.corners[:, 2:])
        return np.concatenate([low, high], axis=1), sizes

    def rows_by(self, name_of: Callable[[Written], str]) -> dict[str, NDArray[np.bool_]]:
        """What cases share -> their boxes, sorted; nothing when all cases share it."""
        names = np.array([name_of(case) for case in self.cases])
        different = sorted(set(names.tolist()))
        return {name: (names == name)[self.owner] for name in different} if len(different) > 1 else {}

    def cases_with(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Per case, whether it has a box among these rows."""
        has = np.zeros(len(self.cases), bool)
        has[self.owner[rows]] = True
        return has

    def with_rows(self, rows: NDArray[np.bool_]) -> Pile:
        """These boxes, and the cases that have any of them."""
        kept = self.cases_with(rows)
        place = np.cumsum(kept) - 1
        cases = tuple(case for case, one in zip(self.cases, kept, strict=True) if one)
        return Pile(cases, self.corners[rows], self.sizes[rows], place[self.owner[rows]], self.numbers[rows])

    def with_corners(self, corners: Corners) -> Pile:
        """The same boxes, read otherwise."""
        return Pile(self.cases, corners, self.sizes, self.owner, self.numbers)

    def with_cases(self, chosen: NDArray[np.bool_]) -> Pile:
        """These cases with all their boxes."""
        return self.with_rows(chosen[self.owner])


@dataclass(frozen=True, slots=True)
class Order:
    """An order of four numbers that are no corners.

    back  share of the length that lies before the first number

    >>> CENTRES.corners(np.array([[50.0, 50.0, 20.0, 10.0]])).tolist()
    [[40.0, 45.0, 60.0, 55.0]]
    """

    name: str
    advice: str
    back: float

    def corners(self, quads: Corners) -> Corners:
        """The corners that are meant."""
        start = quads[:, :2] - self.back * quads[:, 2:]
        return np.concatenate([start, start + quads[:, 2:]], axis=1)


LENGTHS = Order("[x, y, width, height]", "[x, y, x + width, y + height]", 0.0)
CENTRES = Order(
    "[centre x, centre y, width, height]",
    "[x - width / 2, y - height / 2, x + width / 2, y + height / 2]",
    0.5,
)


def in_order(pile: Pile) -> tuple[Pile, list[Problem]]:
    """The boxes as corners, and what is wrong with the order of their numbers in the whole file or in tracks of it.

    Boxes of a file in our order whose second corner comes first are left out: they say nothing about the frame.

    >>> native = Frame("native", width=2000, height=1000)
    >>> cases = [Written(n, "c", "t", "vindr", "mass", "i", native, (1,), ((900, 700, 50, 60),)) for n in (1, 2)]
    >>> pile, problems = in_order(Pile.of(cases))
    >>> pile.corners[0].tolist(), [problem.code.value for problem in problems]
    ([900.0, 700.0, 950.0, 760.0], ['LOOKS_XYWH'])
    """
    orders = _orders(pile)
    if orders:
        return pile.with_corners(orders[0].corners(pile.corners)), [_out_of_order(pile, orders)]
    corners, problems = pile.corners.copy(), []
    for name, rows in pile.rows_by(lambda case: case.track).items():
        part = pile.with_rows(rows)
        if orders := _orders(part):
            corners[rows] = orders[0].corners(part.corners)
            problems.append(_out_of_order(part, orders, f"track {name}: "))
    ordered = pile.with_corners(corners)
    return ordered.with_rows((corners[:, 2:] - corners[:, :2]).min(axis=1) > 0), problems


def _disordered(pile: Pile) -> int:
    """Cases with a second corner before the first."""
    return int(pile.cases_with((pile.corners[:, 2:] - pile.corners[:, :2]).min(axis=1) < 0).sum())


def _out_of_order(pile: Pile, orders: Sequence[Order], about: str = "") -> Problem:
    fit = " or ".join(f"as {order.name}: then write {order.advice}" for order in orders)
    message = (
        f"{about}in {_disordered(pile)} of {len(pile.cases)} cases x1 is less than x0 or y1 less than y0, while all "
        f"boxes fit {fit}."
    )
    return Problem(None, None, Code.LOOKS_XYWH, message)


def _orders(pile: Pile) -> tuple[Order, ...]:
    """The orders in which every box lies within its picture, in the smallest frame that allows any; corners: none."""
    quads, sizes = pile.corners, pile.sizes
    if (
        _disordered(pile) < max(DISORDERED_CASES, DISORDERED_SHARE * len(pile.cases))
        or (quads[:, 2:] < 0).any()
    ):
        return ()
    frames = [np.ones_like(sizes), *(np.full_like(sizes, side) for side in GRID_SIDES), sizes]
    for frame in sorted(frames, key=lambda frame: float(np.median(frame))):
        orders = tuple(order for order in (LENGTHS, CENTRES) if _lie_within(order.corners(quads), frame))
        if orders:
            return orders
    return ()


def _lie_within(corners: Corners, frame: Sizes) -> bool:
    slack = TOLERANCE * frame
    return bool((corners[:, :2] >= -slack).all() and (corners[:, 2:] <= frame + slack).all())
