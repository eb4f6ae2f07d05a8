"""The one font, at the size that fits."""

from __future__ import annotations

import pytest

from medground_bench.drawing.fonts import fitting_size, letters


@pytest.mark.parametrize("text", ["i", "mediastinum", "What the response loses with the mediastinum hidden"])
@pytest.mark.parametrize("width", [100.0, 400.0, 2000.0])
def test_a_text_is_as_large_as_asked_for_or_as_wide_as_there_is_room(text, width):
    size = fitting_size(text, 26.0, width)
    wide = letters(size).getlength(text)
    assert size <= 26 and wide <= width
    assert size == 26 or wide > 0.85 * width


def test_nothing_needs_no_room():
    assert fitting_size("", 26.0, 0.0) == 26


def test_where_there_is_no_room_at_all_a_size_is_left():
    assert fitting_size("mediastinum", 26.0, 0.0) == 1
