"""A film for a page that shows many and changes them often."""

from __future__ import annotations

import base64
import io

from PIL import Image

from medground_bench.core.types import Picture

QUALITY = 90
LONGEST_PX = 640


def quick_film(picture: Picture) -> str:
    """The picture as the address of a JPEG, aspect kept: a twentieth of the time that WebP takes to encode it."""
    image = Image.fromarray(picture)
    image.thumbnail((LONGEST_PX, LONGEST_PX))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
