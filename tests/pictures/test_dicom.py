"""DICOM files: which are read and how, which are refused and by what name, and that no patient is ever quoted."""

from __future__ import annotations

import io
import json
import struct
import sys

import imagecodecs
import numpy as np
import pytest
from pydicom import Dataset, Sequence, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import (
    MPEG2MPML,
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from medground_bench.core.errors import BadPicture
from medground_bench.pictures import dicom_pixels
from medground_bench.pictures.dicom_pixels import CODINGS
from medground_bench.pictures.reading import decoded
from tests.kit.containers import PACKERS, _j2k, coloured, dataset, deep, dicom, phantom, pillow, window
from tests.kit.dicom_files import MARK, ROWS, TWELVE, patched, stored_in, written

PLAIN = dicom(TWELVE, BitsStored=12, HighBit=11)
PATIENT = {
    "PatientName": f"{MARK}^ERIKA", "PatientID": f"{MARK}-1", "PatientBirthDate": "19440812",
    "InstitutionName": f"{MARK} Clinic", "AccessionNumber": f"{MARK}2", "StudyDescription": f"{MARK} chest",
    "ReferringPhysicianName": f"{MARK}^DR", "ImageComments": f"{MARK} said", "StudyInstanceUID": "1.2.3.19440812",
}  # fmt: skip


def without_preamble(content: bytes, *, meta: bool = True) -> bytes:
    if meta:
        return content[132:]
    (length,) = struct.unpack("<I", content[140:144])
    return content[144 + length :]


def directory() -> bytes:
    made = dataset(None)
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    return written(made)


def object_of(sop_class: str) -> bytes:
    return dicom(None, SOPClassUID=sop_class, Modality="PR", **PATIENT)


TWELVE_BIT_FRAME = b"\xff\xd8\xff\xc1\0\x0b\x0c" + struct.pack(">HHB", *TWELVE.shape, 1) + bytes(99)
REFUSED = {
    "directory": (directory(), "is a DICOMDIR, the table of contents of a disc"),
    "report": (object_of(BasicTextSRStorage), "without a picture: Basic Text SR Storage"),
    "document": (object_of(EncapsulatedPDFStorage), "without a picture: Encapsulated PDF Storage"),
    "presentation state": (object_of(GrayscaleSoftcopyPresentationStateStorage), "Grayscale Softcopy"),
    "no pixels": (dicom(TWELVE, PixelData=None), "without a picture: Digital X-Ray Image Storage"),
    "private object": (dicom(None, SOPClassUID="1.2.3.4.5"), "without a picture, or it was cut off. Give the image"),
    "no transfer syntax": (
        patched(PLAIN, b"1.2.840.10008.1.2.1\0", bytes(20)), "does not say how its pixels are packed",
    ),
    "nothing but a preamble": (bytes(128) + b"DICM" + bytes(64), "does not say how its pixels are packed"),
    "frames": (dicom(TWELVE, NumberOfFrames="7"), "is a DICOM file of 7 frames"),
    "two pictures unsaid": (dicom(TWELVE, PixelData=TWELVE.tobytes() * 2), "it may hold several pictures"),
    "cut off": (PLAIN[:-5000], "DICOM file that is damaged"),
    "frame cut off": (dicom(TWELVE, JPEG2000Lossless)[:-2000], "or it was cut off"),
    "header cut off": (PLAIN[:400], "DICOM file"),
    "deflated": (dicom(TWELVE, DeflatedExplicitVRLittleEndian), "packed as Deflated Explicit VR Little Endian"),
    "film": (stored_in(MPEG2MPML, b"\0\0\1\xb3" * 9, phantom()), "packed as MPEG2 Main Profile"),
    "unknown packing": (
        patched(PLAIN, b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"), "packed as an unknown transfer syntax",
    ),
    "12-bit JPEG": (
        stored_in(JPEGExtended12Bit, TWELVE_BIT_FRAME, TWELVE),
        "is a DICOM file that is damaged",
    ),
    "another packing": (stored_in(JPEG2000Lossless, TWELVE_BIT_FRAME, phantom()), "whose frame is no JPEG 2000"),
    "small header": (
        stored_in(JPEG2000Lossless, _j2k(np.zeros((900, 800), np.uint8)), phantom()),
        "px by its header and 800 x 900 px by its",
    ),
    "more samples": (stored_in(JPEG2000Lossless, _j2k(coloured(phantom())), phantom()), "px by its header"),
    "huge": (patched(PLAIN, ROWS + struct.pack("<H", len(TWELVE)), ROWS + b"\xff\xff"), "DICOM file that is damaged"),
    "flat": (patched(PLAIN, ROWS + struct.pack("<H", len(TWELVE)), ROWS + b"\0\0"), "px is too small"),
    "odd depth": (dicom(TWELVE, BitsAllocated=12), "whose pixels take 12 bits"),
    "more bits than there are": (dicom(TWELVE, BitsStored=20, HighBit=19), "BitsStored (0028,0101) is 20"),
    "high bits": (dicom(TWELVE, BitsStored=12, HighBit=15), "do not stand lowest"),
    "two samples": (dicom(TWELVE, SamplesPerPixel=2), "2 sample(s) a pixel"),
    "unknown colours": (dicom(TWELVE, PhotometricInterpretation=MARK), "PhotometricInterpretation (0028,0004) says"),
    "run lengths cut": (stored_in(RLELossless, PACKERS[RLELossless](phantom())[:900], phantom()), "run lengths are"),
    "palette of nothing": (dicom(phantom(), PhotometricInterpretation="PALETTE COLOR"), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_read_is_refused_by_name_in_one_paragraph(kind):
    content, says = REFUSED[kind]
    with pytest.raises(BadPicture) as caught:
        decoded(content)
    said = str(caught.value)
    assert says in said and said.endswith(".") and "\n" not in said
    assert MARK not in said and caught.value.__cause__ is None


def test_a_frame_is_measured_before_a_decoder_sees_it(monkeypatch):
    monkeypatch.setattr(dicom_pixels, "_by_pydicom", lambda *_: pytest.fail("decoded"))
    for kind in ("small header", "more samples", "another packing"):
        with pytest.raises(BadPicture):
            decoded(REFUSED[kind][0])
    there = ROWS + struct.pack("<H", len(phantom()))
    large = patched(stored_in(JPEG2000Lossless, _j2k(phantom()), phantom()), there, ROWS + b"\xff\xff")
    with pytest.raises(BadPicture, match="px by its header"):
        decoded(large)
    monkeypatch.setattr(dicom_pixels, "LARGEST_AREA_PX", 1000)
    with pytest.raises(BadPicture, match="more than 1,000 pixels"):
        decoded(PLAIN)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("meta", [True, False])
def test_a_file_without_preamble_or_header_is_read_like_one_with_it(syntax, meta):
    content = without_preamble(dicom(TWELVE, syntax), meta=meta)
    assert np.array_equal(decoded(content).picture, phantom())


def test_a_lossy_jpeg_and_colours_are_read():
    from PIL import Image

    body = pillow(Image.fromarray(phantom()), "JPEG", quality=97)
    lossy = decoded(stored_in(JPEGBaseline8Bit, body, phantom()))
    assert np.abs(lossy.picture.astype(int) - phantom()).max() <= 8
    assert lossy.how.coding == "JPEG baseline" and ", pillow " in lossy.how.decoder
    deep_colours = dicom(coloured(deep(phantom(), "u2", 257, 0)))
    assert np.array_equal(decoded(deep_colours).picture, phantom())
    planes = dicom(coloured(phantom()), PlanarConfiguration=1, PixelData=phantom().tobytes() * 3)
    assert np.array_equal(decoded(planes).picture, phantom())


def test_a_lossy_jpeg_of_twelve_bits_is_read_at_full_depth():
    body = imagecodecs.jpeg8_encode(TWELVE, level=99, bitspersample=12)
    radiograph = decoded(stored_in(JPEGExtended12Bit, body, TWELVE, BitsStored=12, HighBit=11))
    assert np.abs(radiograph.picture.astype(int) - phantom()).max() <= 6
    assert len(np.unique(radiograph.picture)) > 150 and ", imagecodecs " in radiograph.how.decoder


def test_signs_and_luma_survive_a_lossless_jpeg():
    signed = (TWELVE.astype(int) - 2048).astype(np.int16)
    body = imagecodecs.ljpeg_encode((signed.view(np.uint16) & 0xFFF).astype(np.uint16), bitspersample=12)
    made = stored_in(JPEGLosslessSV1, body, signed, BitsStored=12, HighBit=11)
    assert np.array_equal(decoded(made).picture, phantom())
    grey = np.full_like(phantom(), 128)
    luma = np.stack([phantom(), grey, grey], -1)
    body = imagecodecs.jpeg8_encode(luma, lossless=True, colorspace="RGB", outcolorspace="RGB")
    made = stored_in(JPEGLosslessSV1, body, luma, PhotometricInterpretation="YBR_FULL")
    assert np.abs(decoded(made).picture.astype(int) - phantom()).max() <= 1


@pytest.mark.parametrize("syntax", PACKERS)
def test_a_damaged_frame_is_read_or_refused_and_never_anything_else(syntax):
    content = dicom(phantom(), syntax)
    rng, start = np.random.default_rng(7), content.find(b"\xe0\x7f\x10\0")
    for _try in range(60):
        damaged = bytearray(content)
        for place in rng.integers(start, len(content), 4):
            damaged[place] = rng.integers(0, 256)
        try:
            assert decoded(bytes(damaged)).picture.shape == phantom().shape
        except BadPicture as problem:
            assert str(problem).endswith(".")


def test_a_palette_is_looked_up():
    made = dataset(phantom())
    made.PhotometricInterpretation = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        setattr(made, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(
            made, f"{colour}PaletteColorLookupTableData", (np.arange(256, dtype="<u2")[::-1] * 257).tobytes()
        )
    assert np.array_equal(decoded(written(made)).picture, 255 - phantom())


@pytest.mark.parametrize("keyword", ["FloatPixelData", "DoubleFloatPixelData"])
def test_pixels_that_are_floats_are_read(keyword):
    kind = "f4" if keyword == "FloatPixelData" else "f8"
    made = dataset(deep(phantom(), kind, 0.01, -1))
    del made.PixelData, made.BitsStored, made.HighBit, made.PixelRepresentation
    setattr(made, keyword, deep(phantom(), kind, 0.01, -1).tobytes())
    assert np.abs(decoded(written(made)).picture.astype(int) - phantom()).max() <= 1


def test_an_overlay_in_the_unused_bits_is_not_drawn():
    for bit in (0x1000, 0x8000):
        values = TWELVE.copy()
        values[10:40:3, 10:40] |= bit
        radiograph = decoded(dicom(values, BitsStored=12, HighBit=11))
        assert np.array_equal(radiograph.picture, phantom()) and radiograph.how.bits == 12
        assert radiograph.how.notes == (
            "bits above the 12 of BitsStored are not empty; they were left aside",
        )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("factor", "bits"), [(64, 12), (64, 10), (257, 10), (257, 12), (257, 15), (16, 11), (16, 8)]
)
@pytest.mark.parametrize("signed", [False, True])
def test_values_longer_than_they_are_said_to_be_are_read_whole_and_told(seed, factor, bits, signed):
    values = deep(phantom(seed), "u2", factor, 0)
    if signed:
        values = (values.astype(int) - 32_768).astype(np.int16)
    radiograph = decoded(dicom(values, BitsStored=bits, HighBit=bits - 1))
    assert np.array_equal(radiograph.picture, phantom(seed)) and radiograph.how.bits == 16
    assert radiograph.how.notes == (f"its values do not fit in the {bits} bits of BitsStored; read whole",)


def test_signs_that_fill_the_spare_bits_and_shorter_values_are_nothing_to_tell():
    signed = (TWELVE.astype(int) - 2048).astype(np.int16)
    for values in (signed, signed & 0xFFF, TWELVE):
        bits = 13 if values is TWELVE else 12
        radiograph = decoded(dicom(values, BitsStored=bits, HighBit=bits - 1))
        assert np.array_equal(radiograph.picture, phantom()) and radiograph.how.notes == ()


def test_padding_behind_the_pixels_does_no_harm():
    content = dicom(TWELVE, PixelData=TWELVE.tobytes() + bytes(64))
    assert np.array_equal(decoded(content).picture, phantom())


NOTES = {
    "modality": ({"Modality": "CT"}, "computed tomography, not a chest X-ray"),
    "spacing": ({"PixelSpacing": ["0.2", "0.1"]}, "its pixels are not square"),
    "slope": ({"RescaleSlope": "0", "RescaleIntercept": "5"}, "its rescale would leave nothing to see"),
}


@pytest.mark.parametrize("kind", NOTES)
def test_what_a_reader_should_know_is_told_and_the_picture_is_read(kind):
    elements, says = NOTES[kind]
    radiograph = decoded(dicom(TWELVE, **elements))
    assert np.array_equal(radiograph.picture, phantom())
    [note] = radiograph.how.notes
    assert says in note


def test_without_the_extra_one_sentence_says_which_command_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(
        BadPicture, match=r"needs the extra `dicom`: pip install 'medground-bench\[dicom\]'\."
    ):
        decoded(PLAIN)
    monkeypatch.undo()
    monkeypatch.setattr(dicom_pixels, "find_spec", lambda module: None)
    with pytest.raises(BadPicture, match=r"pylibjpeg-openjpeg is not installed: pip install"):
        decoded(dicom(TWELVE, JPEG2000Lossless))
    assert np.array_equal(decoded(PLAIN).picture, phantom())


def test_every_decoder_of_the_table_is_one_that_pydicom_knows():
    from pydicom.pixels import get_decoder

    for coding in CODINGS.values():
        if coding.plugin is not None:
            assert coding.plugin in get_decoder(coding.uid).available_plugins, coding.name
        assert coding.decoder.startswith("pydicom ")


@pytest.mark.parametrize("kind", ["fine", "presentation state", "damaged", "value", "window"])
def test_no_patient_is_quoted_in_what_is_printed_or_written(medground, tmp_path, kind):
    elements: dict = {**PATIENT, **window(TWELVE)}
    content = dicom(TWELVE, **elements)
    if kind == "damaged":
        content = content[:-4000]
    elif kind == "value":
        content = patched(content, b"MONOCHROME2 ", MARK.encode() + b"  ")
    elif kind == "window":
        width = struct.pack("<HH2sH", 0x28, 0x1051, b"DS", 4)
        content = patched(content, width + window(TWELVE)["WindowWidth"].encode(), width + MARK[:4].encode())
    elif kind == "presentation state":
        content = object_of(GrayscaleSoftcopyPresentationStateStorage)
    (tmp_path / "film").write_bytes(content)
    out = tmp_path / "out"
    code, said, err = medground(
        "localize", tmp_path / "film", "--localizer", "mean_box", "--out", out, "--json"
    )
    assert code == (0 if kind in ("fine", "window") else 1)
    kept = b"".join(file.read_bytes() for file in out.iterdir()) if out.is_dir() else b""
    for secret in (MARK, MARK[:4], "ERIKA", "19440812"):
        assert secret not in said + err and secret.encode() not in kept
    assert (not code) == bool(kept)
    if not code:
        assert json.loads(said)["read"]["container"] == "DICOM"


SAMPLES = {
    "693_J2KI.dcm": "JPEG 2000", "JPEG2000.dcm": "JPEG 2000", "MR_small_RLE.dcm": "run lengths",
    "MR_small_jpeg_ls_lossless.dcm": "JPEG-LS lossless", "MR_small_bigendian.dcm": "explicit big endian",
    "MR_small_implicit.dcm": "implicit little endian", "SC_rgb_jpeg_gdcm.dcm": "JPEG lossless, first order",
    "SC_rgb_jpeg_dcmtk.dcm": "JPEG baseline", "SC_rgb_rle_16bit.dcm": "run lengths",
    "JPGExtended.dcm": "JPEG extended", "examples_palette.dcm": "explicit little endian",
    "J2K_pixelrep_mismatch.dcm": "JPEG 2000 lossless",
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_files_of_pydicoms_own_are_read_and_the_stored_values_are_pydicoms(name):
    path = get_testdata_file(name, download=False)
    with open(path, "rb") as file:  # noqa: PTH123  a sample of the installed package
        content = file.read()
    assert decoded(content).how.coding == SAMPLES[name]
    made = dcmread(io.BytesIO(content))
    coding = CODINGS[made.file_meta.TransferSyntaxUID]
    if made.PhotometricInterpretation != "PALETTE COLOR" and coding.distribution != "imagecodecs":
        assert np.array_equal(dicom_pixels.decode(made, coding).values, made.pixel_array)


def test_a_sequence_nested_without_end_is_a_damaged_file():
    made = dataset(TWELVE)
    inner = Dataset()
    for _depth in range(40):
        outer = Dataset()
        outer.ModalityLUTSequence = Sequence([inner])
        inner = outer
    made.ModalityLUTSequence = Sequence([inner])
    assert np.array_equal(decoded(written(made)).picture, phantom())
