"""From the stored values of a DICOM file to greys: modality, padding, window, MONOCHROME1.

What gives black and white, in this order (PS3.3, C.11.1, C.11.2):

1. the first VOI LUT, else the first window that shows the picture. A window is left aside when it is none (no width,
   not finite) or when it shows next to nothing: fewer than a tenth of the pixels between black and white, or the middle
   of the picture, see `greys`, on less than a third of the greys. That is told;
2. values of 8 bits or fewer as they are stored, like those of any other file of 8 bits;
3. the rule for deep files, see `greys`.

Padding (Pixel Padding Value, and its range) counts for neither the window nor the range, and is black. A rescale of
slope 0, or one that is no number or beyond all numbers, would leave nothing to see: it is left aside, and told, like a
table that cannot be used. A falling slope turns the greys round, as it says. MIN_MAX skips the first step.

WINDOWED is not the standard's but what MedFocus' authors did to VinDr-CXR, to the bit: at every depth the values are
rescaled and cut to the first window, centre plus and minus half of the width, and what is left is stretched from its
least to its greatest, in float32 and to the nearest grey. MONOCHROME1 they turned round before, so there the window
applies to greatest minus value. Padding is a value like any other, and tables are not looked at. Where a single grey is
left, as by a window beyond all values, the picture is black, and that is told. Only a rescale or a window that is no
number, over which their reader ends, is left aside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.types import Mask, Picture
from medground_bench.pictures.dicom_header import faults
from medground_bench.pictures.dicom_pixels import Stored
from medground_bench.pictures.greys import (
    Levels,
    Range,
    Values,
    by_value,
    luma,
    middle_of,
    own_range,
    shaded,
    stretched,
    without,
)
from medground_bench.pictures.radiograph import AS_STORED, HowRead, Radiograph

if TYPE_CHECKING:
    from pydicom import Dataset

LEAST_BETWEEN = 0.1
"""Share of the pixels that a window has to leave between black and white."""

LEAST_GREYS = 84
"""Of 256, on which a window has to show the middle of the picture: a third, as many as ROBUST leaves it at worst."""

LONGEST = 32
"""Bits of a value of which a rescale has to keep the last one apart."""

LINEAR, LINEAR_EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"

NOT_RADIOGRAPHS = {
    "CT": "computed tomography", "MR": "magnetic resonance", "US": "ultrasound", "NM": "nuclear medicine",
    "PT": "positron emission", "MG": "mammography", "BMD": "bone density", "OP": "ophthalmic photography",
    "ES": "endoscopy", "XC": "photography", "GM": "microscopy", "SM": "microscopy", "SEG": "segmentation",
}  # fmt: skip
"""Modalities that a chest X-ray does not have."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window of VOI (PS3.3, C.11.2.1.2 and C.11.2.1.3); centre and width in values after the rescale."""

    centre: float
    width: float
    function: str = LINEAR

    @property
    def usable(self) -> bool:
        """Whether the standard allows it."""
        least = 1 if self.function == LINEAR else 0
        return isfinite(self.centre) and isfinite(self.width) and self.width >= least and self.width > 0

    @property
    def shown(self) -> Range:
        """The values that become black and white; of a SIGMOID, where its straight middle part would reach them."""
        if self.function == LINEAR:
            return Range(self.centre - 0.5 - (self.width - 1) / 2, self.centre - 0.5 + (self.width - 1) / 2)
        return Range(self.centre - self.width / 2, self.centre + self.width / 2)

    def shade(self, values: Values) -> NDArray[np.float64]:
        """0 for black to 1 for white."""
        deep = values.astype(np.float64)
        if self.function == SIGMOID:
            falling: NDArray[np.float64] = np.exp(np.clip(-4 * (deep - self.centre) / self.width, -700, 700))
            return np.reciprocal(1 + falling)
        low, high = self.shown.black, self.shown.white
        if high == low:
            return np.where(deep > high, 1.0, 0.0)
        straight: NDArray[np.float64] = (deep - low) / (high - low)
        return straight


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A lookup table (PS3.3, C.11.1.1): `entries` for the values from `first` on, the ends for what lies beyond."""

    first: int
    entries: NDArray[np.uint16]

    def of(self, values: Values) -> NDArray[np.float64]:
        """The entries of values."""
        places = np.clip(np.rint(values.astype(np.float64)) - self.first, 0, len(self.entries) - 1)
        entries: NDArray[np.float64] = self.entries[places.astype(np.intp)].astype(np.float64)
        return entries

    def shade(self, values: Values) -> NDArray[np.float64]:
        """0 for black to 1 for white, which is the highest number of as many bits as the largest entry has."""
        white = max(1, 2 ** int(self.entries.max()).bit_length() - 1)
        shades: NDArray[np.float64] = self.of(values) / white
        return shades


def radiograph(dataset: Dataset, stored: Stored, levels: Levels, container: str) -> Radiograph:
    """The picture of stored values, with what is told about it."""
    if stored.colours:
        toned = _colours(stored)
    elif levels is Levels.WINDOWED:
        toned = _windowed(dataset, stored)
    else:
        toned = _as_the_standard_says(dataset, stored, levels)
    how = HowRead(
        container,
        stored.bits,
        toned.rule,
        stored.coding.decoder,
        toned.shown,
        coding=stored.coding.name,
        notes=(*_about_the_object(dataset), *stored.notes, *toned.notes),
    )
    return Radiograph(toned.picture, how)


@dataclass(frozen=True, slots=True, eq=False)
class _Toned:
    """Greys, the rule that gave them, the values after the rescale that are black and white, and what is told of it."""

    picture: Picture
    rule: str
    shown: Range | None = None
    notes: tuple[str, ...] = ()


def windows_of(dataset: Dataset) -> list[Window]:
    """All windows of a file that are windows, in its order."""
    centres, widths = _numbers(dataset, "WindowCenter"), _numbers(dataset, "WindowWidth")
    function = str(dataset.get("VOILUTFunction") or LINEAR).strip().upper()
    known = function if function in (LINEAR, LINEAR_EXACT, SIGMOID) else LINEAR
    return [Window(centre, width, known) for centre, width in zip(centres, widths, strict=False)]


def table_of(dataset: Dataset, keyword: str) -> LookupTable | None:
    """The first lookup table of a sequence; None where there is none that can be used."""
    try:
        return _first_table(dataset, keyword)
    except faults():
        return None


def _first_table(dataset: Dataset, keyword: str) -> LookupTable | None:
    item = dataset[keyword].value[0]
    count, first, _bits = (int(number) for number in item.LUTDescriptor)
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if dataset.original_encoding[1] else ">"
        entries = np.frombuffer(data, np.uint8 if len(data) == (count or 65536) else f"{order}u2").astype(
            np.uint16
        )
    else:
        entries = np.asarray(data, np.uint16)
    return LookupTable(first, entries) if entries.size and int(entries.max()) > int(entries.min()) else None


def _modality(
    dataset: Dataset, bits: int
) -> tuple[Callable[[Values], NDArray[np.float64]] | None, tuple[str, ...]]:
    """The curve of the file's Modality LUT or rescale, None where stored values stay; and what is told of it."""
    table = table_of(dataset, "ModalityLUTSequence")
    if table is not None:
        return table.of, ()
    notes = (
        ("its modality table cannot be used, so it was left aside",)
        if "ModalityLUTSequence" in dataset
        else ()
    )
    slope, intercept = _number(dataset, "RescaleSlope", 1.0), _number(dataset, "RescaleIntercept", 0.0)
    furthest = abs(slope) * 2.0**bits + abs(intercept)
    if not isfinite(furthest) or np.spacing(furthest) > abs(slope):
        return None, (*notes, "its rescale would leave nothing to see, so it was left aside")
    if (slope, intercept) == (1.0, 0.0):
        return None, notes
    return lambda some: some * slope + intercept, notes


