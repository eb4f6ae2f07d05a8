"""The conventions of the tests, and what a text gives under them."""

from __future__ import annotations

from medground_bench.core.boxes_in_text import THOUSANDTHS, BoxConvention, SideOrder, boxes_in
from medground_bench.core.types import Frame

STUDY = Frame("study", width=224, height=224)
PIXELS = BoxConvention(STUDY)
RESIZED = BoxConvention(Frame("tower", width=448, height=448))
PER_MILLE = BoxConvention(THOUSANDTHS)
Y_FIRST = BoxConvention(THOUSANDTHS, SideOrder.Y_FIRST)


def read(text: str, convention: BoxConvention = PIXELS) -> list[tuple[float, ...]]:
    return [box.xyxy for box in boxes_in(text, convention, STUDY).boxes]


def refused(text: str, convention: BoxConvention = PIXELS) -> tuple[str, ...]:
    return boxes_in(text, convention, STUDY).refused


BOX = (10, 20, 110, 120)
OTHER_BOX = (30, 40, 50, 60)
SMALL = (1, 2, 30, 40)
QUARTER = (56, 112, 168, 224)
"""Of the picture: 0.25, 0.5, 0.75, 1."""
