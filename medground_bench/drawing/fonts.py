"""The one font: Pillow's own, which comes with every wheel of it, at any size."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont


@lru_cache(maxsize=64)
def letters(size_px: float) -> Font:
    """The font with letters of that size."""
    loaded = ImageFont.load_default(size=size_px)
    assert isinstance(loaded, Font), "Pillow comes with FreeType in every wheel"
    return loaded


def fitting_size(text: str, size_px: float, width_px: float) -> float:
    """The size, or the smaller one, 1 px at the least, at which a line of text is no wider than that."""
    while size_px > 1 and (needed := letters(size_px).getlength(text)) > width_px:
        size_px *= min(0.98, width_px / needed)  # hinted letters do not shrink in proportion
    return max(1.0, size_px)