def _colours(stored: Stored) -> _Toned:
    """Colours are shown as they are stored, at any depth."""
    return _Toned(stretched(luma(stored.values), Range(0.0, float(2**stored.bits - 1))), AS_STORED)


def _as_the_standard_says(dataset: Dataset, stored: Stored, levels: Levels) -> _Toned:
    padding = _padding(dataset, stored)
    toned = _greys(dataset, stored, levels, padding)
    if stored.photometric == "MONOCHROME1":
        shown = toned.shown.turned if toned.shown else None
        toned = replace(toned, picture=255 - toned.picture, shown=shown)
    return toned if padding is None else replace(toned, picture=without(toned.picture, padding))


def _greys(dataset: Dataset, stored: Stored, levels: Levels, padding: Mask | None) -> _Toned:
    """Before MONOCHROME1, padding as it is stored.

    levels  ROBUST or MIN_MAX
    """
    curve, notes = _modality(dataset, min(stored.bits, LONGEST))
    values = stored.values if curve is None else by_value(stored.values, curve, np.float64)
    counted = values if padding is None else values[~padding]
    if levels is Levels.ROBUST:
        toned = _by_the_file(dataset, values, counted)
        if toned is not None:
            return replace(toned, notes=notes)
        if any(_is_filled(dataset, keyword) for keyword in ("WindowCenter", "WindowWidth", "VOILUTSequence")):
            notes = (*notes, "its own window shows next to nothing, so it was left aside")
    full = _full_range(stored)
    if full is not None and table_of(dataset, "ModalityLUTSequence") is None:
        ends = full if curve is None else curve(full)
        return _Toned(stretched(values, Range(float(min(ends)), float(max(ends)))), AS_STORED, None, notes)
    shown = own_range(counted, levels)
    return _Toned(stretched(values, shown, cut=levels.cuts), levels.value, shown, notes)


