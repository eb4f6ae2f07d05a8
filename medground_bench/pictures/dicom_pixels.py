"""The stored pixels of a DICOM file, decoded within bounds.

A frame's own size is read before any decoder sees it (`frames`), so that the header says what a decoder may take. One
decoder a transfer syntax, so that the same file gives the same pixels on every machine that has the extra.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from medground_bench.errors import BadPicture
from medground_bench.pictures.frames import JPEG, JPEG_2000, JPEG_LS, frame_of
from medground_bench.pictures.rle import unpack_rle
from medground_bench.pictures.sizes import demand_size

if TYPE_CHECKING:
    from pydicom import Dataset

LARGEST_AREA_PX = 50_000_000
"""Two and a half times the largest detector in use; a third of it in colour. It is decoded in less than 0.4 GB."""

ALLOCATED = (1, 8, 16, 32, 64)
GREYS = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_PREFIX = "1.2.840.10008.1.2"


@dataclass(frozen=True, slots=True)
class Coding:
    """A transfer syntax that is read.

    frame   how a frame of it must begin; None for pixels that are not compressed, or by run lengths
    plugin  what pydicom calls the decoder; None for its own code, and for imagecodecs, which it does not know
    module, distribution   what holds the decoder
    """

    uid: str
    name: str
    frame: str | None = None
    plugin: str | None = None
    module: str | None = None
    distribution: str | None = None

    @property
    def decoder(self) -> str:
        """Names and versions."""
        own = f"pydicom {version('pydicom')}"
        return f"{own}, {self.distribution} {version(self.distribution)}" if self.distribution else own


_PILLOW = ("pillow", "PIL", "pillow")
_TURBO = (None, "imagecodecs", "imagecodecs")
_LS = ("pyjpegls", "jpeg_ls", "pyjpegls")
_OPENJPEG = ("pylibjpeg", "openjpeg", "pylibjpeg-openjpeg")

RUN_LENGTHS = f"{_PREFIX}.5"
CODINGS = {
    coding.uid: coding
    for coding in (
        Coding(_PREFIX, "implicit little endian"),
        Coding(f"{_PREFIX}.1", "explicit little endian"),
        Coding(f"{_PREFIX}.2", "explicit big endian"),
        Coding(RUN_LENGTHS, "run lengths"),
        Coding(f"{_PREFIX}.4.50", "JPEG baseline", JPEG, *_PILLOW),
        Coding(f"{_PREFIX}.4.51", "JPEG extended", JPEG, *_TURBO),
        Coding(f"{_PREFIX}.4.57", "JPEG lossless", JPEG, *_TURBO),
        Coding(f"{_PREFIX}.4.70", "JPEG lossless, first order", JPEG, *_TURBO),
        Coding(f"{_PREFIX}.4.80", "JPEG-LS lossless", JPEG_LS, *_LS),
        Coding(f"{_PREFIX}.4.81", "JPEG-LS near lossless", JPEG_LS, *_LS),
        Coding(f"{_PREFIX}.4.90", "JPEG 2000 lossless", JPEG_2000, *_OPENJPEG),
        Coding(f"{_PREFIX}.4.91", "JPEG 2000", JPEG_2000, *_OPENJPEG),
        Coding(f"{_PREFIX}.4.201", "HTJ2K lossless", JPEG_2000, *_OPENJPEG),
        Coding(f"{_PREFIX}.4.202", "HTJ2K lossless, progressive", JPEG_2000, *_OPENJPEG),
        Coding(f"{_PREFIX}.4.203", "HTJ2K", JPEG_2000, *_OPENJPEG),
    )
}
"""Transfer syntax -> how it is read. Deflated files are not among them: they unfold before anything can be asked.

