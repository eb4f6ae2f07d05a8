"""How numbers that are no native pixels may be meant: grids, stretched, letterboxed or resized pictures. Pure.

A reading turns written boxes into shares of the picture (0..1 over each side) and says in words how to do the same.
"""

from __future__ import annotations

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
"""Sides of model inputs, pixels."""


class CoordinateSystem(Protocol):
    """One way to understand the four numbers of every box."""

    @property
    def advice(self) -> str:
        """What was written, and how it becomes native pixels."""
        ...

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """The boxes as shares of their pictures: 0 is the left or upper edge, 1 the right or lower one."""
        ...


class Square(CoordinateSystem, Protocol):
    """A reading in which every picture, whatever its size, has a square of the same side."""

    @property
    def side(self) -> int:
        """Of the square, in its own units."""
        ...


@dataclass(frozen=True, slots=True)
class Grid:
    """Whole numbers 0 to `side` over each side of the picture; `last` where some count to side - 1 instead."""

    side: int
    last: int | None = None

    @property
    def advice(self) -> str:
        """The rule of three."""
        other = f" (by {self.last} if your grid ends there)" if self.last else ""
        return (
            f"a grid of 0 to {self.side} over each side: multiply x by width / {self.side} and y by height / "
            f"{self.side}{other}"
        )

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares of the grid."""
        return corners / self.side


@dataclass(frozen=True, slots=True)
class Stretched:
    """Pixels of a picture resized to a square of `side` pixels, its aspect not kept."""

    side: int

    @property
    def advice(self) -> str:
        """The rule of three."""
        return (
            f"pictures stretched to {self.side} x {self.side} px: multiply x by width / {self.side} and y by "
            f"height / {self.side}"
        )

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares of the square."""
        return corners / self.side


@dataclass(frozen=True, slots=True)
class Letterboxed:
    """Pixels of a picture resized into a square of `side` pixels, aspect kept, centred."""

    side: int

    @property
    def advice(self) -> str:
        """The call that takes the padding off."""
        return (
            f"pictures letterboxed to {self.side} x {self.side} px: "
            f"Letterbox.fit(native, side={self.side}).to_native(box)"
        )

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares of the part of the square that the picture fills."""
        filled = np.maximum(np.floor(sizes * self.side / sizes.max(axis=1, keepdims=True) + 0.5), 1)
        bars = np.floor((self.side - filled) / 2)
        moved: Corners = (corners - np.tile(bars, 2)) / np.tile(filled, 2)
        return moved


@dataclass(frozen=True, slots=True)
class Doubled:
    """Pixels of a picture twice as wide and twice as high."""

    @property
    def advice(self) -> str:
        """The factor."""
        return "pictures twice as wide and high: divide every number by 2"

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares of the doubled picture."""
        return corners / np.tile(2 * sizes, 2)


@dataclass(frozen=True, slots=True)
class YFirst:
    """Native pixels as y0, x0, y1, x1."""

    @property
    def advice(self) -> str:
        """The other order."""
        return "[y0, x0, y1, x1]: write x before y"

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares, x first."""
        return corners[:, [1, 0, 3, 2]] / np.tile(sizes, 2)


@dataclass(frozen=True, slots=True)
class OtherSide:
    """Shares of x multiplied by the height, and of y by the width."""

    @property
    def advice(self) -> str:
        """The way back."""
        return (
            "x scaled by the height and y by the width: multiply x by width / height and y by height / width"
        )

    def shares(self, corners: Corners, sizes: Sizes) -> Corners:
        """Shares of the side that each was scaled by."""
        return corners / np.tile(sizes[:, ::-1], 2)


THOUSAND, PERCENT = Grid(1000, last=999), Grid(100)
GRIDS = (THOUSAND, PERCENT, Grid(1024, last=1023), Grid(256, last=255))
LETTERBOXED = tuple(map(Letterboxed, SIDES))
STRETCHED = tuple(Stretched(side) for side in SIDES if side not in {grid.side for grid in GRIDS})
EXCHANGED: tuple[CoordinateSystem, ...] = (YFirst(), OtherSide())


def fill(shares: Corners) -> float:
    """Share of the frame that the furthest box reaches, on the axis it fills less; 0 where a box leaves its picture."""
    if shares[:, :2].min() < -TOLERANCE or shares[:, 2:].max() > 1 + TOLERANCE:
        return 0.0
    return float(shares[:, 2:].max(axis=0).min())
