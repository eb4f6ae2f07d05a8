"""What a DICOM file says of its pixels, asked element by element, so that a refusal names the element.

Text in an element could be a patient's name, and a long number a birthday: neither is quoted.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medground_bench.core.errors import BadPicture

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.pixels.decoders.base import DecodeOptions

MOST = 0xFFFF
"""That an element of 16 bits holds."""

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
ALLOCATED = {"PixelData": (1, 8, 16, 32, 64), "FloatPixelData": (32,), "DoubleFloatPixelData": (64,)}
GREYS = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
HALVED = "YBR_FULL_422"
COLOURS = ("RGB", "YBR_FULL", HALVED, "YBR_ICT", "YBR_RCT")
UNPACKED = "Export it as a grey DICOM without compression, or as PNG."
AGAIN = "Send or export it again."


def faults() -> tuple[type[Exception], ...]:
    """What pydicom and its decoders raise over a file that is not as it should be."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (
        OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError,
        RuntimeError, struct.error, zlib.error, BytesLengthException, InvalidDicomError,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PixelHeader:
    """The elements that say how pixels are stored.

    samples          of a pixel: 1 or 3
    allocated, bits  of a sample: how many it takes, and how many of them, the lowest, are its value
    planar           whether samples of one colour stand together
    pixels           the element that holds them: one of `PIXELS`
    """

    width: int
    height: int
    samples: int
    photometric: str
    allocated: int
    bits: int
    signed: bool
    planar: bool
    pixels: str

    @property
    def sample_bytes(self) -> int:
        """Of one sample in memory."""
        return max(1, self.allocated // 8)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the values: (height, width), or (height, width, 3)."""
        size = (self.height, self.width)
        return size if self.samples == 1 else (*size, self.samples)

    @property
    def frame_bytes(self) -> int:
        """Of a frame that is not compressed."""
        samples = 2 if self.photometric == HALVED else self.samples
        return (self.width * self.height * samples * self.allocated + 7) // 8

    def options(self) -> DecodeOptions:
        """As a decoder of pydicom wants to be told; what the bits above those stored are is for `spare_bits` to say."""
        return {
            "rows": self.height,
            "columns": self.width,
            "samples_per_pixel": self.samples,
            "photometric_interpretation": self.photometric,
            "bits_allocated": self.allocated,
            "bits_stored": self.bits,
            "pixel_representation": int(self.signed),
            "planar_configuration": int(self.planar),
            "pixel_keyword": self.pixels,
            "number_of_frames": 1,
            "correct_unused_bits": False,
        }


def header_of(dataset: Dataset) -> PixelHeader:
    """BadPicture for an element that is missing, is no number, or says what is not read.

    Where one of them is missing and nothing can be mistaken, it is not needed: samples of a grey picture, bits stored,
    high bit, and the sign of floats.
    """
    pixels = next(keyword for keyword in PIXELS if keyword in dataset)
    whole = pixels == "PixelData"
    photometric = _photometric(dataset)
    samples = whole_number(dataset, "SamplesPerPixel", otherwise=1 if photometric not in COLOURS else None)
    if samples != (3 if photometric in COLOURS else 1):
        raise BadPicture(
            f"is a DICOM file with {samples} sample(s) a pixel of {photometric}, which is not read. {UNPACKED}"
        )
    allocated = whole_number(dataset, "BitsAllocated")
    if allocated not in ALLOCATED[pixels]:
        raise BadPicture(f"is a DICOM file whose pixels take {allocated} bits, which is not read. {UNPACKED}")
    bits = whole_number(dataset, "BitsStored", otherwise=allocated) if whole else allocated
    if not 1 <= bits <= allocated:
        raise _wrong("BitsStored", f"is {bits}, but a value takes {allocated} bits")
    if whole and whole_number(dataset, "HighBit", otherwise=bits - 1) != bits - 1:
        raise BadPicture(
            f"is a DICOM file whose {bits} bits do not stand lowest (HighBit), which is not read. {UNPACKED}"
        )
    return PixelHeader(
        whole_number(dataset, "Columns"),
        whole_number(dataset, "Rows"),
        samples,
        photometric,
        allocated,
        bits,
        _flag(dataset, "PixelRepresentation") if whole else True,
        _flag(dataset, "PlanarConfiguration") if samples > 1 else False,
        pixels,
    )


def whole_number(dataset: Dataset, keyword: str, *, otherwise: int | None = None) -> int:
    """The one whole number of 16 bits in an element; `otherwise` where it is missing or empty; else BadPicture."""
    try:
        value = dataset.get(keyword)
        if value is None or value == "":
            if otherwise is None:
                raise _wrong(keyword, "is missing")
            return otherwise
        if float(value).is_integer() and 0 <= float(value) <= MOST:
            return int(value)
    except faults():
        pass
    raise _wrong(keyword, f"is not one whole number from 0 to {MOST}")


def _photometric(dataset: Dataset) -> str:
    """Which colours the samples are, in the standard's own spelling."""
    keyword = "PhotometricInterpretation"
    try:
        colours = str(dataset.get(keyword) or "").strip().upper()
    except faults():
        raise _wrong(keyword, "cannot be read") from None
    if not colours:
        raise _wrong(keyword, "is missing")
    if colours not in (*GREYS, PALETTE, *COLOURS):
        raise _wrong(keyword, "says a kind of picture that is not read", todo=UNPACKED)
    return colours


def _flag(dataset: Dataset, keyword: str) -> bool:
    number = whole_number(dataset, keyword)
    if number not in (0, 1):
        raise _wrong(keyword, "is neither 0 nor 1")
    return number == 1


def _wrong(keyword: str, what: str, *, todo: str = AGAIN) -> BadPicture:
    """The refusal of an element by its name and tag."""
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword) or 0
    return BadPicture(f"is a DICOM file whose {keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X}) {what}. {todo}")
