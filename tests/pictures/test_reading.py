"""What is no radiograph is refused in one paragraph that says what it is, where, and what to do; odd files are told."""

from __future__ import annotations

import gzip
import io
import os
import struct
import threading
import warnings
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from medground_bench.core.errors import BadPicture
from medground_bench.pictures import (
    LARGEST_AREA_PX,
    Levels,
    picture_name,
    radiograph_of,
    read_picture,
    to_study,
)
from medground_bench.pictures.reading import decoded
from tests.kit.containers import coloured, deep, dicom, phantom, pillow, png, png_chunk, tiff

PLAIN = png(phantom(), 0)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("scan.png", PLAIN)
    return file.getvalue()


def huge_png(bits: int, colour: int) -> bytes:
    content = bytearray(png(np.zeros((1, 1), np.uint8), 0))
    header = struct.pack(">IIBBBBB", 60_000, 60_000, bits, colour, 0, 0, 0)
    content[16:29] = header
    content[29:33] = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return bytes(content)


NO_PICTURES = {
    "empty": (b"", "the file is empty. Copy"),
    "text": (b"not a picture at all\n", "it is a text file. Save the picture as PNG, JPEG"),
    "utf-8 text": ("für den Arzt, Ü\n".encode() * 90, "it is a text file"),
    "web page": (b"\n<!DOCTYPE html><html><title>Log in</title>", "is a web page, perhaps the one that asks to log in"),
    "noise": (bytes(range(7, 250)) * 3, "cannot be read as a picture, or is damaged"),
    "zip": (zipped(), "is a zip archive. Unpack it first."),
    "gzip": (gzip.compress(PLAIN), "is a gzip archive, such as .nii.gz"),
    "tar": (bytes(257) + b"ustar" + bytes(300), "is a tar archive"),
    "NIfTI": (struct.pack("<i", 348) + bytes(340) + b"n+1\0" + bytes(99), "volume. Export one view of it as PNG"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3", "is a PDF document. Export the picture from it"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is a PostScript document"),
    "GIF": (pillow(Image.fromarray(phantom()), "GIF"), "and save it as PNG"),
    "JPEG 2000": (pillow(Image.fromarray(phantom()), "JPEG2000"), "outside DICOM. Convert it to PNG, JPEG"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(40), "is a HEIC photograph"),
    "film": (b"\0\0\0\x18ftypisom" + bytes(40), "is a film"),
    "array": (b"\x93NUMPY\x01\0" + bytes(99), "is a NumPy array. Save it as PNG, JPEG"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "is an HDF5 file"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Fetch it with `git lfs pull`."),
    "PGM": (b"P5\n9 9\n255\n" + bytes(81), "is a PGM picture. Convert it to PNG, JPEG"),
    "LERC": (tiff(phantom(), compression="lerc"), "compressed in a way that is not read at 8 bits; LZW, deflate"),
    "huge": (huge_png(8, 0), "more than 100,000,000 pixels; no radiograph is that large"),
    "huge and deep": (huge_png(16, 6), "more than 100,000,000 pixels"),
    "no TIFF page": (b"II*\0" + bytes(20), "this TIFF has no page"),
    "half a TIFF": (b"II*\0\x08\0", "damaged"),
    "12-bit JPEG": (b"\xff\xd8\xff\xc1\0\x11\x0c\0\x40\0\x40\1\1\x11\0" + bytes(9), "is a JPEG of 12 bits"),
    "unsaid inks": (
        pillow(Image.fromarray(phantom()).convert("CMYK"), "JPEG").replace(b"Adobe", b"Other"),
        "is a JPEG of four inks that does not say whether they are inverted",
    ),
    "lossless JPEG": (b"\xff\xd8\xff\xc3\0\x11\x08\0\x40\0\x40\1\1\x11\0" + bytes(9), "is a lossless JPEG"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_PICTURES)
def test_what_is_no_radiograph_is_called_by_its_name_whatever_the_files_is(tmp_path, kind):
    content, says = NO_PICTURES[kind]
    (tmp_path / "scan.png").write_bytes(content)
    with pytest.raises(BadPicture) as caught:
        read_picture(tmp_path / "scan.png")
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'scan.png'}: ") and says in said
    assert said.endswith(".") and "\n" not in said
    with pytest.raises(BadPicture, match=r"^upload: "):
        radiograph_of(tmp_path / "scan.png", called="upload")


CUT = {
    "png": PLAIN,
    "deep png": png(deep(phantom(), "u2", 16, 0), 0),
    "png 48": png(deep(coloured(phantom()), "u2", 16, 0), 2),
    "jpeg": pillow(Image.fromarray(phantom()), "JPEG", quality=95),
    "bmp": pillow(Image.fromarray(phantom()), "BMP"),
    "webp": pillow(Image.fromarray(phantom()), "WEBP", lossless=True),
    "tiff": tiff(phantom()),
    "deep tiff": tiff(deep(phantom(), "u2", 16, 0)),
    "deep tiff lzw": tiff(deep(phantom(), "u2", 16, 0), compression="lzw"),
}


@pytest.mark.parametrize("kind", CUT)
@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
def test_a_picture_cut_off_is_refused(kind, part):
    with pytest.raises(BadPicture, match=r"damaged|cut off|no page|text file"):
        decoded(CUT[kind][: int(len(CUT[kind]) * part)])


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_a_png_that_ends_early_although_its_stream_is_whole_is_refused(kind, interlaced):
    content = png(phantom().astype(kind), 0, interlaced=interlaced)
    place = content.index(b"IDAT") - 4
    (length,) = struct.unpack_from(">I", content, place)
    lines = zlib.decompress(content[place + 8 : place + 8 + length])
    for left in (len(lines) - 1, len(lines) // 2, 1):
        packed = zlib.compress(lines[:left])
        pieces = [png_chunk(b"IDAT", packed[:9]), png_chunk(b"IDAT", packed[9:]), png_chunk(b"IEND", b"")]
        with pytest.raises(BadPicture, match=r"damaged or cut off: its last lines are missing|is damaged"):
            decoded(content[:place] + b"".join(pieces))


@pytest.mark.parametrize("height", [1024, 2048, 3000])
def test_a_png_that_packs_much_into_few_bytes_is_whole(height):
    assert decoded(png(np.zeros((height, 1023), np.uint8), 0)).picture.shape == (height, 1023)


@pytest.mark.parametrize("kind", CUT)
def test_a_damaged_file_is_read_or_refused_and_never_anything_else(kind):
    rng = np.random.default_rng(len(kind))
    for _try in range(60):
        content = bytearray(CUT[kind])
        for place in rng.integers(0, len(content), 6):
            content[place] = rng.integers(0, 256)
        try:
            assert decoded(bytes(content)).picture.dtype == np.uint8
        except BadPicture as problem:
            assert str(problem).endswith(".")


DAMAGED = bytearray(tiff(phantom(), compression="lzw"))
DAMAGED[-4000:-3990] = bytes(10)


def test_libtiff_keeps_silent_about_a_damaged_file_and_goes_on_writing_for_others(capfd):
    for kept in (DAMAGED, DAMAGED[:-3000]):
        with pytest.raises(BadPicture, match="damaged"):
            decoded(bytes(kept))
    assert capfd.readouterr() == ("", "")
    with Image.open(io.BytesIO(DAMAGED)) as image, pytest.raises(OSError, match="decoder error"):
        image.load()
    assert "LZW" in capfd.readouterr().err


def test_what_others_write_to_standard_error_meanwhile_arrives(capfd):
    done = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not done.is_set():
            written += os.write(2, b"heard\n") == 6

    with ThreadPoolExecutor() as pool:
        other = pool.submit(write)
        for _try in range(50):
            with pytest.raises(BadPicture, match="damaged"):
                decoded(bytes(DAMAGED))
        done.set()
        other.result()
    assert capfd.readouterr().err == "heard\n" * written and written > 50


@pytest.mark.parametrize(
    ("where", "content"), [("raster.demand_size", PLAIN), ("dicom_pixels.demand_size", dicom(phantom()))]
)
def test_what_others_warn_of_meanwhile_arrives(monkeypatch, where, content):
    monkeypatch.setattr(
        f"medground_bench.pictures.{where}", lambda *_, **__: warnings.warn("heard", stacklevel=1)
    )
    with pytest.warns(UserWarning, match="heard"):
        decoded(content)


def test_without_a_way_to_ask_for_silence_a_file_is_read_all_the_same(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda path: object())
    assert np.array_equal(decoded(tiff(phantom(), compression="lzw")).picture, phantom())


def test_a_wrong_suffix_does_not_matter(tmp_path):
    (tmp_path / "scan.jpg").write_bytes(tiff(phantom()))
    assert np.array_equal(read_picture(tmp_path / "scan.jpg"), phantom())


def test_paths_that_are_no_files_are_refused_without_waiting(tmp_path, monkeypatch):
    (tmp_path / "real.png").write_bytes(PLAIN)
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "broken.png").symlink_to(tmp_path / "gone.png")
    os.mkfifo(tmp_path / "pipe.png")
    refused = {
        "gone.png": "there is no such file", "broken.png": "there is no such file", "": "is a folder",
        "pipe.png": "is a pipe or a device", "loop.png": "cannot be opened", "real.png/x": "cannot be opened",
        "a\0b.png": "is no path", "x" * 300: "cannot be opened",
    }  # fmt: skip
    for name, says in refused.items():
        with pytest.raises(BadPicture, match=says):
            read_picture(tmp_path / name)
    with pytest.raises(BadPicture, match="is a pipe or a device"):
        read_picture("/dev/zero")
    assert np.array_equal(read_picture(tmp_path / "link.png"), phantom())

    def forbidden(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", forbidden)
    with pytest.raises(BadPicture, match=r"cannot be opened \(Permission denied\)"):
        read_picture(tmp_path / "real.png")
    monkeypatch.setattr("medground_bench.pictures.files.LARGEST_FILE_BYTES", 100)
    with pytest.raises(BadPicture, match="no radiograph needs more than 100"):
        read_picture(tmp_path / "real.png")


def test_tiny_and_oversized_pictures_are_refused_and_a_very_wide_one_is_read(tmp_path):
    Image.new("L", (300, 1)).save(tmp_path / "thin.png")
    Image.new("1", (10_100, 10_000)).save(tmp_path / "large.png")
    assert LARGEST_AREA_PX < 10_100 * 10_000
    for name, says in {"thin.png": "300 x 1 px is too small", "large.png": "100,000,000"}.items():
        with pytest.raises(BadPicture, match=says):
            read_picture(tmp_path / name)
    Image.new("L", (40_000, 40), 90).save(tmp_path / "wide.png")
    assert to_study(read_picture(tmp_path / "wide.png")).letterbox.content_height == 1


PAGES = {
    "animated png": (lambda one, two: pillow(one, "PNG", save_all=True, append_images=[two]), 1),
    "animated webp": (lambda one, two: pillow(one, "WEBP", save_all=True, append_images=[two], lossless=True), 1),
    "tiff": (lambda one, two: pillow(one, "TIFF", save_all=True, append_images=[two]), 1),
    "deep tiff": (lambda one, two: tiff(np.stack([deep(np.asarray(each), "u2", 257, 0) for each in (one, two)])), 1),
    "jpeg": (lambda one, two: pillow(one, "MPO", save_all=True, append_images=[two], quality=97), 1),
    "thumbnail": (lambda one, two: pillow(two.resize((30, 30)), "TIFF", save_all=True, append_images=[one, two]), 2),
}  # fmt: skip


@pytest.mark.parametrize("kind", PAGES)
def test_more_pages_than_one_are_told_and_the_first_of_the_largest_is_read(tmp_path, kind):
    write, page = PAGES[kind]
    content = write(Image.fromarray(phantom()), Image.fromarray(phantom()[:, ::-1]))
    how = decoded(content).how
    assert np.abs(decoded(content).picture.astype(int) - phantom()).max() <= (10 if kind == "jpeg" else 0)
    assert (how.page, how.pages) == (page, 2 if page == 1 else 3)
    [note] = how.notes
    assert f"holds {how.pages}" in note and f"{page} was read" in note
    (tmp_path / "pages").write_bytes(content)
    with pytest.warns(UserWarning, match=f"pages: the file holds {how.pages}"):
        read_picture(tmp_path / "pages")


@pytest.mark.parametrize("kind", ["png", "bmp", "webp", "jpeg"])
def test_a_second_picture_behind_the_first_is_told(kind):
    assert decoded(CUT[kind] + b"\0\0trailer").how.notes == ()
    radiograph = decoded(CUT[kind] + PLAIN)
    assert np.array_equal(radiograph.picture, decoded(CUT[kind]).picture)
    assert radiograph.how.notes == ("the file goes on with another picture, which was not read",)


def test_transparency_is_laid_over_black_at_every_depth():
    layers = coloured(phantom(), 255)
    layers[:30, :, 3] = 0
    want = np.concatenate([np.zeros_like(phantom()[:30]), phantom()[30:]])
    assert np.array_equal(decoded(png(layers, 6)).picture, want)
    hidden = layers.astype(np.uint16) * 257
    hidden[:30, :, :3] = 65_535  # what nobody sees does not count for the contrast
    hidden[30, 0, :3] = 0
    shown = decoded(png(hidden, 6)).picture
    assert not shown[:30].any() and np.array_equal(shown[31:], phantom()[31:])


CONSTANT = {
    "png la": lambda it, alpha: png(np.stack([it, np.full_like(it, alpha)], -1), 4),
    "png rgba": lambda it, alpha: png(coloured(it, alpha), 6),
    "png palette": lambda it, alpha: png(
        it, 3, (b"PLTE", np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes()), (b"tRNS", bytes([alpha] * 256))
    ),
    "webp": lambda it, alpha: pillow(Image.fromarray(coloured(it, alpha)), "WEBP", lossless=True, exact=True),
    "tiff": lambda it, alpha: tiff(coloured(it, alpha), photometric="rgb", extrasamples=["unassalpha"]),
    "deep png": lambda it, alpha: png(coloured(deep(it, "u2", 257, 0), alpha * 257), 6),
    "deep tiff": lambda it, alpha: tiff(
        coloured(deep(it, "u2", 257, 0), alpha * 257), photometric="rgb", extrasamples=["unassalpha"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("alpha", [0, 1, 128, 254, 255])
@pytest.mark.parametrize("kind", CONSTANT)
def test_transparency_that_is_the_same_everywhere_darkens_nothing_and_is_told(kind, alpha):
    radiograph = decoded(CONSTANT[kind](phantom(), alpha))
    assert np.array_equal(radiograph.picture, phantom())
    told = () if alpha == 255 else ("its transparency is the same everywhere, so it was left aside",)
    assert radiograph.how.notes == told


@pytest.mark.parametrize("alpha", [0, 1, 128, 255, "varying"])
@pytest.mark.parametrize("depth", ["u1", "u2"])
@pytest.mark.parametrize("layers", [1, 3])
def test_greys_that_the_file_has_laid_over_black_itself_are_as_they_are_stored(alpha, depth, layers):
    opacity = np.full_like(phantom(), 255 if alpha == "varying" else alpha)
    stored = phantom().copy()
    if alpha == "varying":
        opacity[:30], stored[:30] = 0, 0
        opacity[30:60], stored[30:60] = 128, stored[30:60] // 2
    samples = deep(np.dstack([stored] * layers + [opacity]), depth, 257 if depth == "u2" else 1, 0)
    kind = {"photometric": "rgb"} if layers == 3 else {"planarconfig": "contig"}
    for compression in (None, "lzw"):
        content = tiff(samples, extrasamples=["assocalpha"], compression=compression, **kind)
        radiograph = decoded(content)
        assert np.array_equal(radiograph.picture, stored) and radiograph.how.notes == ()
        assert radiograph.how.rule == ("as stored" if depth == "u1" else "robust")


def test_a_jpeg_within_a_tiff_that_says_it_is_laid_over_black_is_refused_by_name():
    layers = np.dstack([phantom(), phantom()])
    content = tiff(layers, planarconfig="contig", extrasamples=["assocalpha"], compression="jpeg")
    with pytest.raises(BadPicture, match="compressed in a way that is not read at 8 bits; LZW"):
        decoded(content)


def test_a_key_colour_of_a_deep_png_is_transparent():
    values = deep(phantom(), "u2", 16, 100)
    values[:5] = 9
    grey = decoded(png(values, 0, (b"tRNS", struct.pack(">H", 9))))
    assert not grey.picture[:5].any() and grey.how.shown.black == 100
    colours = decoded(png(coloured(values), 2, (b"tRNS", struct.pack(">3H", 9, 9, 9))))
    assert np.array_equal(colours.picture, grey.picture)


def test_the_record_says_how_and_the_rule_is_the_callers():
    values = deep(phantom(), "u2", 16, 0)
    values[4, 4] = 65_535
    robust, whole, windowed = (decoded(png(values, 0), levels).how.as_json() for levels in Levels)
    assert robust | {"decoder": ""} == {
        "container": "PNG", "bits": 16, "rule": "robust", "black": 0.0, "white": 4080.0, "decoder": "", "page": 1,
        "pages": 1, "coding": None, "notes": [],
    }  # fmt: skip
    assert robust["decoder"].startswith("pillow ")
    assert (whole["rule"], whole["white"]) == ("min-max", 65_535)
    assert windowed | {"rule": "min-max"} == whole
    inverted = decoded(tiff(65_535 - values, photometric="miniswhite")).how
    assert (inverted.shown.black, inverted.shown.white) == (65_535, 65_535 - 4080)
    assert "16 bits, greys robust, 65535 is black and 61455 white" in inverted.as_text()
    plain = decoded(PLAIN).how
    assert (plain.rule, plain.shown, plain.bits) == ("as stored", None, 8)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("scan.PNG", "scan"), ("1.2.840.4", "1.2.840.4"), ("1.2.840.5.dcm", "1.2.840.5"), ("a.b.tif", "a.b"),
        ("scan.gz", "scan.gz"), (".png", ".png"), ("noext", "noext"),
        ("..png", "..png"), ("...png", "...png"),
    ],
)  # fmt: skip
def test_only_a_picture_suffix_is_cut_from_a_name(tmp_path, file, name):
    assert picture_name(tmp_path / file) == name
