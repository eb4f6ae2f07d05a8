"""From a rough box to the outline of what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from medground_bench.geometry import tight_box
from medground_bench.types import Box, Mask, Picture


class Refiner(Protocol):
    """The contract of every file in this folder."""

    def masks(self, picture: Picture, boxes: Sequence[Box]) -> tuple[Mask, ...]:
        """One mask (height, width) of the picture for each box; it may be empty."""
        ...


def refined(refiner: Refiner, picture: Picture, boxes: Sequence[Box]) -> tuple[Box, ...]:
    """The tight box of each mask; a box whose mask is empty stays as it was."""
    masks = refiner.masks(picture, boxes) if boxes else ()
    tight = (tight_box(mask, box.frame) for mask, box in zip(masks, boxes, strict=True))
    return tuple(found or box for found, box in zip(tight, boxes, strict=True))
