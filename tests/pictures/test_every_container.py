"""One radiograph gives the same greys in every container and depth: in library, command line and Space."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit

from medground_bench.core.errors import BadPicture
from medground_bench.drawing.layers import film_layer
from medground_bench.pictures import picture_digest, read_picture
from medground_bench.pictures.reading import decoded
from tests.kit.containers import (
    DEEP,
    ORIENTATION,
    PACKERS,
    SHALLOW,
    deep,
    phantom,
    pillow,
    tiff,
    turned_back,
)
from tests.kit.dicom_files import stored_in

ROOT = Path(__file__).parents[2]
DEPTHS = [(16, 0), (16, 30_000), (257, 0), (256, 0), (200, 1_000), (4, 60_000), (100.7, 12.5)]
"""Factor and offset from 8 bits to sixteen: twelve in sixteen bits, with an offset, the whole range, and others."""


def differing(one: np.ndarray, other: np.ndarray) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other).max())


@settings(max_examples=60)
@given(seed=st.integers(0, 5), container=st.sampled_from(sorted(SHALLOW)))
def test_a_file_of_8_bits_is_read_to_the_bit(seed, container):
    assert np.array_equal(decoded(SHALLOW[container](phantom(seed))).picture, phantom(seed))


@settings(max_examples=120)
@given(seed=st.integers(0, 5), container=st.sampled_from(sorted(DEEP)), depth=st.sampled_from(DEPTHS))
@example(seed=0, container="tiff cmyk", depth=(257, 0))
def test_a_deeper_file_has_the_same_greys_within_one_level(seed, container, depth):
    if container == "tiff half float" and depth[1]:
        depth = (257, 0)  # eleven bits cannot hold the others
    radiograph = decoded(DEEP[container](deep(phantom(seed), "u2", *depth)))
    assert differing(radiograph.picture, phantom(seed)) <= 1
    assert radiograph.how.bits >= 16 and len(radiograph.how.notes) == container.endswith("hidden")


@settings(max_examples=60)
@given(
    seed=st.integers(0, 5),
    orientation=st.integers(1, 8),
    container=st.sampled_from(["PNG", "WEBP", "TIFF", "JPEG", "deep PNG", "deep TIFF", "deep TIFF tiles"]),
)
def test_every_orientation_is_turned_upright(seed, orientation, container):
    stored = np.ascontiguousarray(turned_back(phantom(seed), orientation))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    tag = [(ORIENTATION, "H", 1, orientation, True)]
    if container == "deep PNG":
        content = pillow(Image.fromarray(deep(stored, "u2", 257, 0)), "PNG", exif=exif)
    elif container.startswith("deep"):
        tiles = {"tile": (16, 32)} if "tiles" in container else {}
        content = tiff(deep(stored, "u2", 16, 30_000), extratags=tag, **tiles)
    elif container == "TIFF":
        content = tiff(stored, extratags=tag)
    else:
        content = pillow(Image.fromarray(stored), container, exif=exif, lossless=True, quality=97)
    assert differing(decoded(content).picture, phantom(seed)) <= (8 if container == "JPEG" else 0)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"mode": "RGB"}, {"mode": "CMYK"}])
def test_a_jpeg_is_read_within_its_loss(options):
    image = Image.fromarray(phantom()).convert(options.pop("mode", "L"))
    content = pillow(image, "JPEG", quality=97, subsampling=0, **options)
    assert differing(decoded(content).picture, phantom()) <= 10


FILES = {
    **{name: SHALLOW[name](phantom()) for name in ("png", "tiff lzw tiles", "dicom jpeg 2000", "bmp rgba hidden")},
    **{
        name: DEEP[name](deep(phantom(), "u2", 16, 0))
        for name in ("png 48", "tiff 48 zstd tiles", "tiff 32", "dicom 16 monochrome1", "dicom 16 run lengths")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_command_line_and_the_space_read_what_the_library_reads(medground, tmp_path, monkeypatch, name):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "space"))
    file = tmp_path / "1.2.840.113.4"
    file.write_bytes(FILES[name])
    with pytest.warns(UserWarning) if "hidden" in name else nullcontext():
        assert np.array_equal(read_picture(file), phantom())
    code, out, _err = medground(
        "localize", file, "--localizer", "mean_box", "--out", tmp_path / "out", "--json"
    )
    said = json.loads(out)
    assert (code, said["image_sha256"]) == (0, picture_digest(phantom()))
    shown = pytest.importorskip("try_page").preview(str(file), SimpleNamespace(session_hash="a visit"))
    assert shown["film"] == film_layer(phantom())
    assert shown["lines"][0].startswith(said["read"]["container"])


WHOLE = {
    **{name: write(phantom()) for name, write in SHALLOW.items()},
    **{name: write(deep(phantom(), "u2", 257, 0)) for name, write in DEEP.items()},
    **{
        f"tiff {values.dtype} {packing}": tiff(values, compression=packing)
        for values in (phantom(), deep(phantom(), "u2", 257, 0))
        for packing in ("lzw", "packbits", "zlib", "zstd", "lzma")
    },
    "tiff jpeg tiles": tiff(phantom(), compression="jpeg", tile=(32, 32)),
    "tiff fax": pillow(Image.fromarray(phantom()).convert("1"), "TIFF", compression="group4"),
    "jpeg": pillow(Image.fromarray(phantom()), "JPEG", quality=95),
    "jpeg progressive": pillow(Image.fromarray(phantom()), "JPEG", quality=95, progressive=True),
    "webp lossy": pillow(Image.fromarray(phantom()), "WEBP", quality=90),
    "bmp colours": pillow(Image.fromarray(phantom()).convert("RGB"), "BMP"),
}


@pytest.mark.parametrize("container", WHOLE)
def test_a_file_that_is_cut_off_anywhere_is_refused_and_never_read_in_part(container):
    content = WHOLE[container]
    whole = decoded(content).picture
    for end in [
        *(len(content) * part // 13 for part in range(1, 13)),
        *(len(content) - few for few in (8, 2, 1)),
    ]:
        try:
            read = decoded(content[:end]).picture
        except BadPicture as problem:
            assert str(problem).endswith(".")
        else:
            assert np.array_equal(read, whole), "only what fills a file up may be missing"


@pytest.mark.parametrize("syntax", [*PACKERS, JPEGBaseline8Bit, JPEGExtended12Bit])
def test_a_frame_that_is_cut_off_in_a_whole_dicom_file_is_refused(syntax):
    body = PACKERS[syntax](phantom()) if syntax in PACKERS else WHOLE["jpeg"]
    assert differing(decoded(stored_in(syntax, body + bytes(8), phantom())).picture, phantom()) <= 10
    for part in range(1, 13):
        with pytest.raises(BadPicture, match=r"damaged|has no end|whose frame is no|by its frame"):
            decoded(stored_in(syntax, body[: len(body) * part // 13], phantom()))
