"""Which side each number of a box is, and of which raster it is a position: what is stated, or else the family's habit.

Everything that is stated must agree; where it does not, the box is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

from medground_bench.core.boxes_in_text.scopes import WrittenBox
from medground_bench.core.boxes_in_text.sides import SideOrder, Sides, axis_of, box_of
from medground_bench.core.boxes_in_text.statements import Said
from medground_bench.core.boxes_in_text.words import FRACTIONS, NOWHERE, PERCENT, PIXELS, THOUSANDTHS
from medground_bench.core.types import Box, Corners, Frame

BEYOND = 0.25
"""Numbers may lie outside of the family's raster by so much of its side, and fractions beyond 1; further, they are of
another raster. Of a raster that is stated, none lies outside."""

LEAST_PIXELS = 2
"""Numbers all below it are no box in pixels."""

LEAST_SIDE = 1
"""No box is narrower or lower, nor ends before it, in a raster that is finer than percent."""

SHAPE = 0.05
"""A picture that was resized keeps the ratio of its sides within this share."""


@dataclass(frozen=True, slots=True)
class BoxConvention:
    """How an LVLM family writes a bare list of four numbers: positions in a raster that covers the whole picture.

    raster  Frame("thousandths", 1000, 1000), or the pixels of the picture as given, or as resized for the model

    >>> BoxConvention(THOUSANDTHS, SideOrder.Y_FIRST).order.sides  # Gemini's
    ('y0', 'x0', 'y1', 'x1')
    """

    raster: Frame
    order: SideOrder = SideOrder.X_FIRST


def box_in_picture(written: WrittenBox, convention: BoxConvention, picture: Frame) -> Box | None:
    """The box in the pixels of the picture, clipped to it; None for one that is refused.

    >>> from medground_bench.core.boxes_in_text.tokens import written_in
    >>> native, convention = Frame.native(width=2000, height=1000), BoxConvention(THOUSANDTHS)
    >>> box_in_picture(*written_in("[0, 0, 500, 500]", convention.order), convention, native).xyxy
    (0.0, 0.0, 1000.0, 500.0)
    """
    if not written.numbers or not all(math.isfinite(number.value) for number in written.numbers):
        return None
    said = written.said.in_all()
    said.add(written.meaning)
    sides = _sides(written, said, convention.order)
    raster = _raster(written, said, convention.raster, picture)
    if said.unread or not sides or raster is None:
        return None
    values = dict(zip(sides, (number.value for number in written.numbers), strict=True))
    corners = box_of(values)
    if corners is None or not _fits(corners, raster, said):
        return None
    across, down = picture.width / raster.width, picture.height / raster.height
    x0, x1 = (min(max(x * across, 0.0), float(picture.width)) for x in corners[::2])
    y0, y1 = (min(max(y * down, 0.0), float(picture.height)) for y in corners[1::2])
    return Box(x0, y0, x1, y1, picture) if x0 < x1 and y0 < y1 else None


def _sides(written: WrittenBox, said: Said, habit: SideOrder) -> Sides:
    """Of the numbers; () where that is in doubt."""
    order = next(iter(said.orders), ())
    if len(said.orders) > 1 or (said.of_coco and not order and not written.sides):
        return ()
    if not written.sides:
        return order or habit.sides
    guessed = {number.guessed for number in written.numbers} - {""}
    agrees = not order or (("w" in written.sides or "w" not in order) and guessed <= {axis_of(order[0])})
    return written.sides if agrees else ()


def _raster(written: WrittenBox, said: Said, family: Frame, picture: Frame) -> Frame | None:
    """What the numbers are positions in; None where that is in doubt, or they contradict it."""
    values = [number.value for number in written.numbers]
    rasters = {raster for raster in (*said.rasters, written.numbers[-1].unit) if raster}
    if not _of_one_unit(written):
        return None
    if rasters <= {FRACTIONS, THOUSANDTHS} and min(values) >= -BEYOND and max(values) <= 1 + BEYOND:
        return FRACTIONS
    if THOUSANDTHS in rasters:
        rasters = rasters - {FRACTIONS}  # "normalised to 0-1000"
    doubtful = len(rasters) > 1 or rasters & {FRACTIONS, NOWHERE} or max(values) < LEAST_PIXELS
    if doubtful or (rasters != {PERCENT} and _is_mixed(values)):
        return None
    if rasters - {PIXELS}:
        return next(iter(rasters))
    if said.sizes:
        return _picture_of_size(said.sizes, picture)
    return None if rasters and family == THOUSANDTHS else family


def _of_one_unit(written: WrittenBox) -> bool:
    """Whether all numbers are; of four in a row it may stand after the last."""
    units = [number.unit for number in written.numbers]
    return len(set(units)) == 1 or (not written.sides and set(units[:-1]) == {None})


def _is_mixed(values: Sequence[float]) -> bool:
    """Whether fractions stand beside whole numbers, as in [0.1, 0.2, 5, 6].

    >>> _is_mixed([0.5, 10.2, 110.7, 120.4])
    False
    """
    return any(0 < value < 1 for value in values) and any(
        value > 1 and value.is_integer() for value in values
    )


def _picture_of_size(sizes: Set[tuple[int, int]], picture: Frame) -> Frame | None:
    """The picture as the text says it was seen; None where that is another shape, or two sizes are said."""
    width, height = min(sizes)
    same_shape = abs(width * picture.height / (height * picture.width) - 1) <= SHAPE
    return Frame("stated", width, height) if len(sizes) == 1 and same_shape else None


def _fits(corners: Corners, raster: Frame, said: Said) -> bool:
    """Whether the box lies in its raster, and the sizes beside it are its own or the raster's."""
    stated = bool(said.sizes or said.rasters - {PIXELS, FRACTIONS})
    margin = 0.0 if stated and raster != FRACTIONS else BEYOND
    x0, y0, x1, y1 = corners
    in_fine_steps = raster not in (FRACTIONS, PERCENT)
    if in_fine_steps and (min(x1 - x0, y1 - y0) < LEAST_SIDE or min(x1, y1) <= LEAST_SIDE):
        return False
    sizes = [(x1 - x0, y1 - y0), (raster.width, raster.height)]
    return (
        min(x0 / raster.width, y0 / raster.height) >= -margin
        and max(x1 / raster.width, y1 / raster.height) <= 1 + margin
        and all(
            any(abs(w - width) <= 1 and abs(h - height) <= 1 for width, height in sizes)
            for w, h in said.beside
        )
    )
