"""TIFF of samples at full depth: integers of 8 to 64 bits, floats of 16 to 64.

Strips and tiles, samples side by side or in planes, packed samples of 9 to 15 bits, both predictors. Pillow does not
open most of these, but it undoes every usual compression: each strip or tile is handed to it as a small TIFF file of
its own whose pixels are the bytes. What can be decoded is bounded by the size that the page states.

tifffile (BSD) reads all of this too and is what the tests compare with, but for LZW and Zstandard it needs imagecodecs,
45 MB in place, while Pillow is here anyway.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medground_bench.core.errors import BadPicture
from medground_bench.pictures import tiff
from medground_bench.pictures.greys import Values
from medground_bench.pictures.samples import Samples
from medground_bench.pictures.sizes import LARGEST_DECODED_BYTES, demand_size
from medground_bench.pictures.tiff import Page

_WHOLE = {(8, tiff.UNSIGNED): "u1", (8, tiff.SIGNED): "i1"} | {
    (bits, kind): f"{letter}{bits // 8}"
    for bits in (16, 32, 64)
    for kind, letter in ((tiff.UNSIGNED, "u"), (tiff.UNTYPED, "u"), (tiff.SIGNED, "i"), (tiff.FLOAT, "f"))
}
_NO_PREDICTOR, _DIFFERENCES, _FLOAT_DIFFERENCES = 1, 2, 3
CUT_OFF = "is damaged or cut off: its last pixels are missing. Copy or export it again."


@dataclass(frozen=True, slots=True)
class _Layout:
    """How samples lie in a page: blocks of `block_width` x `block_height` px with `together` samples a pixel."""

    width: int
    height: int
    samples: int
    together: int
    bits: int
    kind: str | None
    block_width: int
    block_height: int
    tiled: bool

    @property
    def row_bytes(self) -> int:
        return (self.block_width * self.together * self.bits + 7) // 8

    @property
    def stored(self) -> np.dtype[np.generic]:
        return np.dtype(self.kind or "u2").newbyteorder("=")

    def blocks(self) -> Iterator[tuple[int, int, int]]:
        """Plane, top and left of every block, in the file's order."""
        for plane in range(self.samples // self.together):
            for top in range(0, self.height, self.block_height):
                for left in range(0, self.width, self.block_width):
                    yield plane, top, left


def read_deep_tiff(content: bytes, page: Page) -> Samples:
    """The samples of a page; BadPicture for a kind that is not read, Pillow's own errors for a damaged one."""
    layout = _layout(page)
    samples = _samples(content, page, layout)
    photometric, extra = page.one(tiff.PHOTOMETRIC, tiff.BLACK_IS_ZERO), page.tags.get(tiff.EXTRA, ())
    colours = {tiff.WHITE_IS_ZERO: 1, tiff.BLACK_IS_ZERO: 1, tiff.COLOURS: 3, tiff.INKS: 4}.get(photometric)
    extra_samples = layout.samples - (colours or 0)
    if colours is None or extra_samples not in (0, 1) or (colours == 4 and layout.stored.kind != "u"):
        raise BadPicture(
            f"has colours of a kind that is not read at {layout.bits} bits a sample. {tiff.AGAIN}"
        )
    opacity = None
    if tiff.UNASSOCIATED in extra and layout.samples > colours + extra.index(tiff.UNASSOCIATED):
        alpha = samples[..., colours + extra.index(tiff.UNASSOCIATED)]
        opacity = np.clip(np.nan_to_num(alpha / _most(layout)), 0, 1).astype(np.float32)
    values: Values = samples[..., 0] if colours == 1 else samples[..., :colours]
    return Samples(
        _light(values, _most(layout)) if colours == 4 else values,
        layout.bits,
        opacity,
        inverted=photometric == tiff.WHITE_IS_ZERO,
        orientation=page.one(tiff.ORIENTATION, 1),
    )


def _layout(page: Page) -> _Layout:
    """How the page lies in the file; BadPicture for what is not read, before anything is decoded."""
    bits, kinds = set(page.bits), set(page.tags.get(tiff.FORMAT, (tiff.UNSIGNED,)))
    kind = _WHOLE.get((max(bits), max(kinds)))
    packed = 8 < max(bits) < 16 and kinds <= {tiff.UNSIGNED, tiff.UNTYPED}
    if len(bits) > 1 or len(kinds) > 1 or not (kind or packed):
        raise BadPicture(f"has samples of {max(bits)} bits in a form that is not read. {tiff.AGAIN}")
    width, height, samples = page.one(tiff.WIDTH), page.one(tiff.HEIGHT), page.one(tiff.SAMPLES, 1)
    demand_size(width, height, sample_bytes=max(1, samples) * np.dtype(kind or "u2").itemsize)
    tiled = tiff.TILE_WIDTH in page.tags
    block_width = page.one(tiff.TILE_WIDTH) if tiled else width
    block_height = page.one(tiff.TILE_HEIGHT) if tiled else min(height, page.one(tiff.STRIP_HEIGHT, height))
    together = samples if page.one(tiff.PLANAR, 1) == 1 else 1
    layout = _Layout(
        width, height, samples, together, max(bits), kind, block_width, block_height, tiled
    )  # fmt: skip
    predictor = page.one(tiff.PREDICTOR, _NO_PREDICTOR)
    wrong_predictor = predictor == _FLOAT_DIFFERENCES and layout.stored.kind != "f"
    if min(samples, block_width, block_height) < 1 or layout.row_bytes * block_height > LARGEST_DECODED_BYTES:
        raise BadPicture(f"is damaged: its strips or tiles have an impossible size. {tiff.AGAIN}")
    if page.one(tiff.FILL_ORDER, 1) != 1 or wrong_predictor or (packed and predictor != _NO_PREDICTOR):
        raise BadPicture(f"has its samples packed in a form that is not read. {tiff.AGAIN}")
    return layout


def _samples(content: bytes, page: Page, layout: _Layout) -> Values:
    """(height, width, samples) in the byte order of this machine."""
    offsets = page.tags.get(tiff.TILE_OFFSETS if layout.tiled else tiff.STRIP_OFFSETS, ())
    counts = page.tags.get(tiff.TILE_BYTES if layout.tiled else tiff.STRIP_BYTES, ())
    made = np.zeros((layout.height, layout.width, layout.samples), layout.stored)
    across, down = -(-layout.width // layout.block_width), -(-layout.height // layout.block_height)
    blocks = across * down * (layout.samples // layout.together)
    if len(offsets) != blocks or (
        len(counts) != blocks and page.one(tiff.COMPRESSION, tiff.UNPACKED) != tiff.UNPACKED
    ):
        raise BadPicture(f"is damaged: it lacks the places of its strips or tiles. {tiff.AGAIN}")
    for index, (plane, top, left) in enumerate(layout.blocks()):
        rows = layout.block_height if layout.tiled else min(layout.block_height, layout.height - top)
        size = counts[index] if len(counts) == blocks else rows * layout.row_bytes
        packed = content[offsets[index] : offsets[index] + size]
        if len(packed) < size:
            raise BadPicture(CUT_OFF)
        piece = _unpacked(packed, page, rows, layout)
        block = _typed(piece, page, rows, layout)
        here = made[top : top + rows, left : left + layout.block_width, plane * layout.together :]
        here[..., : layout.together] = block[: here.shape[0], : here.shape[1]]
    return made


def _unpacked(piece: bytes, page: Page, rows: int, layout: _Layout) -> NDArray[np.uint8]:
    """The bytes of a strip or tile, (rows, row_bytes)."""
    compression = page.one(tiff.COMPRESSION, tiff.UNPACKED)
    if compression == tiff.UNPACKED:
        wanted = rows * layout.row_bytes
        if len(piece) < wanted:
            raise BadPicture(CUT_OFF)
        return np.frombuffer(piece, np.uint8, wanted).reshape(rows, layout.row_bytes)
    with Image.open(
        io.BytesIO(_as_file(piece, compression, rows, layout.row_bytes)), formats=("TIFF",)
    ) as image:
        return np.asarray(image)


def _as_file(piece: bytes, compression: int, rows: int, row_bytes: int) -> bytes:
    """A grey TIFF of one strip, one pixel a byte, around the compressed bytes."""
    piece += b"\0" * (len(piece) % 2)
    short, long = 3, 4
    tags = (
        (tiff.WIDTH, long, row_bytes),
        (tiff.HEIGHT, long, rows),
        (tiff.BITS, short, 8),
        (tiff.COMPRESSION, short, compression),
        (tiff.PHOTOMETRIC, short, tiff.BLACK_IS_ZERO),
        (tiff.STRIP_OFFSETS, long, 8),
        (tiff.SAMPLES, short, 1),
        (tiff.STRIP_HEIGHT, long, rows),
        (tiff.STRIP_BYTES, long, len(piece)),
    )
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return (
        b"II*\0"
        + struct.pack("<I", 8 + len(piece))
        + piece
        + struct.pack("<H", len(tags))
        + directory
        + bytes(4)
    )


def _typed(piece: NDArray[np.uint8], page: Page, rows: int, layout: _Layout) -> Values:
    """The samples of a strip or tile, (rows, block_width, together), predictor undone."""
    shape = (rows, layout.block_width, layout.together)
    if layout.kind is None:
        return _unpacked_bits(piece, layout).reshape(shape)
    predictor = page.one(tiff.PREDICTOR, _NO_PREDICTOR)
    if predictor == _FLOAT_DIFFERENCES:
        sums = np.cumsum(piece.reshape(rows, -1, layout.together), axis=1, dtype=np.uint8)
        by_weight = sums.reshape(rows, layout.bits // 8, -1)
        in_order = np.ascontiguousarray(by_weight.transpose(0, 2, 1))
        return in_order.view(layout.stored.newbyteorder(">")).reshape(shape).astype(layout.stored)
    stored = layout.stored.newbyteorder(page.order)
    samples = np.ascontiguousarray(piece).view(stored).reshape(shape).astype(layout.stored)
    if predictor == _DIFFERENCES and layout.stored.kind != "f":
        return np.cumsum(samples, axis=1, dtype=layout.stored)
    if predictor == _DIFFERENCES:
        whole = samples.view(f"u{layout.stored.itemsize}")
        return np.cumsum(whole, axis=1, dtype=whole.dtype).view(layout.stored)
    return samples


def _unpacked_bits(piece: NDArray[np.uint8], layout: _Layout) -> NDArray[np.uint16]:
    """Samples of 9 to 15 bits, the first in the highest bits; every row starts on a byte."""
    wanted = layout.block_width * layout.together
    bits = np.unpackbits(piece, axis=1, count=wanted * layout.bits).reshape(len(piece), wanted, layout.bits)
    samples = np.zeros((len(piece), wanted), np.uint16)
    for bit in range(layout.bits):
        samples <<= 1
        samples |= bits[..., bit]
    return samples


def _most(layout: _Layout) -> float:
    """The value of full opacity, or of a full ink."""
    if layout.stored.kind == "f":
        return 1.0
    return float(2 ** (layout.bits - (layout.stored.kind == "i")) - 1)


def _light(inks: Values, full: float) -> NDArray[np.float64]:
    """Red, green and blue of cyan, magenta, yellow and black (height, width, 4), as Pillow has them."""
    return (1 - inks[..., :3] / full) * (1 - inks[..., 3:] / full) * full
