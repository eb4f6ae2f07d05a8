"""Grey values of any depth become 0..255. Pure: arrays in, arrays out.

A file of 8 bits or fewer is shown as it is stored, to the bit. A deeper file says neither which of its values is black
nor which is white: twelve bits in sixteen, an offset of 30000 and the whole range are all common. So the picture's own
range is stretched, by one of three rules:

MIN_MAX  the darkest value becomes 0, the brightest 255, and fractions of a grey are cut off, which is what MedFocus'
         authors did to PadChest-GR. A source whose authors prepared their pictures so asks for it.
WINDOWED the same within a DICOM file's first window, to the nearest grey, see `dicom_greys`; other files by MIN_MAX.
ROBUST   to the nearest grey and outliers left out, so that a marker, a hot pixel or a dead row does not take the
         anatomy's greys. The *middle* of a picture is what remains without its darkest and its brightest 2 % of pixels,
         where the pixels of one value count for no more than 1 %, however many: a frame of the collimator is one value,
         an anatomy never.
         A group of up to a quarter of these that lies beyond a gap of more than half of the range, such as a marker of
         many values, is left out of the middle too; fewer than 0.2 % may lie in the gap, as the rim of a marker does.
         A value further from the middle than the middle is wide is an outlier, and is shown black or white (the
         whiskers of a box plot).
         Outliers of up to 2 % at one end leave the middle at least half of the greys, at both ends a third. Half is
         what an LVLM bears: with a marker at twice the brightest anatomy the embedded LVLMs still see 24 of 32
         findings that they see without, at two and a half times 9.

What follows for one radiograph at several depths: its deep versions, whatever factor and offset they were made by, are
equal to each other within one level, and to its 8-bit file when that reaches from 0 to 255 without outliers, as 14 of
37 real films do as they are, and 24 once stretched. It cannot be so

* where the 8-bit file leaves out black or white: its deep version does not say so, and comes out with more contrast;
* where the 8-bit file has outliers, as 13 of the 37 have a marker far brighter than all else: there it keeps its
  distance, here not;
* where more than 2 % of the pixels are off at one end, of many values, and either not so far or more than a quarter:
  nothing tells them from anatomy.

NaN is black, infinity the end it stands for; neither counts for a range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.types import Mask, Picture

Values: TypeAlias = NDArray[Any]  # numpy has no kind that all of these are and that can be reckoned with
"""Grey values (height, width) as a file stores them: integers or floats of any depth."""

OUTLIERS = 0.02
"""Share of the pixels at either end of the range that may be outliers; one value counts for half of it at most."""

FAR, SPARSE = 0.25, 0.002
"""Share of the pixels that a far group may have at most, and those that may lie in the gap before it."""

AT_ONCE = 1 << 22
"""Values turned to grey in one go where a table of all of them would be too long; bounds the memory."""

LUMA = (19595, 38470, 7471)
"""Red, green and blue of ITU-R 601 in 65536ths, as Pillow has them: white is exactly white."""


class Levels(StrEnum):
    """How a file deeper than 8 bits gets its black and its white; see the top of this file."""

    ROBUST = "robust"
    MIN_MAX = "min-max"
    WINDOWED = "windowed min-max"

    @property
    def cuts(self) -> bool:
        """Whether the fraction of a grey between a picture's own ends is cut off, not rounded."""
        return self is not Levels.ROBUST


@dataclass(frozen=True, slots=True)
class Range:
    """The values that become 0 and 255; what lies beyond is shown like the end it lies beyond."""

    black: float
    white: float

    @property
    def turned(self) -> Range:
        """As a picture has it whose least value is white."""
        return Range(self.white, self.black)


def own_range(values: Values, levels: Levels) -> Range:
    """The range of a picture by its own values, as the rule has it.

    values  those that count, of any shape; NaN and infinity are left out

    Values of which all are equal, and no values, have a range without width: `stretched` makes them black. When the
    middle of a picture has no width, there is nothing to protect, and ROBUST is MIN_MAX.
    """
    counted = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    if not counted.size:
        return Range(0.0, 0.0)
    whole = Range(float(counted.min()), float(counted.max()))
    if levels is not Levels.ROBUST:
        return whole
    middle = middle_of(counted)
    width = middle.white - middle.black
    low, high = middle.black - width, middle.white + width
    if width == 0 or (whole.black >= low and whole.white <= high):
        return whole
    inside = counted[(counted >= low) & (counted <= high)]
    return Range(float(inside.min()), float(inside.max()))


def middle_of(counted: Values) -> Range:
    """The middle of finite values, see the top of this file; without width where too few values are left for one."""
    even, outliers = _evened(counted), round(OUTLIERS * (counted.size - 1))
    if even.size < 2 * outliers + 2:
        return Range(0.0, 0.0)
    near = _without_far_group(even)
    outliers = outliers * near.size // even.size
    return Range(float(near[outliers]), float(near[-1 - outliers]))


def _evened(counted: Values) -> Values:
    """The values by size, one that more than 1 % of the pixels have only so often."""
    ordered = np.sort(counted, axis=None)
    most = max(1, round(OUTLIERS / 2 * ordered.size))
    shared = np.unique(ordered[::most])  # every value that more than `most` pixels have is among these
    starts, ends = (np.searchsorted(ordered, shared, side) for side in ("left", "right"))
    kept = np.ones(ordered.size, bool)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        kept[start + most : end] = False
    return ordered[kept]


