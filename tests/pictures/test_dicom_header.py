"""Elements that say how pixels are stored: missing, odd or lying ones are refused by name, harmless ones are read."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import DataElement, Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from medground_bench.core.errors import BadPicture
from medground_bench.pictures.reading import decoded
from tests.kit.containers import PACKERS, coloured, dataset, dicom, phantom
from tests.kit.dicom_files import MARK, ROWS, TWELVE, patched, stored_in, written

SIGNED = (TWELVE.astype(int) - 2048).astype(np.int16)
SYNTAXES = [ExplicitVRLittleEndian, ExplicitVRBigEndian, *PACKERS]
NEEDED = ("Rows", "Columns", "BitsAllocated", "PixelRepresentation", "PhotometricInterpretation")
HARMLESS = ("SamplesPerPixel", "BitsStored", "HighBit", "NumberOfFrames")
NONSENSE = {
    "text": ("LO", MARK), "bytes": ("OB", b"\xff\xfe"), "two numbers": ("US", [64, 64]), "long": ("UL", 1 << 31),
    "birthday": ("IS", "19440812"), "negative": ("SS", -5), "half": ("DS", "64.5"), "NaN": ("FD", float("nan")),
    "unending": ("FD", float("inf")), "sequence": ("SQ", [Dataset()]),
}  # fmt: skip


def with_element(made: Dataset, keyword: str, vr: str, value: object) -> bytes:
    made.add(DataElement(tag_for_keyword(keyword), vr, value))
    return written(made)


def refusal(content: bytes) -> str:
    with pytest.raises(BadPicture) as caught:
        decoded(content)
    said = str(caught.value)
    assert said.endswith(".") and "\n" not in said
    for secret in (MARK, "19440812", "1944"):
        assert secret not in said
    assert caught.value.__cause__ is None
    return said


@pytest.mark.parametrize("keyword", NEEDED)
def test_a_missing_or_empty_element_that_is_needed_is_named(keyword):
    tag = tag_for_keyword(keyword)
    said = f"is a DICOM file whose {keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X}) is missing."
    assert refusal(dicom(TWELVE, **{keyword: None})).startswith(said)
    assert refusal(with_element(dataset(TWELVE), keyword, "LO", "")).startswith(said)
    assert refusal(with_element(dataset(TWELVE), keyword, "US", None)).startswith(said)


@pytest.mark.parametrize("keyword", [*NEEDED[:4], *HARMLESS])
@pytest.mark.parametrize("kind", NONSENSE)
def test_an_element_that_is_no_such_number_is_named_and_never_quoted(keyword, kind):
    said = refusal(with_element(dataset(TWELVE), keyword, *NONSENSE[kind]))
    assert f"{keyword} (0028," in said


def test_an_element_of_a_length_that_its_type_cannot_have_is_named():
    right = ROWS + struct.pack("<H", len(TWELVE))
    wrong = ROWS[:-2] + b"\3\0" + right[-2:] + b"\0"
    assert "whose Rows (0028,0010) is not one whole number" in refusal(dicom(TWELVE).replace(right, wrong))


@pytest.mark.parametrize("keyword", HARMLESS)
def test_an_element_that_a_grey_picture_does_not_need_may_be_missing(keyword):
    made = dataset(TWELVE)
    made.NumberOfFrames = 1
    delattr(made, keyword)
    assert np.array_equal(decoded(written(made)).picture, phantom())
    assert np.array_equal(decoded(with_element(made, keyword, "LO", "")).picture, phantom())


ODD = {
    "planes unsaid": (dicom(coloured(phantom()), PlanarConfiguration=None), "PlanarConfiguration (0028,0006) is mis"),
    "planes": (dicom(coloured(phantom()), PlanarConfiguration=7), "PlanarConfiguration (0028,0006) is neither 0 nor 1"),
    "sign": (dicom(TWELVE, PixelRepresentation=2), "PixelRepresentation (0028,0103) is neither 0 nor 1"),
    "samples unsaid": (dicom(coloured(phantom()), SamplesPerPixel=None), "SamplesPerPixel (0028,0002) is missing"),
    "samples": (dicom(TWELVE, SamplesPerPixel=3), "with 3 sample(s) a pixel of MONOCHROME2"),
    "no bits": (dicom(TWELVE, BitsStored=0), "BitsStored (0028,0101) is 0"),
    "no rows": (dicom(TWELVE, Rows=0), "px is too small"),
    "many rows": (dicom(TWELVE, Rows=65_535), "is more than 50,000,000 pixels|shorter than Rows"),
    "rows": (dicom(TWELVE, Rows=2 * len(TWELVE)), "its PixelData is shorter than Rows, Columns and BitsAllocated say"),
    "no pixels": (dicom(TWELVE, PixelData=b""), "whose PixelData holds no pixels"),
    "text for pixels": (with_element(dataset(TWELVE), "PixelData", "LO", MARK), "whose PixelData holds no pixels"),
    "frames": (dicom(TWELVE, NumberOfFrames=2), "is a DICOM file of 2 frames"),
    "no frame": (
        patched(dicom(phantom()), b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"), "holds no frame of run lengths",
    ),
    "an empty frame": (stored_in(JPEGLosslessSV1, bytes(2), phantom()), "whose frame is no JPEG lossless"),
    "deeper frame": (
        stored_in(JPEG2000Lossless, PACKERS[JPEG2000Lossless](TWELVE), phantom()),
        "of 8 bits by its BitsAllocated and 16 by its frame",
    ),
    "palette": (dicom(phantom(), PhotometricInterpretation="PALETTE COLOR"), "whose palette is missing or damaged"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_an_element_that_says_what_cannot_be_is_refused_by_its_name(kind):
    content, says = ODD[kind]
    assert any(each in refusal(content) for each in says.split("|"))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
@pytest.mark.parametrize("step", [-3, -1, 1, 3])
def test_a_size_that_is_not_that_of_the_pixels_is_refused_and_no_picture_is_sheared(syntax, keyword, step):
    made = dataset(TWELVE, syntax)
    setattr(made, keyword, made[keyword].value + step)
    assert "Rows, Columns and BitsAllocated say" in refusal(written(made))


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [("Rows", "DS", str(len(TWELVE))), ("BitsAllocated", "IS", "16"), ("Columns", "FD", float(TWELVE.shape[1])),
     ("PhotometricInterpretation", "LO", " monochrome2"), ("NumberOfFrames", "IS", "0")],
)  # fmt: skip
def test_a_right_number_of_another_type_is_read(keyword, vr, value):
    assert np.array_equal(decoded(with_element(dataset(TWELVE), keyword, vr, value)).picture, phantom())


SPOILT = {
    "window of text": ([("WindowCenter", "LO", MARK), ("WindowWidth", "LO", MARK)], "its own window shows"),
    "window of NaN": ([("WindowCenter", "FD", float("nan")), ("WindowWidth", "FD", float("nan"))], "its own window"),
    "window of bytes": ([("WindowCenter", "OB", b"\xff\xfe"), ("WindowWidth", "OB", b"\1\0")], "its own window"),
    "slope of text": ([("RescaleSlope", "LO", MARK)], "its rescale would leave nothing to see"),
    "slope of NaN": ([("RescaleSlope", "FD", float("nan"))], "its rescale"),
    "huge slope": ([("RescaleSlope", "FD", 1e308)], "its rescale"),
    "huge intercept": ([("RescaleIntercept", "FD", 1e300)], "its rescale"),
    "table of nothing": ([("ModalityLUTSequence", "SQ", [Dataset()])], "its modality table cannot be used"),
    "window table": ([("VOILUTSequence", "SQ", [Dataset()])], "its own window"),
    "table of text": ([("ModalityLUTSequence", "LO", MARK)], "its modality table cannot be used"),
    "padding of text": ([("PixelPaddingValue", "LO", MARK)], None),
    "padding of NaN": ([("PixelPaddingValue", "FD", float("nan"))], None),
    "spacing of text": ([("PixelSpacing", "LO", MARK)], None),
    "empty window": ([("WindowCenter", "DS", None), ("WindowWidth", "DS", ""), ("VOILUTSequence", "SQ", [])], None),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPOILT)
def test_what_only_helps_the_greys_is_left_aside_when_spoilt_and_told(kind):
    elements, says = SPOILT[kind]
    made = dataset(TWELVE)
    for keyword, vr, value in elements:
        made.add(DataElement(tag_for_keyword(keyword), vr, value))
    radiograph = decoded(written(made))
    assert np.array_equal(radiograph.picture, phantom())
    assert len(radiograph.how.notes) == (says is not None) and all(
        says in note for note in radiograph.how.notes
    )


@settings(max_examples=60, deadline=None)
@given(
    syntax=st.sampled_from(SYNTAXES),
    bits=st.sampled_from([12, 13, 15]),
    signed=st.booleans(),
    seed=st.integers(0, 99),
)
def test_bits_above_those_stored_are_not_seen_in_any_packing(syntax, bits, signed, seed):
    values = (SIGNED if signed else TWELVE).view(np.uint16) & (2**bits - 1)
    noise = np.random.default_rng(seed).integers(0, 2 ** (16 - bits), (len(values), 1), np.uint16) << bits
    made = dataset((values | noise).astype(np.uint16), syntax)
    made.BitsStored, made.HighBit, made.PixelRepresentation = bits, bits - 1, int(signed)
    radiograph = decoded(written(made))
    assert np.array_equal(radiograph.picture, phantom())
    assert radiograph.how.shown.black == (-2048 if signed else 0)


def _packed(syntax: str, values: np.ndarray, bits: int) -> bytes:
    if syntax == JPEG2000Lossless:
        return imagecodecs.jpeg2k_encode(
            values, level=0, codecformat="j2k", reversible=True, verbose=0, bitspersample=bits
        )
    if syntax == JPEGLosslessSV1:
        return imagecodecs.ljpeg_encode(values, bitspersample=bits)
    return PACKERS[syntax](values)


@pytest.mark.parametrize("header_bits", [12, 16])
@pytest.mark.parametrize(
    ("syntax", "frame_signed"),
    [*((syntax, False) for syntax in PACKERS), (JPEG2000Lossless, True), (HTJ2KLossless, True)],
)
def test_signs_are_the_headers_whatever_precision_and_sign_the_frame_says(syntax, frame_signed, header_bits):
    says_twelve = syntax in (JPEGLosslessSV1, JPEG2000Lossless)
    values = SIGNED if frame_signed else SIGNED.view(np.uint16)
    if says_twelve and not frame_signed:
        values = values & 0xFFF
    body = _packed(syntax, values, 12 if says_twelve else 16)
    made = stored_in(syntax, body, SIGNED, BitsStored=header_bits, HighBit=header_bits - 1)
    radiograph = decoded(made)
    assert np.array_equal(radiograph.picture, phantom())
    assert (radiograph.how.shown.black, radiograph.how.shown.white) == (-2048, 2032)


@pytest.mark.parametrize("centre", ["2040", "32768"])
@pytest.mark.parametrize("times", [1, 2, 4, 8, 16])
def test_a_window_far_wider_than_the_values_is_left_aside_and_told(times, centre):
    values = (TWELVE + (30_728 if centre == "32768" else 0)).astype(np.uint16)
    radiograph = decoded(dicom(values, WindowCenter=centre, WindowWidth=str(times * 4096 - 1)))
    followed = times <= 2
    assert radiograph.how.rule == ("by its own window" if followed else "robust")
    assert len(radiograph.how.notes) == (not followed)
    assert np.ptp(radiograph.picture) >= 84
    assert followed or np.array_equal(radiograph.picture, phantom())


def test_a_frame_of_the_collimator_does_not_make_a_window_fit_that_is_far_too_wide():
    values = (TWELVE + 30_000).astype(np.uint16)
    values[:20], values[-20:] = 0, 65_535
    radiograph = decoded(dicom(values, WindowCenter="32768", WindowWidth="65536"))
    assert radiograph.how.rule == "robust" and len(radiograph.how.notes) == 1
    assert np.ptp(radiograph.picture[20:-20]) >= 240
