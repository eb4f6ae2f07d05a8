"""How much two boxes overlap."""

from __future__ import annotations

from medground_bench.geometry import intersection_area
from medground_bench.types import Box


def box_iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes in one frame, 0..1; FrameMismatch for two frames."""
    both = intersection_area([one], [other])
    return both / (one.area + other.area - both)
