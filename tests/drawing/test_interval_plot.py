"""Dots and intervals stand where the numbers say."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from medground_bench.drawing.axes import Score
from medground_bench.drawing.interval_plot import ROW_MM, IntervalPlot
from medground_bench.drawing.palette import HUES
from medground_bench.drawing.sheet import DPI

PX_PER_MM = DPI / 25.4


def drawn(*scores: Score | None, panels: int = 1) -> np.ndarray:
    """Where the first hue is; a row a score, the same in every panel."""
    rows = {f"row {number}": [score] * panels for number, score in enumerate(scores)}
    content = IntervalPlot([f"IoU, %, {number}" for number in range(panels)], {"heading": rows}).png()
    image = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert image.shape[1] / PX_PER_MM == pytest.approx(180, abs=0.1)
    return (image == HUES[0]).all(-1)


def dots(there: np.ndarray) -> list[float]:
    """Middle of each row's mark across, in mm, from the top."""
    columns = [np.flatnonzero(line) for line in there]
    rows = np.flatnonzero(there.any(axis=1))
    blocks = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    widest = [max((columns[row] for row in block), key=len) for block in blocks]
    return [float(block.min() + block.max()) / 2 / PX_PER_MM for block in widest]


def test_distances_from_0_are_in_proportion_to_scores():
    zero, half, full = dots(drawn(Score(0.0), Score(0.2), Score(0.4)))
    assert half - zero == pytest.approx(full - half, abs=0.1) and full - zero > 100


def test_an_interval_reaches_from_end_to_end():
    there = drawn(Score(0.4), Score(0.2, 0.1, 0.4))
    zero, full = dots(drawn(Score(0.0), Score(0.4)))
    rows = np.flatnonzero(there.any(axis=1))
    second = there[rows[-1] - round(ROW_MM * PX_PER_MM / 2) :]
    columns = np.flatnonzero(second.any(axis=0)) / PX_PER_MM
    assert (columns.min(), columns.max()) == pytest.approx((zero + (full - zero) / 4, full), abs=0.3)


def test_what_was_not_run_has_no_dot_and_leaves_its_row_empty():
    assert dots(drawn(None, Score(0.2))) == dots(drawn(Score(0.2), None)) == dots(drawn(Score(0.2)))
    assert not drawn(None).any()


def test_panels_have_one_scale():
    there = drawn(Score(0.2), panels=2)
    columns = np.flatnonzero(there.any(axis=0))
    first, second = np.split(columns, np.flatnonzero(np.diff(columns) > 10) + 1)
    assert len(first) == pytest.approx(len(second), abs=1)
