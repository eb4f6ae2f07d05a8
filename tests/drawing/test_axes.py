"""Axes begin at 0, end on a tick and hold everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.drawing.axes import Axis, Score, end_of

shares = st.floats(0, 1)


@pytest.mark.parametrize(
    ("values", "end", "ticks"),
    [
        ([0.0], 0.1, 2),
        ([0.3], 0.3, 4),
        ([0.31], 0.4, 5),
        ([0.5], 0.5, 6),
        ([0.2, 0.51], 0.6, 4),
        ([0.61], 0.8, 5),
        ([1.0], 1.0, 6),
        ([], 1.0, 6),
    ],
)
def test_an_axis_ends_on_the_first_tick_beyond_what_it_shows(values, end, ticks):
    axis = Axis(0, 100, end_of(map(Score, values)))
    assert axis.end == pytest.approx(end)
    assert len(axis.ticks) == ticks and axis.ticks[-1] == pytest.approx(end)


@given(st.lists(st.builds(Score, shares, shares, shares), min_size=1), st.floats(-50, 50))
def test_scores_and_intervals_lie_on_the_axis_in_proportion(scores, zero):
    axis = Axis(zero, zero + 80, end_of(scores))
    for score in scores:
        for share in (score.value, score.high):
            assert zero - 1e-6 <= axis.at(share) <= zero + 80 + 1e-6
    assert axis.at(0) == zero and axis.at(axis.end / 2) == pytest.approx(zero + 40)


def test_an_axis_can_stand_upright():
    axis = Axis(60, 20, 0.4)
    assert axis.at(0.1) == pytest.approx(50)
