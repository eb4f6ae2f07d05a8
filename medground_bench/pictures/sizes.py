"""How small and how large a radiograph may be, asked of every file before its pixels are decoded."""

from __future__ import annotations

from medground_bench.core.errors import BadPicture

SMALLEST_SIDE_PX = 16
LARGEST_AREA_PX = 100_000_000
"""Five times the largest detector in use; beyond it a small file could fill the memory."""

LARGEST_DECODED_BYTES = 1 << 29
"""Of all samples of a picture at full depth."""


def demand_size(
    width: int, height: int, *, sample_bytes: int = 1, largest_area_px: int = LARGEST_AREA_PX
) -> None:
    """BadPicture for a picture too small or too large to be a radiograph.

    sample_bytes  bytes of one pixel, all its samples together
    """
    if min(width, height) < SMALLEST_SIDE_PX:
        raise BadPicture(
            f"{width} x {height} px is too small; each side needs at least {SMALLEST_SIDE_PX} px."
        )
    if width * height > largest_area_px or width * height * sample_bytes > LARGEST_DECODED_BYTES:
        most = min(largest_area_px, LARGEST_DECODED_BYTES // sample_bytes)
        raise BadPicture(
            f"{width} x {height} px is more than {most:,} pixels; no radiograph is that large. Resize it first."
        )
