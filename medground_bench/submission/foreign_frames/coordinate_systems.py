"""What numbers that are no native pixels may mean: grids, stretched, letterboxed or scaled pictures, y first. Pure.

A coordinate system turns written boxes into shares of the picture (0..1 over each side). What it needs beside the
numbers and the size of the picture is the side of a square, and where that can be any, a layout stands for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Corners: TypeAlias = NDArray[np.float64]
"""Boxes as written, (boxes, 4): x0, y0, x1, y1."""

Sizes: TypeAlias = NDArray[np.float64]
"""Width and height of the picture of every box, (boxes, 2), native pixels."""

TOLERANCE = 0.01
"""Overshoot of a box beyond its frame, as a share of the frame, that rounding explains."""

SIDES = (112, 224, 256, 320, 336, 384, 392, 448, 512, 518, 560, 640, 672, 768, 896, 1024)
"""Usual sides of model inputs, pixels. Others are met as well, so no conclusion may rest on a side being listed."""


class CoordinateSystem(Protocol):
    """One way to understand the four numbers of every box.

    >>> system: CoordinateSystem = Square(1000)
    >>> system.shares(np.array([[0, 0, 500, 250]]), np.array([[2000, 1000]])).tolist()
    [[0.0, 0.0, 0.5, 0.25]]
    """

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """The boxes as shares of their pictures: 0 is the left or upper edge, 1 the right or lower one."""
        ...


@dataclass(frozen=True, slots=True)
class Square:
    """Every picture stretched over a square of `side`, in pixels or steps of a grid.

    >>> Square(200).shares(np.array([[0, 0, 100, 50]]), np.array([[2000, 1000]])).tolist()
    [[0.0, 0.0, 0.5, 0.25]]
    """

    side: int

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares of the square."""
        return corners / self.side


@dataclass(frozen=True, slots=True)
class Letterboxed:
    """Pixels of a picture resized into a square of `side` pixels, aspect kept, centred.

    >>> Letterboxed(200).shares(np.array([[0, 50, 100, 100]]), np.array([[2000, 1000]])).tolist()
    [[0.0, 0.0, 0.5, 0.5]]
    """

    side: int

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares of the part of the square that the picture fills."""
        filled = np.maximum(np.floor(sizes * self.side / sizes.max(axis=1, keepdims=True) + 0.5), 1)
        bars = np.floor((self.side - filled) / 2)
        moved: Corners = (corners - np.tile(bars, 2)) / np.tile(filled, 2)
        return moved


@dataclass(frozen=True, slots=True)
class Pixels:
    """Pixels of a picture `scale` times as wide and as high as the native one.

    >>> Pixels(2).shares(np.array([[0, 0, 2000, 500]]), np.array([[2000, 1000]])).tolist()
    [[0.0, 0.0, 0.5, 0.25]]
    """

    scale: int

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares of the scaled picture."""
        return corners / np.tile(self.scale * sizes, 2)


@dataclass(frozen=True, slots=True)
class YFirst:
    """Another coordinate system, written y0, x0, y1, x1.

    >>> YFirst(Square(1000)).shares(np.array([[0, 0, 250, 500]]), np.array([[2000, 1000]])).tolist()
    [[0.0, 0.0, 0.5, 0.25]]
    """

    of: CoordinateSystem

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares, x first."""
        return self.of.shares(corners[:, [1, 0, 3, 2]], sizes)


@dataclass(frozen=True, slots=True)
class OtherSide:
    """Shares of x multiplied by the height, and of y by the width.

    >>> OtherSide().shares(np.array([[0, 0, 500, 500]]), np.array([[2000, 1000]])).tolist()
    [[0.0, 0.0, 0.5, 0.25]]
    """

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares of the side that each was scaled by."""
        return corners / np.tile(sizes[:, ::-1], 2)


@dataclass(frozen=True, slots=True)
class Layout:
    """How pictures are laid in a square of whatever side: `of` gives the coordinate system of one side.

    >>> STRETCHED.of(448), LETTERBOXED.of(448)
    (Square(side=448), Letterboxed(side=448))
    """

    of: Callable[[int], CoordinateSystem]


def _letterboxed_y_first(side: int) -> CoordinateSystem:
    return YFirst(Letterboxed(side))


THOUSAND, PERCENT = Square(1000), Square(100)
GRID_SIDES = (100, 256, 1000, 1024)
"""Sides of the grids that models answer in."""

STRETCHED, LETTERBOXED, LETTERBOXED_Y_FIRST = (
    Layout(Square),
    Layout(Letterboxed),
    Layout(_letterboxed_y_first),
)
LAYOUTS = (STRETCHED, LETTERBOXED, LETTERBOXED_Y_FIRST)
"""A stretched square reads alike in both orders, so y first is no system of its own there."""

DOUBLED, DOUBLED_Y_FIRST = Pixels(2), YFirst(Pixels(2))
NATIVE_Y_FIRST, BY_OTHER_SIDE = YFirst(Pixels(1)), OtherSide()


def fill(shares: Corners) -> float:
    """Share of the frame that the furthest box reaches, on the axis it fills less; 0 where a box leaves its picture.

    >>> fill(np.array([[0.1, 0.1, 0.9, 0.6], [0.2, 0.1, 0.5, 0.7]]))
    0.7
    >>> fill(np.array([[0.1, 0.1, 1.2, 0.6]]))
    0.0
    """
    if shares[:, :2].min() < -TOLERANCE or shares[:, 2:].max() > 1 + TOLERANCE:
        return 0.0
    return float(shares[:, 2:].max(axis=0).min())
