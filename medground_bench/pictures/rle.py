"""DICOM's run lengths (PS3.5, annex G), decoded no further than the picture goes. Pure.

A run of two bytes stands for up to 128, so a decoder that trusts the file takes 64 times its size.
"""

from __future__ import annotations

import struct

import numpy as np

from medground_bench.pictures.greys import Values

MOST_SEGMENTS = 15


def unpack_rle(frame: bytes, shape: tuple[int, int, int], sample_bytes: int, signed: int) -> Values:
    """The values of a frame: (height, width), or (height, width, samples) for several samples.

    shape         height, width, samples
    sample_bytes  1, 2 or 4; there is a segment for each byte of each sample, the highest byte first
    raises        ValueError for a frame that is not of this size
    """
    height, width, samples = shape
    count, *starts = struct.unpack("<16I", frame[:64])
    if count != samples * sample_bytes or count > MOST_SEGMENTS or sample_bytes not in (1, 2, 4):
        raise ValueError("another number of segments")
    ends = [*starts[1:count], len(frame)]
    planes = np.empty((samples, height * width, sample_bytes), np.uint8)
    for index in range(count):
        unpacked = _unpacked(frame[starts[index] : ends[index]], height * width)
        planes[index // sample_bytes, :, index % sample_bytes] = np.frombuffer(unpacked, np.uint8)
    values = planes.view(f">{'i' if signed else 'u'}{sample_bytes}").reshape(samples, height, width)
    return values[0] if samples == 1 else np.ascontiguousarray(values.transpose(1, 2, 0))


def _unpacked(segment: bytes, wanted: int) -> bytes:
    """The `wanted` bytes of a segment (PackBits); ValueError when it has fewer, or more than what fills it up."""
    made, at = bytearray(), 0
    while len(made) < wanted and at + 1 < len(segment):
        head = segment[at]
        if head < 128:
            made += segment[at + 1 : at + 2 + head]
            at += 2 + head
        elif head > 128:
            made += segment[at + 1 : at + 2] * (257 - head)
            at += 2
        else:
            at += 1
    if len(made) < wanted or segment[at:].strip(b"\0\x80"):
        raise ValueError("a segment of another size")
    return bytes(made[:wanted])