def _by_the_file(dataset: Dataset, values: Values, counted: Values) -> _Toned | None:
    """By the first table or window that shows something of the values that count; None where none does."""
    table = table_of(dataset, "VOILUTSequence")
    if table is not None and _shows(shaded(counted, table.shade)):
        return _Toned(shaded(values, table.shade), "by its own table")
    windows = windows_of(dataset)
    for number, window in enumerate(windows, start=1):
        if window.usable and _shows(shaded(counted, window.shade)):
            of = f", {number} of {len(windows)}" if len(windows) > 1 else ""
            return _Toned(shaded(values, window.shade), f"by its own window{of}", window.shown)
    return None


def _windowed(dataset: Dataset, stored: Stored) -> _Toned:
    """See WINDOWED. Every step keeps the order of values, so that the ends of the picture are found by its two ends."""
    turned = stored.photometric == "MONOCHROME1"
    with np.errstate(over="ignore", invalid="ignore"):
        rescaled, notes = _float32_rescale(dataset, stored.bits)
        whole = own_range(stored.values, Levels.MIN_MAX)
        greatest = rescaled(np.array([whole.black, whole.white])).max()
        low, high = _float32_window(dataset)

        def cut(some: Values) -> NDArray[np.float32]:
            values = greatest - rescaled(some) if turned else rescaled(some)
            return np.minimum(np.maximum(values, low), high)

        black, white = np.sort(cut(np.array([whole.black, whole.white])))
        span = white - black if white > black else np.float32(1)

        def grey(some: Values) -> Values:
            shades = np.nan_to_num((cut(some) - black) / span, nan=0.0)
            greys: Values = np.rint(np.clip(shades, 0, 1) * np.float32(255)).astype(np.uint8)
            return greys

        picture = by_value(stored.values, grey, np.uint8)
    if not white > black:
        notes = (*notes, "a single grey is left by its rescale and its window, so it is black")
    shown = (
        Range(float(greatest - black), float(greatest - white))
        if turned
        else Range(float(black), float(white))
    )
    return _Toned(picture, Levels.WINDOWED.value, shown, notes)


