"""The sides of a box, and which of them make one.

A box is four numbers, each of which has a side:

x0, y0  the near sides: left and top
x1, y1  near beside x2 and y2, far beside x0 and y0, for both ways of counting corners are written
x2, y2  the far sides: right and bottom, half-open like every box here
w, h    width and height
cx, cy  the centre
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from medground_bench.core.types import Corners

Sides = tuple[str, ...]


class SideOrder(StrEnum):
    """Which side each of four numbers is.

    >>> SideOrder.WITH_SIZE.sides
    ('x0', 'y0', 'w', 'h')
    """

    X_FIRST = "x0 y0 x1 y1"
    Y_FIRST = "y0 x0 y1 x1"
    WITH_SIZE = "x0 y0 w h"
    CENTRED = "cx cy w h"

    @property
    def sides(self) -> Sides:
        """The sides, one a number."""
        return tuple(self.value.split())


def box_of(sides: Mapping[str, float]) -> Corners | None:
    """The corners from any sides that fix them; None from sides that do not.

    >>> box_of({"cx": 50, "w": 20, "y0": 0, "y1": 10})
    (40.0, 0, 60.0, 10)
    >>> box_of({"x0": 40, "w": 20}) is None
    True
    """
    across, down = _span(sides, "x", "w"), _span(sides, "y", "h")
    return None if across is None or down is None else (across[0], down[0], across[1], down[1])


def _span(sides: Mapping[str, float], axis: str, size: str) -> tuple[float, float] | None:
    near, middle, far = (sides.get(f"{axis}{number}") for number in range(3))
    centre, length = sides.get(f"c{axis}"), sides.get(size)
    start, end = (middle, far) if near is None else (near, middle if far is None else far)
    if start is not None and end is not None:
        return start, end
    if length is not None and start is not None:
        return start, start + length
    if length is not None and centre is not None:
        return centre - length / 2, centre + length / 2
    return None


def canonical(order: Sides) -> Sides:
    """The same order, its near sides named x0 and y0 and its far ones x1 and y1.

    >>> canonical(("y1", "x1", "y2", "x2"))
    ('y0', 'x0', 'y1', 'x1')
    """
    return tuple(_canonical(side, order) for side in order)


def _canonical(side: str, order: Sides) -> str:
    axis = side[0]
    if axis not in "xy":
        return side
    return f"{axis}0" if side == min(each for each in order if each[0] == axis) else f"{axis}1"


def is_corner(sides: Sides) -> bool:
    """Whether these are a side of x and one of y: a corner, the centre, or the size.

    >>> is_corner(("x0", "y0")), is_corner(("x0", "x1"))
    (True, False)
    """
    return len({axis_of(side) for side in sides}) == len(sides) == 2


def axis_of(side: str) -> str:
    """Of a side, x or y.

    >>> [axis_of(side) for side in ("x0", "h", "cx")]
    ['x', 'y', 'x']
    """
    return {"w": "x", "h": "y"}.get(side, side.strip("c")[0])
