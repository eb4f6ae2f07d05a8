"""Grey pictures as PNG bytes and back: the same picture always gives the same bytes."""

from __future__ import annotations

import io
import zlib

import numpy as np
from PIL import Image

from medground_bench.core.types import Picture


def encode(picture: Picture) -> bytes:
    """8-bit grey PNG without any metadata."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()


def decode(content: bytes) -> Picture | None:
    """The picture of bytes that `encode` wrote; None for others that are damaged."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            return np.array(image.convert("L"), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, zlib.error):
        return None