JPEG of more than 8 bits goes to libjpeg-turbo 3, as imagecodecs has it: gdcm ends the process over a damaged frame, and
libjpeg is under the GPL.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Pixels as they are stored: values (height, width), or (height, width, 3) red, green, blue."""

    values: NDArray[Any]
    bits: int
    photometric: str
    coding: Coding

    @property
    def colours(self) -> bool:
        """Whether there are three values a pixel."""
        return self.values.ndim == 3


def coding_of(transfer_syntax: str | None) -> Coding:
    """BadPicture for a transfer syntax that is missing or not read, or whose decoder is not installed."""
    if not transfer_syntax:
        raise BadPicture(
            "is a DICOM file that does not say how its pixels are packed (no transfer syntax); it was perhaps cut off. "
            "Send or export it again."
        )
    coding = CODINGS.get(transfer_syntax)
    if coding is None:
        raise BadPicture(
            f"is a DICOM file packed as {_name_of(transfer_syntax)}, which is not read. {_UNPACKED}"
        )
    if coding.module is not None and find_spec(coding.module) is None:
        raise BadPicture(
            f"is a DICOM file packed as {coding.name}; its decoder {coding.distribution} is not installed: "
            "pip install 'medground-bench[dicom]'."
        )
    return coding


def decode(dataset: Dataset, coding: Coding) -> Stored:
    """The one frame of a data set; BadPicture for what is refused, pydicom's own errors for a damaged file."""
    height, width = int(dataset.Rows), int(dataset.Columns)
    samples, photometric = (
        int(dataset.get("SamplesPerPixel", 1)),
        str(dataset.PhotometricInterpretation).strip(),
    )
    bits = int(dataset.get("BitsStored") or dataset.BitsAllocated)
    kinds = (*GREYS, PALETTE) if samples == 1 else COLOURS if samples == 3 else ()
    if photometric not in kinds:
        named = photometric if photometric in (*GREYS, PALETTE, *COLOURS) else "an unknown kind"
        raise BadPicture(
            f"is a DICOM file with {samples} sample(s) a pixel of {named}, which is not read. {_UNPACKED}"
        )
    if int(dataset.BitsAllocated) not in ALLOCATED:
        raise BadPicture(
            f"is a DICOM file whose pixels take {int(dataset.BitsAllocated)} bits, which is not read. {_UNPACKED}"
        )
    bytes_each = max(1, int(dataset.BitsAllocated) // 8)
    demand_size(width, height, sample_bytes=samples * bytes_each, largest_area_px=LARGEST_AREA_PX // samples)
    if "PixelData" in dataset and int(dataset.get("HighBit", bits - 1)) != bits - 1:
        raise BadPicture(
            f"is a DICOM file whose {bits} bits do not stand lowest (HighBit), which is not read. {_UNPACKED}"
        )
    if coding.uid == RUN_LENGTHS:
        values = unpack_rle(
            _frame(dataset), (height, width, samples), bytes_each, int(dataset.PixelRepresentation)
        )
    else:
        _demand_bounded(dataset, coding, (height, width, samples, bytes_each))
        values = _decoded(dataset, coding)
    wanted = (height, width) if samples == 1 else (height, width, samples)
    if values.shape != wanted:
        raise BadPicture(
            "is a DICOM file whose pixels are not of the size that it says. Send or export it again."
        )
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    return _coloured(dataset, Stored(values, bits, photometric, coding))


_UNPACKED = "Export it as a grey DICOM without compression, or as PNG."


def _demand_bounded(dataset: Dataset, coding: Coding, size: tuple[int, int, int, int]) -> None:
    """BadPicture when the pixels are more than the header says, or would unfold to more."""
    height, width, samples, bytes_each = size
    if coding.frame is None:
        wanted, there = height * width * samples * bytes_each, len(dataset.get("PixelData", b""))
        if there >= 2 * wanted > 0 and int(dataset.BitsAllocated) >= 8:
            raise BadPicture(
                "is a DICOM file that holds the pixels of several pictures and does not say so. "
                "Export the one that is meant."
            )
        return
    frame = frame_of(_frame(dataset))
    if frame is None or frame.coding != coding.frame:
        raise BadPicture(
            f"is a DICOM file whose frame is no {coding.name}, as it says. Send or export it again."
        )
    if (frame.width, frame.height, frame.samples) != (width, height, samples):
        raise BadPicture(
            f"is a DICOM file of {width} x {height} px by its header and {frame.width} x {frame.height} px by its "
            "frame. Send or export it again."
        )


def _frame(dataset: Dataset) -> bytes:
    from pydicom.encaps import get_frame

    return get_frame(dataset.PixelData, 0, number_of_frames=1)


def _decoded(dataset: Dataset, coding: Coding) -> NDArray[Any]:
    from pydicom.pixels.decoders.base import get_decoder

    if coding.distribution == _TURBO[-1]:
        return _turbo(dataset)
    plugin = coding.plugin or ""
    values, _about = get_decoder(coding.uid).as_array(dataset, index=0, decoding_plugin=plugin)
    return values


def _turbo(dataset: Dataset) -> NDArray[Any]:
    """A JPEG frame by libjpeg-turbo, which knows neither signs nor what DICOM says of colours."""
    import imagecodecs
    from pydicom.pixels.processing import convert_color_space

    try:
        values: NDArray[Any] = imagecodecs.jpeg8_decode(_frame(dataset))
    except imagecodecs.Jpeg8Error:
        raise ValueError("the frame is damaged") from None
    if dataset.PhotometricInterpretation.startswith("YBR"):
        return convert_color_space(values, "YBR_FULL", "RGB")
    if not dataset.PixelRepresentation:
        return values
    spare = 8 * values.dtype.itemsize - int(dataset.BitsStored)
    signed = values.astype(f"i{values.dtype.itemsize}")
    return (signed << spare) >> spare


def _coloured(dataset: Dataset, stored: Stored) -> Stored:
    """A palette's colours in place of its numbers."""
    if stored.photometric != PALETTE:
        return stored
    from pydicom.pixels.processing import apply_color_lut

    colours = apply_color_lut(stored.values, dataset)[..., :3]
    return Stored(colours, 8 * colours.dtype.itemsize, stored.photometric, stored.coding)


def _name_of(transfer_syntax: str) -> str:
    from pydicom.uid import UID

    said = UID(transfer_syntax)
    return said.name if said.name != said else "an unknown transfer syntax"
