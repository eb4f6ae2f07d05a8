"""The figure of per-case differences: every bar measured from its path."""

from __future__ import annotations

import re

import pytest

from medground_bench.drawing.change_plot import HEIGHT, MOST_BARS, WIDTH, change_plot

BAR = re.compile(r"M([\d.]+) 90V([\d.]+)h([\d.]+)V90z")


def heights(path, plot):
    """Left end and signed difference of every bar."""
    return [
        (float(left), (HEIGHT / 2 - float(top)) / (HEIGHT / 2) * plot.reach)
        for left, top, _wide in BAR.findall(path)
    ]


def test_bars_stand_side_by_side_from_the_greatest_gain_to_the_greatest_loss():
    plot = change_plot([-0.1, 0.3, 0.0, -0.6])
    assert heights(plot.above, plot) == [(0, pytest.approx(0.3, abs=1e-3))]
    below = heights(plot.below, plot)
    assert below == [(300, pytest.approx(-0.1, abs=1e-3)), (450, pytest.approx(-0.6, abs=1e-3))]
    assert {float(wide) for _left, _top, wide in BAR.findall(plot.above + plot.below)} == {WIDTH / 4}


@pytest.mark.parametrize(
    ("changes", "reach"), [([], 0.25), ([0.25], 0.25), ([0.26], 0.5), ([-1.0, 0.1], 1.0)]
)
def test_the_scale_ends_at_the_next_quarter(changes, reach):
    assert change_plot(changes).reach == reach


def test_many_cases_share_bars_and_the_sum_stays():
    changes = [(number % 100) / 100 - 0.5 for number in range(10 * MOST_BARS)]
    plot = change_plot(changes)
    assert plot.bars == MOST_BARS
    drawn = [height for path in (plot.above, plot.below) for _left, height in heights(path, plot)]
    assert sum(drawn) / MOST_BARS == pytest.approx(sum(changes) / len(changes), abs=1e-3)


def test_no_change_at_all_draws_no_bar():
    assert change_plot([0.0, 0.0]).above == change_plot([0.0, 0.0]).below == ""
