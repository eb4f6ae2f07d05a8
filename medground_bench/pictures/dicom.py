"""DICOM: one radiograph, read within bounds, with nothing kept of the patient.

Only the elements listed in `_WANTED` are looked at; they describe pixels, and none is a patient's. Errors and records
never quote a value that could be.

What is read: one frame of one grey or of three colours, or of a palette, in the usual transfer syntaxes. The greys are
the stored values by Modality LUT or rescale, then by the file's own window or VOI LUT, see `dicom_greys`; MONOCHROME1
is inverted last. Pixels are kept as they are stored: those whose spacing is not square are not resampled, and that is
told. Overlays and annotations are not drawn. A file without the preamble of 128 bytes is read like one with it. Another
modality than an X-ray's is read, and told, since the element is often wrong.

What is refused, by name: more than one frame; DICOMDIR; reports, documents and presentation states, which hold no
pixels; a transfer syntax outside `dicom_pixels.CODINGS`; a frame that has another size than the header says, or no end;
an element that is needed and missing or senseless, see `dicom_header`. One that only helps the greys is left aside.
"""

from __future__ import annotations

import io
import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medground_bench.core.errors import BadPicture
from medground_bench.pictures import dicom_greys, dicom_pixels
from medground_bench.pictures.content import DICOM, bare_data_set
from medground_bench.pictures.dicom_header import AGAIN, PIXELS, faults, whole_number
from medground_bench.pictures.greys import Levels
from medground_bench.pictures.radiograph import Radiograph

if TYPE_CHECKING:
    from pydicom import Dataset

NEEDS_EXTRA = "is a DICOM file, which needs the extra `dicom`: pip install 'medground-bench[dicom]'."
DAMAGED = f"is a DICOM file that is damaged, cut off or not as the standard has it. {AGAIN}"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_PREAMBLE = bytes(128) + b"DICM"
_SOP_CLASS, _TRANSFER_SYNTAX = 0x0002, 0x0010
_LONG_FORMS = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")

_WANTED = (
    "SOPClassUID", "Modality", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames",
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit",
    "PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio",
    "RescaleIntercept", "RescaleSlope", "ModalityLUTSequence",
    "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData",
    "DirectoryRecordSequence", *PIXELS,
)  # fmt: skip


def read_dicom(content: bytes, levels: Levels) -> Radiograph:
    """The picture of a DICOM file; BadPicture for one that is refused, or when the extra is not installed.

    levels  ROBUST follows the file's own window and falls back on the robust rule; MIN_MAX leaves the window aside;
            WINDOWED: see `dicom_greys`
    """
    try:
        import pydicom  # noqa: F401  only whether it is there
    except ImportError:
        raise BadPicture(NEEDS_EXTRA) from None
    with _patient_kept_out():
        part10 = _with_preamble(content)
        meta = _meta(part10)
        if meta.get(_SOP_CLASS) == MEDIA_DIRECTORY:
            _refuse_directory()
        coding = dicom_pixels.coding_of(meta.get(_TRANSFER_SYNTAX))
        dataset = _dataset(part10)
        _demand_one_radiograph(dataset)
        stored = dicom_pixels.decode(dataset, coding)
        return dicom_greys.radiograph(dataset, stored, levels, DICOM)


@contextmanager
def _patient_kept_out() -> Iterator[None]:
    """What libraries say about a file may quote it: it becomes our own words, and their warnings are not printed."""
    logger = logging.getLogger("pydicom")
    quiet, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"pydicom\.")
            yield
    except faults():
        raise BadPicture(DAMAGED) from None
    finally:
        logger.disabled = quiet


def _with_preamble(content: bytes) -> bytes:
    """The file as the standard has it; data without a file header get one that says how they are written."""
    bare = None if content[128:132] == b"DICM" else bare_data_set(content)
    if bare is None:
        return content
    if bare == "meta":
        return _PREAMBLE + content
    uid = (EXPLICIT if bare == "explicit" else IMPLICIT).encode()
    uid += b"\0" * (len(uid) % 2)
    return _PREAMBLE + struct.pack("<HH2sH", 2, _TRANSFER_SYNTAX, b"UI", len(uid)) + uid + content


def _meta(part10: bytes) -> dict[int, str]:
    """The UIDs of the file header by element. It is read here, since pydicom would inflate what comes after it."""
    at, uids = len(_PREAMBLE), {}
    while at + 8 <= len(part10) and part10[at : at + 2] == b"\2\0":
        element, form = struct.unpack("<H2s", part10[at + 2 : at + 6])
        long_form = form in _LONG_FORMS
        start = at + (12 if long_form else 8)
        (length,) = struct.unpack(
            "<I" if long_form else "<H", part10[start - (4 if long_form else 2) : start]
        )
        if form == b"UI":
            uids[element] = part10[start : start + length].rstrip(b"\0 ").decode("ascii")
        at = start + length
    return uids


def _dataset(part10: bytes) -> Dataset:
    from pydicom import dcmread

    return dcmread(io.BytesIO(part10), specific_tags=list(_WANTED))


def _demand_one_radiograph(dataset: Dataset) -> None:
    """BadPicture unless the object holds the pixels of one frame."""
    if "DirectoryRecordSequence" in dataset:
        _refuse_directory()
    if not any(keyword in dataset for keyword in PIXELS):
        kind = _kind(dataset) or ""
        cut = ", or it was cut off" if not kind or "Image Storage" in kind else ""
        raise BadPicture(
            f"is a DICOM file without a picture{f': {kind}' if kind else ''}{cut}. Give the image file of the study."
        )
    frames = whole_number(dataset, "NumberOfFrames", otherwise=1)
    if frames > 1:
        raise BadPicture(f"is a DICOM file of {frames} frames. Export the one that is meant.")


def _kind(dataset: Dataset) -> str | None:
    """Name of the SOP class, as the standard has it; None for one that it does not have."""
    from pydicom.uid import UID

    uid = UID(str(dataset.get("SOPClassUID", "")))
    return uid.name if uid.name != uid else None


def _refuse_directory() -> None:
    raise BadPicture(
        "is a DICOMDIR, the table of contents of a disc. Give one of the image files that it lists."
    )
