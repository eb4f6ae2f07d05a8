"""The stored pixels of a DICOM file, decoded within bounds.

A frame's own size is read before any decoder sees it (`frames`), so that the header says what a decoder may take. One
decoder a transfer syntax, so that the same file gives the same pixels on every machine that has the extra.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from medground_bench.core.errors import BadPicture
from medground_bench.pictures.codestreams import JPEG, JPEG_2000, JPEG_LS, frame_of
from medground_bench.pictures.dicom_header import AGAIN, PALETTE, UNPACKED, PixelHeader, faults, header_of
from medground_bench.pictures.greys import Values
from medground_bench.pictures.rle import unpack_rle
from medground_bench.pictures.sizes import demand_size
from medground_bench.pictures.spare_bits import counted

if TYPE_CHECKING:
    from pydicom import Dataset

LARGEST_AREA_PX = 50_000_000
"""Two and a half times the largest detector in use; a third of it in colour. It is decoded in less than 0.4 GB."""

END_OF_FRAME = b"\xff\xd9"
"""Of JPEG, JPEG-LS and JPEG 2000 alike. Their decoders make a picture of a frame cut off, grey from there on."""

LAST_BYTES = 16
"""Where the end stands but for zeros; some other filling may follow."""

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
    def packed(self) -> bool:
        """Whether the pixels are compressed."""
        return self.frame is not None or self.uid == RUN_LENGTHS

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

    values: Values
    bits: int
    photometric: str
    coding: Coding
    notes: tuple[str, ...] = ()

    @property
    def colours(self) -> bool:
        """Whether there are three values a pixel."""
        return self.values.ndim == 3


def coding_of(transfer_syntax: str | None) -> Coding:
    """BadPicture for a transfer syntax that is missing or not read, or whose decoder is not installed."""
    if not transfer_syntax:
        raise BadPicture(
            "is a DICOM file that does not say how its pixels are packed (no transfer syntax); it was perhaps cut off. "
            f"{AGAIN}"
        )
    coding = CODINGS.get(transfer_syntax)
    if coding is None:
        raise BadPicture(
            f"is a DICOM file packed as {_name_of(transfer_syntax)}, which is not read. {UNPACKED}"
        )
    if coding.module is not None and find_spec(coding.module) is None:
        raise BadPicture(
            f"is a DICOM file packed as {coding.name}; its decoder {coding.distribution} is not installed: "
            "pip install 'medground-bench[dicom]'."
        )
    return coding


_SAID_SIZE = "Rows, Columns and BitsAllocated say"


def decode(dataset: Dataset, coding: Coding) -> Stored:
    """The one frame of a data set; BadPicture for what is refused, pydicom's own errors for a damaged file."""
    header = header_of(dataset)
    demand_size(
        header.width,
        header.height,
        sample_bytes=header.samples * header.sample_bytes,
        largest_area_px=LARGEST_AREA_PX // header.samples,
    )
    content = dataset[header.pixels].value
    if not isinstance(content, bytes) or not content:
        raise BadPicture(f"is a DICOM file whose {header.pixels} holds no pixels. {AGAIN}")
    if coding.packed:
        values, bits = _unpacked(content, coding, header)
    else:
        _demand_one_frame(content, header)
        values, bits = _by_pydicom(content, coding, header), header.bits
    if values.shape != header.shape:
        raise BadPicture(f"is a DICOM file whose pixels are not of the size that it says. {AGAIN}")
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind not in "iu":
        return Stored(values, header.bits, header.photometric, coding)
    # the header says whether values are signed, whatever a decoder took them for
    whole = values.view(f"{'i' if header.signed else 'u'}{values.dtype.itemsize}")
    lowest = counted(whole, bits)
    depth = max(lowest.bits, header.bits)
    return _coloured(dataset, Stored(lowest.values, depth, header.photometric, coding, lowest.notes))


