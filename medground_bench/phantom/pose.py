"""How a chest lies in its radiograph: the size of the picture, and the way from the body frame to the picture frame.

Picture frame: (0, 0) top-left to (1, 1) bottom-right of the square picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medground_bench.phantom.body import Laterality
from medground_bench.phantom.fields import Float, uniform
from medground_bench.phantom.hemithorax import Hemithorax


@dataclass(frozen=True, slots=True)
class Native:
    """Size of the radiograph: the centred crop of a square picture whose side is the longer of the two."""

    width: int
    height: int

    @property
    def long_side(self) -> int:
        """The longer side, in native pixels."""
        return max(self.width, self.height)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Native:
        """Half portrait, a fifth square, the rest landscape; long side 224..336 px."""
        long_side = int(rng.integers(224, 337))
        portrait, landscape = uniform(rng, 0.80, 0.98), uniform(rng, 1.02, 1.20)
        shape = rng.random()
        if shape < 0.5:
            return cls(width=round(long_side * portrait), height=long_side)
        if shape < 0.7:
            return cls(width=long_side, height=long_side)
        return cls(width=long_side, height=round(long_side / landscape))


@dataclass(frozen=True, slots=True)
class Pose:
    """From the body frame to the picture frame: scale about (0, .5), rotate, shift to the picture's centre."""

    shift_x: float
    shift_y: float
    rotation_rad: float
    scale_x: float
    scale_y: float

    def body_x_y(self, u: Float, v: Float) -> tuple[Float, Float]:
        """Body coordinates (x, y) of picture points."""
        right, down = u - (0.5 + self.shift_x), v - (0.5 + self.shift_y)
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        return (cos * right + sin * down) / self.scale_x, (cos * down - sin * right) / self.scale_y + 0.5

    def picture_u_v(self, x: float, y: float) -> tuple[float, float]:
        """Picture coordinates (u, v) of a body point."""
        right, down = x * self.scale_x, (y - 0.5) * self.scale_y
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        return cos * right - sin * down + 0.5 + self.shift_x, sin * right + cos * down + 0.5 + self.shift_y

    @classmethod
    def sample(cls, rng: np.random.Generator, sides: dict[Laterality, Hemithorax], native: Native) -> Pose:
        """A pose that keeps both lungs inside the native crop, with at least .012 of the picture to spare."""
        rotation = uniform(rng, -0.05, 0.05)
        left, right = sides["left"], sides["right"]
        low_x, high_x = -1.02 * right.half_width, 1.02 * left.half_width
        low_y, high_y = min(left.apex_y, right.apex_y) - 0.01, max(left.lowest_y, right.lowest_y)
        spare = 0.012 + 0.40 * abs(math.sin(rotation))
        room_x = 0.5 * native.width / native.long_side - spare
        room_y = 0.5 * native.height / native.long_side - spare
        half_x, half_y = (high_x - low_x) / 2, (high_y - low_y) / 2
        scale_x = min(uniform(rng, 0.92, 1.08), room_x / half_x)
        scale_y = min(uniform(rng, 0.92, 1.08), room_y / half_y)
        jitter_x, jitter_y = min(0.03, room_x - half_x * scale_x), min(0.03, room_y - half_y * scale_y)
        return cls(
            shift_x=uniform(rng, -1, 1) * jitter_x - scale_x * (low_x + high_x) / 2,
            shift_y=uniform(rng, -1, 1) * jitter_y - scale_y * ((low_y + high_y) / 2 - 0.5),
            rotation_rad=rotation,
            scale_x=scale_x,
            scale_y=scale_y,
        )
