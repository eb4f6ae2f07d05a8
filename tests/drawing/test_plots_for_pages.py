"""Figures for pages: SVG that is well formed, has the numbers in it, and keeps names apart."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import pytest

from medground_bench.drawing.axes import Score
from medground_bench.drawing.plots_for_pages import (
    ForestPlot,
    IntervalRow,
    Mark,
    MarkKind,
    ScatterPlot,
    ShadedTable,
)
from medground_bench.drawing.vector_sheet import SMALL, letters_wide

SVG = "{http://www.w3.org/2000/svg}"


def root(svg):
    return ElementTree.fromstring(svg)  # noqa: S314  drawn by us


def parts(svg, tag):
    return root(svg).findall(f"{SVG}{tag}")


def words(svg):
    return [each.text for each in parts(svg, "text")]


def test_a_forest_plot_has_a_dot_a_line_and_a_number_for_every_score():
    rows = [
        IntervalRow("one", MarkKind.METHOD, Score(0.5, 0.4, 0.6)),
        IntervalRow("two", MarkKind.CONTROL, Score(0.25)),
    ]
    svg = ForestPlot(rows, "Said aloud").svg()
    assert {"one", "two", "50.0", "25.0"} <= set(words(svg))
    one, two = parts(svg, "circle")
    [interval] = [each for each in parts(svg, "polyline") if each.get("stroke-width") == "2"]
    (left, y), (right, _) = (map(float, each.split(",")) for each in interval.get("points").split())
    assert float(one.get("cy")) == y and left < float(one.get("cx")) < right
    assert float(two.get("cx")) == pytest.approx((float(one.get("cx")) + zero(svg)) / 2, abs=0.2)
    assert root(svg).get("aria-label") == "Said aloud"


def zero(svg):
    [tick] = [each for each in parts(svg, "text") if each.text == "0"]
    return float(tick.get("x"))


def test_names_in_a_scatter_plot_stand_apart_even_where_dots_are_the_same():
    marks = [Mark(f"method_{number}", MarkKind.METHOD, 0.5 + number / 200, 0.5) for number in range(8)]
    svg = ScatterPlot(marks=marks, x_name="x", y_name="y", described="").svg()
    names = [each for each in parts(svg, "text") if str(each.text).startswith("method_")]
    edges = [
        (float(each.get("x")), float(each.get("x")) + letters_wide(each.text, SMALL), float(each.get("y")))
        for each in names
    ]
    for (left, right, y), (other_left, other_right, other_y) in combinations(edges, 2):
        assert right <= other_left or other_right <= left or abs(y - other_y) >= 5


def test_seconds_stand_on_powers_of_ten():
    marks = [Mark("a", MarkKind.METHOD, 0.01, 0.5), Mark("b", MarkKind.REPORTED, 1.0, 0.25)]
    svg = ScatterPlot(marks=marks, x_name="Seconds", y_name="IoU", described="", is_log=True).svg()
    assert {"0.01", "0.1", "1"} <= set(words(svg))
    dots = [float(each.get("cx")) for each in parts(svg, "circle")]
    ticks = {each.text: float(each.get("x")) for each in parts(svg, "text")}
    assert dots == pytest.approx([ticks["0.01"], ticks["1"]], abs=0.2)


def test_a_shaded_table_is_darker_for_more_and_says_where_there_is_nothing():
    table = ShadedTable(
        ["small", "large"], [("one", MarkKind.METHOD, [0.1, 0.4]), ("two", MarkKind.CONTROL, [None, 0.0])], ""
    )
    svg = table.svg()
    shades = [float(each.get("fill-opacity")) for each in parts(svg, "rect")]
    assert shades[0] < shades[1] and shades[2] == min(shades)
    assert {"10.0", "40.0", "0.0", "-", "small", "large"} <= set(words(svg))


@pytest.mark.parametrize(
    "empty",
    [
        ForestPlot([], ""),
        ScatterPlot(marks=[], x_name="x", y_name="y", described=""),
        ScatterPlot(marks=[], x_name="x", y_name="y", described="", is_log=True),
        ShadedTable([], [], ""),
    ],
    ids=lambda figure: type(figure).__name__,
)
def test_nothing_to_draw_is_an_empty_figure(empty):
    assert root(empty.svg()).tag == f"{SVG}svg"


def test_names_are_escaped():
    svg = ForestPlot([IntervalRow("<b>&", MarkKind.METHOD, Score(0.5))], '"<i>"').svg()
    assert "<b>&" in words(svg) and "<i>" not in svg
