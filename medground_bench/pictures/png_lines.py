"""Whether a PNG file holds all of its lines: those that are missing Pillow makes black without a word. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from medground_bench.core.errors import BadPicture

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of a pixel, by the colour type of the header."""

_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Left, top and steps of the passes of an interlaced file (PNG, 8.2)."""

_AT_ONCE = 1 << 20


def demand_all_lines(content: bytes) -> None:
    """BadPicture for pixels that end early although their stream is whole; zlib.error for one that is not.

    What is decoded is never more than the header says, and never kept.
    """
    wanted = _bytes_of_lines(content)
    stream = zlib.decompressobj()
    for piece in _packed(content):
        left = piece
        while left and wanted > 0:
            wanted -= len(stream.decompress(left, _AT_ONCE))
            left = stream.unconsumed_tail
    if wanted > 0 and wanted > len(stream.flush()):  # which is what the last bytes still stood for
        raise BadPicture("is damaged or cut off: its last lines are missing. Copy or export it again.")


def _bytes_of_lines(content: bytes) -> int:
    """Bytes of all lines, each with that of its filter."""
    width, height, bits, colour, _compression, _filter, interlaced = struct.unpack_from(
        ">IIBBBBB", content, 16
    )
    total = 0
    for left, top, right, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // right), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits * SAMPLES[colour] + 7) // 8)
    return total


def _packed(content: bytes) -> Iterator[bytes]:
    """The pieces of the stream of pixels."""
    at = 8
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        if content[at + 4 : at + 8] == b"IDAT":
            yield content[at + 8 : at + 8 + length]
        at += 12 + length
