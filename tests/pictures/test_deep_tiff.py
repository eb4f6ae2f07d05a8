"""TIFF at full depth, against tifffile: every layout is read as tifffile reads it, every other is refused by name."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from medground_bench.core.errors import BadPicture
from medground_bench.pictures import tiff as headers
from medground_bench.pictures.deep_tiff import read_deep_tiff
from medground_bench.pictures.reading import decoded
from tests.kit.containers import coloured, deep, phantom, tiff

KINDS = ["u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"]


LAYOUTS = st.fixed_dictionaries(
    {
        "byteorder": st.sampled_from("<>"),
        "bigtiff": st.booleans(),
        "compression": st.sampled_from([None, "zlib", "lzw", "packbits", "zstd", "lzma"]),
        "block": st.sampled_from([{}, {"rowsperstrip": 5}, {"tile": (16, 32)}, {"tile": (64, 48)}]),
        "predictor": st.booleans(),
    }
)


@settings(max_examples=150)
@given(
    kind=st.sampled_from(KINDS),
    samples=st.sampled_from([1, 3, 4]),
    planes=st.booleans(),
    layout=LAYOUTS,
    seed=st.integers(0, 99),
)
def test_every_layout_is_read_as_tifffile_reads_it(kind, samples, planes, layout, seed):
    rng, planes = np.random.default_rng(seed), planes and samples > 1
    shape = (37, 41) if samples == 1 else (samples, 37, 41) if planes else (37, 41, samples)
    values = (rng.integers(0, 60_000, shape) if kind[0] == "u" else rng.normal(0, 50, shape)).astype(kind)
    options = {name: value for name, value in layout.items() if name != "block"} | layout["block"]
    options["predictor"] &= layout["compression"] in ("zlib", "lzw", "zstd", "lzma")
    if samples > 1:
        options |= {"photometric": "rgb", "planarconfig": "separate" if planes else "contig"}
    if samples == 4:
        options["extrasamples"] = ["unassalpha"]
    content = tiff(values, **options)
    got = read_deep_tiff(content, headers.chosen(headers.pages_of(content)))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        want = file.pages[0].asarray()
    want = np.moveaxis(want, 0, -1) if planes else want
    assert np.array_equal(got.values, want[..., :3] if samples > 1 else want)
    assert (got.opacity is not None) == (samples == 4)
    assert got.bits == 8 * want.dtype.itemsize


def edited(content: bytes, tag: int, value: int) -> bytes:
    """The file with another number in a tag of one number; little endian, classic."""
    (at,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, at)
    made = bytearray(content)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, entry)[0] == tag:
            kind = struct.unpack_from("<H", content, entry + 2)[0]
            struct.pack_into("<H" if kind == 3 else "<I", made, entry + 8, value)
    return bytes(made)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("order", "<>")
def test_samples_packed_without_gaps_are_read(bits, order):
    values = deep(phantom(), "u2", 2 ** (bits - 8), 0)
    high_first = (values[..., None] >> np.arange(bits)[::-1] & 1).astype(np.uint8)
    lines = [line.tobytes() for line in np.packbits(high_first.reshape(len(values), -1), axis=1)]
    plain = tiff(np.zeros((len(lines), len(lines[0])), np.uint8), byteorder=order)
    packed = plain[: -len(lines) * len(lines[0])] + b"".join(lines)
    with tifffile.TiffFile(io.BytesIO(packed), mode="r") as file:
        offset = file.pages[0].dataoffsets[0]
    assert packed[offset:] == b"".join(lines)
    pages = headers.pages_of(packed)
    tags = pages[0].tags | {headers.BITS: (bits,), headers.WIDTH: (values.shape[1],)}
    got = read_deep_tiff(packed, headers.Page(1, order, tags))
    assert np.array_equal(got.values, values)


DEEP = tiff(deep(phantom(), "u2", 16, 0))
DIFFERENCES = tiff(phantom().astype(np.uint16), compression="zlib", predictor=True)
REFUSED = {
    "predictor": (edited(DIFFERENCES, headers.PREDICTOR, 3), "packed in a form"),
    "complex": (tiff(phantom().astype(np.complex64)), "samples of 64 bits in a form that is not read"),
    "jpeg": (edited(DEEP, headers.COMPRESSION, 7), "compressed in a way that is not read at 16 bits; LZW, deflate"),
    "palette": (edited(DEEP, headers.PHOTOMETRIC, 3), "colours of a kind that is not read at 16 bits"),
    "colours of one sample": (edited(DEEP, headers.PHOTOMETRIC, 2), "colours of a kind"),
    "24 bits": (edited(DEEP, headers.BITS, 24), "samples of 24 bits"),
    "huge": (edited(edited(DEEP, headers.WIDTH, 60_000), headers.HEIGHT, 60_000), "more than 100,000,000 pixels"),
    "many samples": (edited(DEEP, headers.SAMPLES, 60_000), "more than"),
    "no samples": (edited(DEEP, headers.SAMPLES, 0), "damaged"),
    "tall": (edited(DEEP, headers.HEIGHT, 5_000), "lacks the places of its strips"),
    "no width": (edited(DEEP, headers.WIDTH, 0), "too small"),
    "tiles": (edited(tiff(deep(phantom(), "u2", 16, 0), tile=(16, 16)), headers.TILE_WIDTH, 65_520), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_read_is_refused_by_name(kind):
    content, says = REFUSED[kind]
    with pytest.raises(BadPicture, match=says):
        decoded(content)


def test_bits_in_the_other_order_are_refused():
    page = headers.pages_of(DEEP)[0]
    with pytest.raises(BadPicture, match="packed in a form"):
        read_deep_tiff(DEEP, headers.Page(1, "<", page.tags | {headers.FILL_ORDER: (2,)}))


def test_a_chain_of_pages_that_never_ends_is_left():
    content = tiff(phantom())
    (at,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, at)
    looped = bytearray(content)
    struct.pack_into("<I", looped, at + 2 + 12 * count, at)
    assert len(headers.pages_of(bytes(looped))) == 1


def test_opacity_and_inks_are_taken_at_full_depth():
    inks = np.stack([65_535 - deep(phantom(), "u2", 257, 0)] * 3 + [np.zeros_like(phantom(), np.uint16)], -1)
    page = headers.chosen(headers.pages_of(content := tiff(inks, photometric="separated")))
    assert np.abs(read_deep_tiff(content, page).values[..., 0] - phantom() * 257.0).max() < 1
    layers = deep(coloured(phantom(), 255), "u2", 257, 0)
    layers[9:, :, 3] = 65_535 // 2
    made = decoded(tiff(layers, photometric="rgb", extrasamples=["unassalpha"])).picture
    assert np.abs(made[9:].astype(int) - phantom()[9:] / 2).max() <= 1


@pytest.mark.parametrize(
    "kind", ["grey and premultiplied opacity", "white is zero and opacity", "grey and another"]
)
def test_a_page_of_8_bits_that_pillow_does_not_open_is_read_to_the_bit(kind):
    values = 255 - phantom() if "white" in kind else phantom()
    content = tiff(
        np.stack([values, np.full_like(values, 255)], -1),
        photometric="miniswhite" if "white" in kind else "minisblack",
        planarconfig="contig",
        extrasamples=[{"grey and premultiplied opacity": 1, "white is zero and opacity": 2}.get(kind, 0)],
    )
    assert np.array_equal(decoded(content).picture, phantom())


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_more_samples_than_colours_and_an_opacity_are_refused(kind):
    with pytest.raises(BadPicture, match="has colours of a kind that is not read"):
        decoded(tiff(np.stack([phantom().astype(kind)] * 5, -1), planarconfig="contig"))
