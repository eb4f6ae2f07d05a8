"""Parts are as long as their shares, from the palest to the darkest, whatever stands around them."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from medground_bench.drawing.palette import contrast
from medground_bench.drawing.sheet import DPI
from medground_bench.drawing.stacked_bars import BAR_MM, FOOT_MM, KEY_MM, ROW_MM, TITLE_MM, StackedBars

PX_PER_MM = DPI / 25.4
PARTS = ("incorrect", "ungrounded", "grounded")


def figure(*bars, panels: int = 1, label: str = "row") -> StackedBars:
    """A row a bar, the same in every panel."""
    rows = {f"{label} {number}": [bar] * panels for number, bar in enumerate(bars)}
    return StackedBars(panels=[f"{n}" for n in range(panels)], parts=PARTS, sections={"heading": rows})


def lengths(drawn: StackedBars, row: int = 0) -> list[float]:
    """Of each part in mm, over all panels; measured along the lower edge of the bar, where no number is."""
    image = np.asarray(Image.open(io.BytesIO(drawn.png())).convert("RGB"))
    assert image.shape[1] / PX_PER_MM == pytest.approx(180, abs=0.1)
    y = TITLE_MM + ROW_MM * (1.5 + row) + BAR_MM / 2 - 0.3
    line = image[round(y * PX_PER_MM)]
    return [float((line == drawn.colour(part)).all(-1).sum()) / PX_PER_MM for part in range(len(PARTS))]


def test_parts_are_as_long_as_their_shares():
    drawn = figure((0.5, 0.25, 0.25), (0.1, 0.6, 0.3))
    first, second, third = lengths(drawn)
    assert first > 40
    assert (second, third) == pytest.approx((first / 2, first / 2), abs=0.2)
    assert lengths(drawn, row=1) == pytest.approx([first / 5, 1.2 * first, 0.6 * first], abs=0.2)


def test_a_part_that_is_not_0_can_be_seen_and_one_that_is_cannot():
    bars = figure((0.9999, 0.0, 0.0001))
    first, second, third = lengths(bars)
    assert second == 0 < third < 0.2 < first


def test_what_lacks_of_a_whole_stays_empty_and_no_whole_has_no_bar():
    whole, half = lengths(figure((1.0, 0.0, 0.0)))[0], lengths(figure((0.5, 0.0, 0.0)))[0]
    assert half == pytest.approx(whole / 2, abs=0.2)
    assert lengths(figure(None)) == [0, 0, 0]


def test_two_panels_have_the_same_scale():
    one = lengths(figure((0.2, 0.5, 0.3), panels=2))
    assert one[1] / one[0] == pytest.approx(2.5, rel=0.02)


@pytest.mark.parametrize("label", ["x", "org/name-of-a-model-7b@0123456789abcdef0123456789abcdef01234567"])
@pytest.mark.parametrize("rows", [1, 2, 12])
def test_any_number_of_rows_and_any_label_leaves_the_bars_their_room(rows, label):
    drawn = figure(*[(0.2, 0.5, 0.3)] * rows, panels=2, label=label)
    height = Image.open(io.BytesIO(drawn.png())).height / PX_PER_MM
    assert height == pytest.approx(TITLE_MM + ROW_MM * (1 + rows) + FOOT_MM + KEY_MM, abs=0.1)
    for row in range(rows):
        assert sum(lengths(drawn, row)) > 75


def test_neighbouring_parts_are_told_apart_in_a_black_and_white_print():
    drawn = figure((0.2, 0.5, 0.3))
    colours = [drawn.colour(part) for part in range(len(PARTS))]
    assert all(contrast(one, other) > 2 for one, other in pairwise(colours))


def test_same_values_are_the_same_bytes():
    assert figure((0.2, 0.5, 0.3)).png() == figure((0.2, 0.5, 0.3)).png()