def _float32_rescale(
    dataset: Dataset, bits: int
) -> tuple[Callable[[Values], NDArray[np.float32]], tuple[str, ...]]:
    """Stored values to rescaled ones; and what is told of a rescale that is left aside."""
    slope, intercept = _number(dataset, "RescaleSlope", 1.0), _number(dataset, "RescaleIntercept", 0.0)
    notes: tuple[str, ...] = ()
    if not abs(slope) * 2.0**bits + abs(intercept) < float(np.finfo(np.float32).max):
        slope, intercept, notes = 1.0, 0.0, ("its rescale is no number, so it was left aside",)
    factor, offset = np.float32(slope), np.float32(intercept)
    return lambda some: some.astype(np.float32) * factor + offset, notes


def _float32_window(dataset: Dataset) -> tuple[np.float32, np.float32]:
    """The ends of the first window; endless where there is none."""
    window = next(iter(windows_of(dataset)), None)
    if window is None or not (isfinite(window.centre) and isfinite(window.width)):
        return np.float32(-np.inf), np.float32(np.inf)
    half = window.width / 2
    return np.float32(window.centre - half), np.float32(window.centre + half)


def _full_range(stored: Stored) -> NDArray[np.float64] | None:
    """The least and the largest value that 8 bits or fewer can hold; None for what is deeper."""
    if stored.bits > 8 or stored.values.dtype.kind not in "iu":
        return None
    least = -(2.0 ** (stored.bits - 1)) if stored.values.dtype.kind == "i" else 0.0
    return np.array([least, least + 2.0**stored.bits - 1])


def _shows(picture: Picture) -> bool:
    """Whether a window leaves something to see, by the greys of the pixels that count."""
    between = np.count_nonzero((picture > 0) & (picture < 255))
    if not between or between < LEAST_BETWEEN * picture.size:
        return False
    middle = middle_of(picture)
    return middle.white - middle.black >= LEAST_GREYS


def _padding(dataset: Dataset, stored: Stored) -> Mask | None:
    """Pixels that only fill the frame up; None where none do, or all would."""
    ends = [*_numbers(dataset, "PixelPaddingValue")[:1], *_numbers(dataset, "PixelPaddingRangeLimit")[:1]]
    if stored.colours or stored.values.dtype.kind == "f":
        return None
    ends = [_as_stored(int(end), stored) for end in ends if isfinite(end)]
    if not ends:
        return None
    hidden: Mask = (stored.values >= min(ends)) & (stored.values <= max(ends))
    return hidden if hidden.any() and not hidden.all() else None


def _as_stored(value: int, stored: Stored) -> int:
    """A padding value in the bits of the pixels, whichever sign its own element was written with."""
    value &= 2**stored.bits - 1
    negative = stored.values.dtype.kind == "i" and value >= 2 ** (stored.bits - 1)
    return value - 2**stored.bits if negative else value


def _about_the_object(dataset: Dataset) -> Iterator[str]:
    modality = NOT_RADIOGRAPHS.get(str(dataset.get("Modality") or "").strip().upper())
    if modality is not None:
        yield f"it is a picture of {modality}, not a chest X-ray: nothing that is said about it can be relied on"
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
        spacing = _numbers(dataset, keyword)
        if len(spacing) == 2 and min(spacing) > 0:
            if abs(spacing[0] / spacing[1] - 1) > 0.01:
                yield "its pixels are not square; they are shown, and boxes given, as they are stored"
            return


def _is_filled(dataset: Dataset, keyword: str) -> bool:
    """Whether an element says something, sense or not."""
    try:
        return keyword in dataset and not dataset[keyword].is_empty and dataset[keyword].value != []
    except faults():
        return True


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    """The numbers of an element, none where it is missing or says something else."""
    try:
        value = dataset.get(keyword)
        values = [] if value is None else [value] if isinstance(value, (int, float, str)) else list(value)
        return [float(each) for each in values]
    except faults():
        return []


def _number(dataset: Dataset, keyword: str, otherwise: float) -> float:
    """The first number of an element; `otherwise` where it says nothing, NaN where it says no number."""
    numbers = _numbers(dataset, keyword)
    return numbers[0] if numbers else nan if _is_filled(dataset, keyword) else otherwise