def _without_far_group(ordered: Values) -> Values:
    """Values by size without the few beyond a gap that takes more than half of their range; all where there is none."""
    step = max(1, round(SPARSE / 4 * ordered.size))
    apart = max(1, round(SPARSE * ordered.size / step))
    marks = ordered[::step].astype(np.float64)
    gaps = marks[apart:] - marks[:-apart]
    widest = int(gaps.argmax())
    if gaps[widest] <= (marks[-1] - marks[0]) / 2:
        return ordered
    below, above = ordered[: widest * step + 1], ordered[(widest + apart) * step :]
    few = FAR * ordered.size
    return below if above.size <= few else above if below.size <= few else ordered


def stretched(values: Values, shown: Range, *, inverted: bool = False, cut: bool = False) -> Picture:
    """The values of a range spread evenly over 0..255, or over 255..0; NaN is black either way.

    cut  whether the fraction of a grey is cut off instead of rounded
    """
    span = shown.white - shown.black

    def whole(some: Values) -> Values:
        above = shown.white - some.astype(np.float64) if inverted else some.astype(np.float64) - shown.black
        # times 255 first: that is exact for 16 bits, so that a whole grey stays one
        return np.clip(np.nan_to_num(above * 255 / span, nan=0.0), 0, 255).astype(np.uint8)

    if cut and span > 0:
        return by_value(values, whole, np.uint8)

    def shade(some: Values) -> NDArray[np.float64]:
        up = (some.astype(np.float64) - shown.black) / span if span > 0 else np.zeros(some.shape)
        return 1 - up if inverted and span > 0 else up

    return shaded(values, shade)


def shaded(values: Values, shade: Callable[[Values], NDArray[np.float64]]) -> Picture:
    """Every value's shade, 0 for black to 1 for white, as 0..255; shades beyond are clipped, NaN is black."""

    def grey(some: Values) -> Values:
        return np.rint(np.clip(np.nan_to_num(shade(some), nan=0.0), 0, 1) * 255).astype(np.uint8)

    return by_value(values, grey, np.uint8)


def by_value(values: Values, curve: Callable[[Values], Values], kind: type[np.generic]) -> Values:
    """A function of single values, applied to all, a piece at a time; integers of up to 16 bits by a table of it.

    kind  the type that the function gives
    """
    of = curve
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2 and values.size:
        least = int(values.min())
        table = curve(np.arange(least, int(values.max()) + 1))

        def of(some: Values) -> Values:
            entries: Values = table[some.astype(np.intp) - least]
            return entries

    made = np.empty(values.shape, kind)
    flat_values, flat_made = values.reshape(-1), made.reshape(-1)
    for start in range(0, values.size, AT_ONCE):
        piece = slice(start, start + AT_ONCE)
        with np.errstate(invalid="ignore", over="ignore"):
            flat_made[piece] = of(flat_values[piece])
    return made


def luma(colours: Values) -> Values:
    """Grey of red, green and blue (height, width, 3): unsigned integers up to 16 bits stay so, others become float64.

    A colour whose three values are equal keeps the value.
    """
    whole = colours.dtype.kind == "u" and colours.dtype.itemsize <= 2
    height, width, _three = colours.shape
    made = np.empty((height, width), colours.dtype if whole else np.float64)
    rows = max(1, AT_ONCE // width)
    for top in range(0, height, rows):
        piece = slice(top, top + rows)
        red, green, blue = (colours[piece, :, channel] for channel in range(3))
        made[piece] = _whole_luma(red, green, blue) if whole else _deep_luma(red, green, blue)
    return made


def _whole_luma(red: Values, green: Values, blue: Values) -> Values:
    total = np.full(red.shape, 1 << 15, np.uint32)
    for weight, part in zip(LUMA, (red, green, blue), strict=True):
        total += weight * part.astype(np.uint32)
    return total >> 16


def _deep_luma(red: Values, green: Values, blue: Values) -> Values:
    grey = np.zeros(red.shape, np.float64)
    for weight, part in zip(LUMA, (red, green, blue), strict=True):
        grey += weight / 65536 * part.astype(np.float64)
    return np.where((red == green) & (green == blue), red.astype(np.float64), grey)


def over_black(picture: Picture, opacity: NDArray[np.float32]) -> Picture:
    """A picture laid over black; opacity (height, width) 0..1."""
    laid = np.empty_like(picture)
    rows = max(1, AT_ONCE // picture.shape[1])
    for top in range(0, len(picture), rows):
        piece = slice(top, top + rows)
        laid[piece] = np.rint(picture[piece] * opacity[piece])
    return laid


def without(picture: Picture, hidden: Mask) -> Picture:
    """The picture with the hidden pixels black."""
    return np.where(hidden, np.uint8(0), picture)


def upright(values: Values, orientation: int) -> Values:
    """An array (height, width, ...) turned and mirrored as EXIF orientation 1 to 8 asks for; others are left alone."""
    if orientation in (5, 6, 7, 8):
        values = np.swapaxes(values, 0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return values
