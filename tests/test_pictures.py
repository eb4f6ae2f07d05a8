"""Every kind of file a clinic produces becomes grey uint8, or one clear sentence."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medground_bench.errors import BadPicture
from medground_bench.geometry import tight_box
from medground_bench.pictures import LARGEST_AREA_PX, mask_to_study, read_picture, to_study
from medground_bench.types import Box, Frame

RAMP = np.add.outer(np.arange(20), np.arange(24) * 4).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp"])
def test_8_bit_grey_is_read_as_it_is(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(RAMP).save(tmp_path / f"a.{suffix}", lossless=True)
    assert np.array_equal(read_picture(tmp_path / f"a.{suffix}"), RAMP)


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK"])
def test_colour_and_palette_files_become_grey(tmp_path: Path, mode: str) -> None:
    suffix = "tif" if mode == "CMYK" else "png"
    Image.fromarray(RAMP).convert(mode).save(tmp_path / f"a.{suffix}")
    assert np.abs(read_picture(tmp_path / f"a.{suffix}").astype(int) - RAMP).max() <= 1


def test_jpeg_is_read(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_picture(tmp_path / "a.jpg").astype(int) - RAMP).max() <= 8


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_is_stretched_from_its_own_minimum_and_maximum(tmp_path: Path, suffix: str) -> None:
    deep = RAMP.astype(np.uint16) * 30 + 1000
    Image.fromarray(deep).save(tmp_path / f"a.{suffix}")
    read = read_picture(tmp_path / f"a.{suffix}")
    assert (read.min(), read.max()) == (0, 255)
    assert np.abs(read - RAMP * (255 / RAMP.max())).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("values", [np.full((20, 20), 700, np.uint16), np.full((20, 20), np.nan, np.float32)])
def test_a_constant_or_nan_deep_picture_becomes_black(tmp_path: Path, values: np.ndarray) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert not read_picture(tmp_path / "a.tif").any()


def test_monochrome1_tiff_is_inverted(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16)).save(tmp_path / "deep.tif", tiffinfo={262: 0})
    deep = read_picture(tmp_path / "deep.tif")
    assert np.abs(deep - (255 - RAMP * (255 / RAMP.max()))).max() <= 1
    # Pillow stores an 8-bit "min is white" picture inverted, so the shades that were meant come back.
    Image.fromarray(RAMP).save(tmp_path / "shallow.tif", tiffinfo={262: 0})
    assert np.array_equal(read_picture(tmp_path / "shallow.tif"), RAMP)


def test_transparency_is_laid_over_black(tmp_path: Path) -> None:
    rgba = np.full((20, 20, 4), 200, np.uint8)
    rgba[:10, :, 3], rgba[10:, :, 3] = 0, 255
    Image.fromarray(rgba).save(tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png")
    assert not read[:10].any()
    assert (read[10:] == 200).all()


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RAMP).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png"), np.rot90(RAMP, -1))


def huge_png() -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"not a picture at all", "cannot be read"),
        (bytes(128) + b"DICM" + bytes(50), "DICOM"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "cannot be read"),
        (huge_png(), "no radiograph is that large"),
    ],
)
def test_a_file_that_is_no_radiograph_is_refused_in_one_sentence_that_names_it(
    tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "scan.png").write_bytes(content)
    with pytest.raises(BadPicture, match=says) as caught:
        read_picture(tmp_path / "scan.png")
    assert "scan.png" in str(caught.value)


def test_a_picture_cut_off_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (90, 90), np.uint8)).save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadPicture, match="damaged"):
        read_picture(tmp_path / "cut.png")


def test_missing_files_folders_tiny_and_oversized_pictures_are_refused(tmp_path: Path) -> None:
    Image.new("L", (300, 1)).save(tmp_path / "thin.png")
    Image.new("1", (10_100, 10_000)).save(tmp_path / "large.png")
    assert LARGEST_AREA_PX < 10_100 * 10_000
    refused = {"none.png": "no such file", "": "folder", "thin.png": "too small", "large.png": "100,000,000"}
    for name, says in refused.items():
        with pytest.raises(BadPicture, match=says):
            read_picture(tmp_path / name)


def test_a_picture_10000_px_wide_is_read_and_fits_the_study_frame(tmp_path: Path) -> None:
    Image.new("L", (10_000, 40), 90).save(tmp_path / "wide.png")
    study = to_study(read_picture(tmp_path / "wide.png"))
    assert study.picture.shape == (224, 224)
    assert study.letterbox.content_height == 1


@pytest.mark.parametrize(("height", "width"), [(300, 200), (200, 300), (100, 100), (61, 224), (3056, 2544)])
def test_the_content_lies_where_the_letterbox_says_and_the_bars_are_black(height: int, width: int) -> None:
    study = to_study(np.full((height, width), 140, np.uint8))
    box = study.letterbox.to_study(Box(0, 0, width, height, Frame("native", width, height)))
    x0, y0, x1, y1 = (round(value) for value in box.xyxy)
    assert (study.picture[y0:y1, x0:x1] == 140).all()
    assert np.count_nonzero(study.picture) == (x1 - x0) * (y1 - y0)


def test_a_square_in_the_native_picture_is_found_where_the_letterbox_maps_it() -> None:
    picture = np.zeros((600, 450), np.uint8)
    picture[150:300, 90:210] = 255
    study = to_study(picture)
    rows, columns = np.nonzero(study.picture > 127)
    box = study.letterbox.to_study(Box(90, 150, 210, 300, study.letterbox.native))
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert found == pytest.approx(box.xyxy, abs=1)


def test_a_picture_that_fills_the_study_frame_is_not_touched() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (224, 224), np.uint8)
    assert np.array_equal(to_study(picture).picture, picture)


def test_resizing_never_leaves_the_range_of_the_picture_and_is_antialiased() -> None:
    stripes = np.zeros((896, 896), np.uint8)
    stripes[:, ::2] = 200
    study = to_study(stripes)
    assert study.picture.min() >= 90
    assert study.picture.max() <= 110
    step = np.full((500, 500), 50, np.uint8)
    step[:, 250:] = 180
    assert set(np.unique(to_study(step).picture)) <= set(range(50, 181))


def test_a_mask_lands_in_the_study_frame_where_its_box_does_and_never_in_the_bars() -> None:
    mask = np.zeros((900, 500), bool)
    mask[120:480, 75:301] = True
    letterbox = to_study(np.zeros(mask.shape, np.uint8)).letterbox
    box = tight_box(mask_to_study(mask), letterbox.study)
    assert box is not None
    assert box.xyxy == pytest.approx(
        letterbox.to_study(Box(75, 120, 301, 480, letterbox.native)).xyxy, abs=0.5
    )
    everything = mask_to_study(np.ones(mask.shape, bool), 112)
    assert everything.shape == (112, 112)
    assert everything.sum() == 112 * to_study(np.zeros(mask.shape, np.uint8), 112).letterbox.content_width


def test_a_mask_keeps_a_pixel_that_is_at_least_half_covered_and_no_other() -> None:
    mask = np.zeros((448, 448), bool)
    mask[:, :101] = True  # to the middle of study pixel 50
    assert mask_to_study(mask)[:, :51].all() and not mask_to_study(mask)[:, 51:].any()
    mask[:, 100] = False
    assert mask_to_study(mask)[:, :50].all() and not mask_to_study(mask)[:, 50:].any()
