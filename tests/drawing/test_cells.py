"""A cell fills its edges and no pixel more; only the choice has a frame."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from medground_bench.drawing.cells import Cell, draw_cell
from medground_bench.drawing.fonts import letters
from medground_bench.drawing.palette import CELLS, CHOSEN, INK, PAPER

PALE, DARK = CELLS


def drawn(cell: Cell) -> np.ndarray:
    image = Image.new("RGB", (60, 40), PAPER)
    draw_cell(ImageDraw.Draw(image), (10, 5, 50, 35), cell, letters(15))
    return np.asarray(image)


def where(pixels: np.ndarray, colour) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((pixels == colour).all(-1))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_a_cell_fills_its_half_open_edges():
    assert where(drawn(Cell("", DARK)), DARK) == (10, 5, 50, 35)


@pytest.mark.parametrize(("fill", "ink"), [(PALE, INK), (DARK, PAPER)])
def test_words_stand_in_the_middle_in_an_ink_that_can_be_read(fill, ink):
    inside = drawn(Cell("88", fill))[5:35, 10:50]
    x0, y0, x1, y1 = where(inside, ink)
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((20, 15), abs=1.5)


def test_the_choice_has_a_frame_within_the_cell_a_fifth_of_a_letter_wide():
    pixels = drawn(Cell("", DARK, chosen=True))
    assert where(pixels, CHOSEN) == (10, 5, 50, 35) and where(pixels, DARK) == (13, 8, 47, 32)
    assert not (drawn(Cell("", DARK)) == CHOSEN).all(-1).any()
