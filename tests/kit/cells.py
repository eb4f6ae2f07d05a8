"""The pixels behind a cell of a grid."""

from __future__ import annotations


def cell(place: int, cells: int, size: int) -> slice:
    """Those of one of so many cells along a side of that size."""
    return slice(place * size // cells, (place + 1) * size // cells)
