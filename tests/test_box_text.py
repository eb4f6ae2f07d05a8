"""Boxes and phrases out of what LVLMs write."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.box_text import THOUSANDTHS, BoxConvention, BoxesRead, Order, boxes_in, phrases_in
from medground_bench.types import Frame

STUDY = Frame("study", width=224, height=224)
PIXELS = BoxConvention(STUDY)
RESIZED = BoxConvention(Frame("tower", width=448, height=448))
PER_MILLE = BoxConvention(THOUSANDTHS)
Y_FIRST = BoxConvention(THOUSANDTHS, Order.Y_FIRST)


def read(text: str, convention: BoxConvention = PIXELS) -> list[tuple[float, ...]]:
    return [box.xyxy for box in boxes_in(text, convention, STUDY).boxes]


ONE = [(10, 20, 110, 120)]


@pytest.mark.parametrize(
    "text, convention, expected",
    [
        ("[[10, 20, 110, 120]]", PIXELS, ONE),
        ("[10, 20, 110, 120]", PIXELS, ONE),
        ("The heart is large: [10, 20, 110, 120].", PIXELS, ONE),
        ("```json\n[[10, 20, 110, 120]]\n```", PIXELS, ONE),
        ("```\n[\n  [10,20,110,120]\n]\n``` That is the area.", PIXELS, ONE),
        ('[{"bbox_2d": [20, 40, 220, 240], "label": "heart"}]', RESIZED, ONE),
        ('```json\n[\n\t{"bbox_2d": [20, 40, 220, 240], "label": "heart"}\n]\n```', RESIZED, ONE),
        ('{"boxes": [[10, 20, 110, 120], [1, 2, 3, 4]]}', PIXELS, [*ONE, (1, 2, 3, 4)]),
        ('{"x1": 10, "y1": 20, "x2": 110, "y2": 120}', PIXELS, ONE),
        ('[{"xmin": 10, "ymin": 20, "xmax": 110, "ymax": 120}]', Y_FIRST, [(2.24, 4.48, 24.64, 26.88)]),
        ("[[250, 500, 750, 1000]]", PER_MILLE, [(56, 112, 168, 224)]),
        ("[[500, 250, 1000, 750]]", Y_FIRST, [(56, 112, 168, 224)]),
        ('[{"box_2d": [500, 250, 1000, 750], "label": "heart"}]', PIXELS, [(56, 112, 168, 224)]),
        ("[[0.25, 0.5, 0.75, 1]]", PIXELS, [(56, 112, 168, 224)]),
        ("[[0.5, 0.25, 1.0, 0.75]]", Y_FIRST, [(56, 112, 168, 224)]),
        ("[[10, 20, 110, 120], [30, 40, 5", PIXELS, ONE),  # cut off
        ("[[10, 20, 110, 120], ...]", PIXELS, ONE),
        ("[[10, 20, 110, 120], [10, 20, 110, 120]]", PIXELS, ONE),
        ("[[-50, 20, 110, 900]]", PIXELS, [(0, 20, 110, 224)]),
        ("[[10.5, 20, 110, 120]]", PIXELS, [(10.5, 20, 110, 120)]),
        ("First [10, 20, 110, 120] and then [1, 2, 3, 4]", PIXELS, [*ONE, (1, 2, 3, 4)]),
    ],
)
def test_a_box_is_read_in_every_form_models_write(text, convention, expected):
    assert read(text, convention) == [pytest.approx(box) for box in expected]


@pytest.mark.parametrize(
    "text, refused",
    [
        ("", 0),
        ("The heart is enlarged.", 0),
        ("[[x1, y1, x2, y2], ...]", 0),  # an echo of the template
        ("As seen in [1] and [2, 3], 10, 20, 30, 40.", 0),
        ('[["10", "20", "110", "120"]]', 0),
        ("[10, 20, 110]", 0),
        ("[10, 20, 110, 120, 130]", 0),
        ("[true, false, true, true]", 0),
        ("[null, 1, 2, 3]", 0),
        ('{"confidence": [0.1, 0.2, 0.3, 0.4]}', 0),  # no key of a box
        ("[110, 20, 10, 120]", 1),  # right of its own right side
        ("[10, 20, 10, 120]", 1),
        ("[0, 0, 0, 0]", 1),
        ("[300, 20, 400, 120]", 1),  # outside
        ("[NaN, 1, 2, 3]", 1),
        ("[1, 2, Infinity, 3]", 1),
        ("[1, 2, 1e999, 3]", 1),
        ("[1, 2, " + "9" * 5000 + ", 3]", 1),
        ("(10, 20, 110, 120)", 0),
        ("__import__('os').system('true') or [10, 20, 110][0:4]", 0),
        ("[" * 20_000, 0),
        ("[[[[[[[[[[10, 20, 110, 120]]]]]]]]]]", 0),  # deeper than anyone nests a box
        ('{"a":' * 5000, 0),
        (("[" * 500 + "x") * 40, 0),
        ('["' * 10_000, 0),
        ("{[" * 10_000, 0),
    ],
)
def test_what_is_no_box_gives_none_and_no_error(text, refused):
    start = time.perf_counter()
    assert boxes_in(text, PIXELS, STUDY) == BoxesRead((), refused)
    assert time.perf_counter() - start < 5


def test_at_most_ten_boxes_are_taken():
    many = [[x, 0, x + 5, 9] for x in range(40)]
    assert read(json.dumps(many)) == [tuple(map(float, box)) for box in many[:10]]


@given(st.text(max_size=200) | st.text(alphabet='[]{}",:0123456789.eE- bbox_2d', max_size=200))
def test_any_text_gives_boxes_inside_the_picture_or_none(text):
    for box in boxes_in(text, PIXELS, STUDY).boxes:
        assert 0 <= box.x0 < box.x1 <= 224 and 0 <= box.y0 < box.y1 <= 224 and box.frame == STUDY
    assert all(0 < len(phrase) <= 80 and phrase.isprintable() for phrase in phrases_in(text))


coordinate = st.integers(2, 223)


@given(coordinate, coordinate, coordinate, coordinate, st.sampled_from(["{}", "```json\n{}\n```", "So: {}."]))
def test_a_proper_box_survives_any_wrapping(a, b, c, d, wrapping):
    x0, x1, y0, y1 = *sorted((a, b)), *sorted((c, d))
    expected = [(x0, y0, x1, y1)] if x0 < x1 and y0 < y1 else []
    assert read(wrapping.format(json.dumps([[x0, y0, x1, y1]]))) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ('["left lung", "heart"]', ("left lung", "heart")),
        ('```json\n["left lung"]\n```', ("left lung",)),
        ("['left lung', 'heart']", ("left lung", "heart")),
        ("[\N{LEFT DOUBLE QUOTATION MARK}left lung\N{RIGHT DOUBLE QUOTATION MARK}]", ("left lung",)),
        ('The regions are: ["left  lung",\n "left lung"].', ("left lung",)),
        ('[{"label": "left lung", "bbox_2d": [1, 2, 3, 4]}]', ("left lung",)),
        ('{"regions": ["left lung"]}', ("left lung",)),
        ('[1, 2] ["left lung"]', ("left lung",)),
        ('["", "  ", "12"]', ()),
        ("left lung", ()),
        ("[region1, region2]", ()),
        ('["a\\u0007b"]', ()),  # an alarm bell is no phrase
        ("[" * 5000, ()),
    ],
)
def test_phrases_are_read_in_every_form_models_write(text, expected):
    assert phrases_in(text) == expected


def test_phrases_are_few_and_short():
    phrases = phrases_in(json.dumps(["x" * 500, *(f"region {n}" for n in range(50))]))
    assert len(phrases) == 10 and len(phrases[0]) == 80
