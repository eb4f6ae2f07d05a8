"""Boxes that a command gives for a picture in a file."""

from __future__ import annotations

from pathlib import Path

from PIL import Image


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def inside(box, width: int, height: int) -> bool:
    x0, y0, x1, y1 = box
    return 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