def _demand_one_frame(content: bytes, header: PixelHeader) -> None:
    """BadPicture when pixels that are not compressed are fewer than the header says, or more by a row or a column.

    Fewer bytes than that, and zeros, may fill the element up.
    """
    if len(content) < header.frame_bytes:
        raise BadPicture(
            f"is a DICOM file that is damaged or cut off: its {header.pixels} is shorter than {_SAID_SIZE}. {AGAIN}"
        )
    more = content[header.frame_bytes :].rstrip(b"\0")
    if len(more) * max(header.width, header.height) >= header.frame_bytes:
        raise BadPicture(
            f"is a DICOM file whose {header.pixels} is longer than {_SAID_SIZE}: it may hold several pictures. "
            "Export the one that is meant."
        )


def _unpacked(content: bytes, coding: Coding, header: PixelHeader) -> tuple[Values, int]:
    """The values of a compressed frame, and how many bits of them count."""
    from pydicom.encaps import get_frame

    try:
        body = get_frame(content, 0, number_of_frames=1)
    except faults():
        raise BadPicture(
            f"is a DICOM file whose PixelData holds no frame of {coding.name}. {AGAIN}"
        ) from None
    if coding.frame is None:
        return _by_run_lengths(body, header), header.bits
    frame = frame_of(body)
    if frame is None or frame.coding != coding.frame:
        raise BadPicture(f"is a DICOM file whose frame is no {coding.name}, as it says. {AGAIN}")
    if (frame.width, frame.height, frame.samples) != (header.width, header.height, header.samples):
        raise BadPicture(
            f"is a DICOM file of {header.width} x {header.height} px by its header and {frame.width} x "
            f"{frame.height} px by its frame. {AGAIN}"
        )
    if frame.bits > header.allocated:
        raise BadPicture(
            f"is a DICOM file of {header.allocated} bits by its BitsAllocated and {frame.bits} by its frame. {AGAIN}"
        )
    if END_OF_FRAME not in body.rstrip(b"\0")[-LAST_BYTES:]:
        raise BadPicture(f"is a DICOM file that is damaged or cut off: its {coding.name} has no end. {AGAIN}")
    values = (
        _turbo(body, header) if coding.distribution == _TURBO[-1] else _by_pydicom(content, coding, header)
    )
    return values, min(frame.bits, header.bits)


def _by_run_lengths(body: bytes, header: PixelHeader) -> Values:
    size = (header.height, header.width, header.samples)
    try:
        return unpack_rle(body, size, header.sample_bytes, header.signed)
    except (ValueError, struct.error):
        raise BadPicture(
            f"is a DICOM file whose run lengths are damaged, cut off or not of the size that {_SAID_SIZE}. {AGAIN}"
        ) from None


def _by_pydicom(content: bytes, coding: Coding, header: PixelHeader) -> Values:
    """By pydicom's own code, or by the decoder that it calls as the coding says."""
    from pydicom.pixels.decoders.base import get_decoder

    values, _about = get_decoder(coding.uid).as_array(
        content,
        index=0,
        decoding_plugin=coding.plugin or "",
        **header.options(),  # type: ignore[arg-type]  # its hint lacks an Unpack
    )
    return values


def _turbo(body: bytes, header: PixelHeader) -> Values:
    """A JPEG frame by libjpeg-turbo, which does not know what DICOM says of colours."""
    import imagecodecs
    from pydicom.pixels.processing import convert_color_space

    try:
        values: Values = imagecodecs.jpeg8_decode(body)
    except imagecodecs.Jpeg8Error:
        raise ValueError("the frame is damaged") from None
    if header.photometric.startswith("YBR"):
        return convert_color_space(values, "YBR_FULL", "RGB")
    return values


def _coloured(dataset: Dataset, stored: Stored) -> Stored:
    """A palette's colours in place of its numbers."""
    if stored.photometric != PALETTE:
        return stored
    from pydicom.pixels.processing import apply_color_lut

    try:
        colours = apply_color_lut(stored.values, dataset)[..., :3]
    except faults():
        raise BadPicture(f"is a DICOM file whose palette is missing or damaged. {UNPACKED}") from None
    return replace(stored, values=colours, bits=8 * colours.dtype.itemsize)


def _name_of(transfer_syntax: str) -> str:
    from pydicom.uid import UID

    uid = UID(transfer_syntax)
    return uid.name if uid.name != uid else "an unknown transfer syntax"
