"""Bar charts: lengths are proportional, the chosen bar stands out."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.charts import BAR, BAR_PX, CHOSEN, ROW_PX, draw_concept_drops, draw_token_drops
from medground_bench.types import TokenDrop


def coloured_px(image, row: int, colour) -> int:
    """Width in pixels of the bar in a row, counted from 0, of one colour."""
    line = np.asarray(image)[round(ROW_PX * (row + 1.5))]
    return int((line == colour).all(axis=-1).sum())


def test_concepts_come_largest_first_in_proportion_and_the_chosen_one_stands_out():
    image = draw_concept_drops({"left lung": 1.0, "mediastinum": 4.0, "clavicles": 0.0}, chosen="left lung")
    assert coloured_px(image, 0, BAR) == pytest.approx(BAR_PX, abs=2)
    assert coloured_px(image, 1, CHOSEN) == pytest.approx(BAR_PX / 4, abs=2)
    assert coloured_px(image, 2, BAR) <= 2
    assert coloured_px(image, 0, CHOSEN) == 0


def test_tokens_stay_in_the_order_of_the_response():
    drops = [TokenDrop(" there", 0.5), TokenDrop(" is", 2.0), TokenDrop("\n", 0.0)]
    image = draw_token_drops(drops, concept="left lung")
    assert coloured_px(image, 1, CHOSEN) == pytest.approx(BAR_PX, abs=2)
    assert coloured_px(image, 0, BAR) == pytest.approx(BAR_PX / 4, abs=2)


def test_drops_of_nothing_draw_empty_bars_and_no_drops_are_refused():
    assert coloured_px(draw_concept_drops({"left lung": 0.0}, chosen=None), 0, BAR) <= 2
    with pytest.raises(ValueError, match="at least one bar"):
        draw_concept_drops({}, chosen=None)
