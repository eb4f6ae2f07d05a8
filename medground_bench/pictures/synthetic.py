"""PNG files of pictures that were made: what shows no person as they are says so in its own metadata."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

KEY = "synthetic"
"""Name of the text chunk."""


def png_of(values: NDArray[np.generic], synthetic: str | None = None) -> bytes:
    """Values (H, W) uint8 or uint16, or (H, W, 3) uint8, as PNG; same values, same bytes.

    synthetic  how the picture was made; it becomes the text chunk `synthetic`

    >>> from PIL import Image
    >>> Image.open(BytesIO(png_of(np.zeros((2, 2), np.uint8), "drawn"))).text
    {'synthetic': 'drawn'}
    """
    said = PngInfo()
    if synthetic is not None:
        said.add_text(KEY, synthetic)
    buffer = BytesIO()
    Image.fromarray(values).save(buffer, "PNG", optimize=True, pnginfo=said)
    return buffer.getvalue()
