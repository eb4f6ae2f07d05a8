"""Lines over a few places, in panels that share an axis."""

from __future__ import annotations

import io
from itertools import pairwise, product

import numpy as np
import pytest
from PIL import Image

from medground_bench.drawing.axes import Score
from medground_bench.drawing.line_panels import LEFT_MM, LinePanels
from medground_bench.drawing.palette import HUES, PAPER
from medground_bench.drawing.sheet import DPI

PX_PER_MM = DPI / 25.4
PLACES = ["incorrect", "ungrounded", "grounded"]


def panels(scores, columns=("a",), series=("direct", "reason")) -> LinePanels:
    return LinePanels(columns=columns, series=series, places=PLACES, rows={"IoU, %": scores})


def pixels(figure: LinePanels) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(figure.png())).convert("RGB"))


def marks(image: np.ndarray, hue) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of one hue, without the key at the foot, in mm."""
    rows, columns = np.nonzero((image[: -round(8 * PX_PER_MM)] == hue).all(-1))
    return rows / PX_PER_MM, columns / PX_PER_MM


def test_heights_from_0_are_in_proportion_and_places_are_evenly_spaced():
    middles = []
    for place, value in zip(PLACES, (0.0, 0.2, 0.4), strict=True):
        others = {("a", "reason", "grounded"): Score(0.4)}
        rows, columns = marks(pixels(panels({("a", "direct", place): Score(value)} | others)), HUES[0])
        middles.append((columns.mean(), rows.mean()))
    (x0, y0), (x1, y1), (x2, y2) = middles
    assert (y0 - y1, x1 - x0) == pytest.approx((y1 - y2, x2 - x1), abs=0.2)
    assert y0 - y2 == pytest.approx(40, abs=0.3)


def test_a_series_without_a_score_at_a_place_goes_on_at_the_next_and_one_without_any_is_not_drawn():
    scores = {("a", "direct", place): Score(0.2) for place in ("incorrect", "grounded")}
    image = pixels(panels(scores))
    rows, columns = marks(image, HUES[0])
    assert np.ptp(rows) < 2 and np.ptp(columns) > 30
    assert not marks(image, HUES[1])[0].size


def test_an_interval_stands_upright_on_its_dot():
    scores = {("a", "direct", "grounded"): Score(0.2, 0.1, 0.4)}
    rows, columns = marks(pixels(panels(scores)), HUES[0])
    assert np.ptp(rows) == pytest.approx(30, abs=0.5) and np.ptp(columns) < 2


def test_series_do_not_hide_each_other_and_every_second_one_rings():
    scores = {("a", series, "grounded"): Score(0.2) for series in ("direct", "reason")}
    image = pixels(panels(scores))
    (_rows, discs), (_more, rings) = marks(image, HUES[0]), marks(image, HUES[1])
    assert discs.max() < rings.min() and len(rings) < 0.8 * len(discs)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_any_number_of_panels_fits_across_a_page_with_nothing_at_its_edges(count):
    columns = [f"phantom_qwen2_5_vl_{number}" for number in range(count)]
    keys = product(columns, ("direct", "reason"), PLACES)
    image = pixels(panels({key: Score(0.2, 0.1, 0.3) for key in keys}, columns))
    assert image.shape[1] / PX_PER_MM <= 180.1
    edges = [image[:4], image[-4:], image[:, :4].swapaxes(0, 1), image[:, -4:].swapaxes(0, 1)]
    assert all((edge == PAPER).all() for edge in edges)
    _rows, there = marks(image, HUES[0])
    bounds = np.linspace(LEFT_MM, image.shape[1] / PX_PER_MM, count + 1)
    assert all(((there > left) & (there < right)).any() for left, right in pairwise(bounds))
