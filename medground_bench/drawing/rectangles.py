"""Rectangles on a drawing, and the first of several places that is free."""

from __future__ import annotations

from collections.abc import Sequence

Rectangle = tuple[float, float, float, float]
"""x0, y0, x1, y1; half-open, origin top-left, in the unit of the drawing."""


def first_free(places: Sequence[Rectangle], taken: Sequence[Rectangle]) -> Rectangle:
    """The first place that touches none of those that are taken; the first of all when there is none."""
    return next((place for place in places if not any(_touch(place, other) for other in taken)), places[0])


def _touch(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
