"""What a compressed frame says of its own size, before anything is decoded. Pure: bytes in, numbers out.

A header around the frame binds no decoder: a few kilobytes may unfold to gigabytes. JPEG: ITU-T T.81, B.2; JPEG-LS:
T.87, C.2.2; JPEG 2000: T.800, A.5.1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG, JPEG_LS, JPEG_2000 = "JPEG", "JPEG-LS", "JPEG 2000"
_START_OF_2000 = b"\xff\x4f\xff\x51"
_LS, _LOSSLESS = 0xF7, (0xC3, 0xC7, 0xCB, 0xCF)
_NO_FRAME = (0xC4, 0xC8, 0xCC)
_ALONE = (0x01, *range(0xD0, 0xD9))
_START_OF_SCAN = 0xDA


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """Size in pixels, samples a pixel, bits a sample."""

    coding: str
    width: int
    height: int
    samples: int
    bits: int
    lossless: bool = False


def frame_of(body: bytes) -> FrameHeader | None:
    """The frame header of a JPEG, JPEG-LS or JPEG 2000 codestream; None where there is none to be found."""
    if body.startswith(_START_OF_2000):
        return _of_2000(body)
    at = 2
    while body[:2] == b"\xff\xd8" and at + 10 <= len(body) and body[at] == 0xFF:
        mark = body[at + 1]
        if mark == 0xFF or mark in _ALONE:
            at += 1 if mark == 0xFF else 2
            continue
        if mark == _LS or (0xC0 <= mark <= 0xCF and mark not in _NO_FRAME):
            bits, height, width, samples = struct.unpack(">BHHB", body[at + 4 : at + 10])
            return FrameHeader(
                JPEG_LS if mark == _LS else JPEG, width, height, samples, bits, mark in (*_LOSSLESS, _LS)
            )
        if mark == _START_OF_SCAN:
            return None
        at += 2 + struct.unpack(">H", body[at + 2 : at + 4])[0]
    return None


def _of_2000(body: bytes) -> FrameHeader | None:
    if len(body) < 43:
        return None
    x1, y1, x0, y0 = struct.unpack(">4I", body[8:24])
    (samples,) = struct.unpack(">H", body[40:42])
    return FrameHeader(JPEG_2000, x1 - x0, y1 - y0, samples, (body[42] & 0x7F) + 1)
