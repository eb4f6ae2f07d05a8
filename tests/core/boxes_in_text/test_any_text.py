"""Laws that hold for any text and any box; time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.core.boxes_in_text import boxes_in, phrases_in
from tests.core.boxes_in_text.reading import BOX, PIXELS, STUDY, read

PIECES = [
    "[",
    "]",
    "(10, 20)",
    "10,",
    "box_2d: ",
    "'x1': ",
    "y=",
    "<box>",
    "</box>",
    "top-left ",
    "and ",
    "{",
    "}",
]


@given(
    st.text(max_size=200)
    | st.text(alphabet="[](){}<>\"':=,.;|0123456789eE- \nbox_2dxywh", max_size=200)
    | st.lists(st.sampled_from(PIECES)).map("".join)
)  # fmt: skip
def test_any_text_gives_boxes_inside_the_picture_or_none(text):
    found = boxes_in(text, PIXELS, STUDY)
    for box in found.boxes:
        assert 0 <= box.x0 < box.x1 <= 224 and 0 <= box.y0 < box.y1 <= 224 and box.frame == STUDY
    assert len(found.refused) <= 10 and all(piece.isprintable() for piece in found.refused)
    assert all(0 < len(phrase) <= 80 and phrase.isprintable() for phrase in phrases_in(text))


coordinate = st.integers(2, 223)
WAYS = [
    "[{x0}, {y0}, {x1}, {y1}]",
    "({x0}; {y0}; {x1}; {y1})",
    "[[{x0}, {y0}], [{x1}, {y1}]]",
    "({x0},{y0}),({x1},{y1})",
    "<|box_start|>({x0},{y0}),({x1},{y1})<|box_end|>",
    '{{"bbox_2d": [{x0}, {y0}, {x1}, {y1}]}}',
    '{{"left lung": {{"box": "[{x0}, {y0}, {x1}, {y1}]"}}}}',
    '{{"yxyx": [{y0}, {x0}, {y1}, {x1}]}}',
    '{{"bbox_xywh": [{x0}, {y0}, {w}, {h}]}}',
    '{{"x": {x0}, "y": {y0}, "width": {w}, "height": {h}}}',
    '{{"y_max": {y1}, "x_max": {x1}, "y_min": {y0}, "x_min": {x0}}}',
    '{{"box": {{"left": {x0}, "top": {y0}, "right": {x1}, "bottom": {y1}}}}}',
    '{{"bottom_right": [{x1}, {y1}], "top_left": [{x0}, {y0}]}}',
    "x1={x0}, y1={y0}, x2={x1}, y2={y1}",
    "The top-left corner is ({x0}, {y0}) and the bottom-right corner is ({x1}, {y1}).",
    "[ymin, xmin, ymax, xmax] = [{y0}, {x0}, {y1}, {x1}]",
]


@given(coordinate, coordinate, coordinate, coordinate, st.sampled_from(WAYS), st.data())
def test_a_box_is_read_back_from_every_form_in_any_quotes_and_spaces(a, b, c, d, way, data):
    x0, x1, y0, y1 = *sorted((a, b)), *sorted((c, d))
    said = way.format(x0=x0, y0=y0, x1=x1, y1=y1, w=x1 - x0, h=y1 - y0)
    said = said.replace('"', data.draw(st.sampled_from(['"', "'", '\\"', "\N{LEFT DOUBLE QUOTATION MARK}"])))
    said = said.replace(", ", data.draw(st.sampled_from([", ", ",", " , ", ",\n  "])))
    said = data.draw(st.sampled_from(["{}", "```json\n{}\n```", "So: {}", "<answer>{}</answer>"])).format(
        said
    )
    assert read(said) == ([(x0, y0, x1, y1)] if x0 < x1 and y0 < y1 else [])


UNITS = [
    *(
        "[",
        "(",
        "{",
        "[1,",
        "[)",
        "(1,2),",
        "[[1,2,3,4],",
        "[1,2,3,4 a",
        '{"a":',
        "<box>",
        "<loc0001>",
        "<a b=",
        "<",
    ),
    *(
        "x1=1,",
        "a:",
        "'a':",
        '"',
        "\N{LEFT DOUBLE QUOTATION MARK}",
        "9",
        "9 ",
        "top-left ",
        "(x1,y1) ",
        "and ",
        "-",
    ),
    *(
        "\n",
        " ",
        "]",
        "a b c d ",
        "a" + " " * 50,
        "'" + "a" * 59,
        "(1, 2) is the ",
        "(" + " " * 50,
        "coord ",
        "\uff3b",
    ),
    *('["', "{[", "[" * 500 + "x", "<  ", "<think>", "0-1000 "),
    *("1024x1024 image ", "image width 10 ", "from 0 ", "normalized a b ", "coord 0", "format: ", "width 1 "),
    *(
        "x,y,w,h\n",
        "x y w h ",
        "x,y,w,h\n1,2,3,4\n",
        "x from 1 to 2 ",
        "{'format':'xywh',",
        "{'width':1,'height':2},",
    ),
]


@pytest.mark.parametrize("unit", UNITS)
def test_a_long_degenerate_text_is_read_in_bounded_time(unit):
    text = unit * (20_000 // len(unit))
    start = time.process_time()
    boxes_in(text, PIXELS, STUDY)
    phrases_in(text)
    assert time.process_time() - start < 3


def test_a_text_of_megabytes_is_read_in_bounded_time():
    start = time.process_time()
    assert read("[10, 20, 110, 120] " + "so it is. " * 200_000) == [BOX]
    assert time.process_time() - start < 5
