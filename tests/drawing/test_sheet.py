"""The drawing sheet of the figures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from medground_bench.drawing.cells import Cell
from medground_bench.drawing.palette import HUES
from medground_bench.drawing.sheet import DPI, Sheet, fitting_pt, width_mm

PX_PER_MM = DPI / 25.4


def pixels(sheet: Sheet) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(sheet.png())).convert("RGB"))


def test_a_sheet_is_measured_in_millimetres():
    sheet = Sheet(50, 20)
    sheet.cell((10, 5, 30, 15), Cell("", HUES[0]))
    image = pixels(sheet)
    assert image.shape[:2] == pytest.approx((20 * PX_PER_MM, 50 * PX_PER_MM), abs=1)
    drawn = (image == HUES[0]).all(-1)
    middle = [np.nonzero(drawn)[axis].mean() / PX_PER_MM for axis in (1, 0)]
    assert middle == pytest.approx([20, 10], abs=0.1)
    area = drawn.sum() / PX_PER_MM**2
    assert area == pytest.approx(200, rel=0.02)


def test_words_can_read_upwards():
    sheet = Sheet(20, 40)
    sheet.upright((10, 35), "mediastinum")
    rows, columns = np.nonzero((pixels(sheet) < 128).all(-1))
    assert np.ptp(rows) > 4 * np.ptp(columns) and rows.max() / PX_PER_MM == pytest.approx(35, abs=0.5)


def test_words_that_are_too_wide_are_written_smaller_and_others_are_not():
    words = "mean IoU in percent"
    assert fitting_pt(words, 100, 7) == 7
    smaller = fitting_pt(words, 12, 7)
    assert smaller < 7 and width_mm(words, smaller) == pytest.approx(12, rel=0.03)


def test_a_cell_is_sharp_wherever_it_is_put():
    sheet = Sheet(50, 20)
    sheet.cell((10.03, 5.07, 30.01, 15.09), Cell("", HUES[0]))
    assert len(np.unique(pixels(sheet).reshape(-1, 3), axis=0)) == 2
