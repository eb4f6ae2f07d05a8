"""What looks like a box and is none, and what is not worth a word."""

from __future__ import annotations

import pytest

from medground_bench.boxes_in_text import BoxesRead, boxes_in
from medground_bench.methods.prompting import TEMPLATE
from tests.boxes_in_text.reading import PIXELS, STUDY, read, refused


@pytest.mark.parametrize(
    "text",
    [
        "[10, 20, 110, 120, 130]",
        "[0, 10, 20, 110, 120]",
        "[10, 20, 110, 120, 0.9, 1]",
        "[10, 20, 110, 20, 110, 120, 10, 120]",
        "[[10, 20], [110, 20], [110, 120], [10, 120]]",
        '[{"x": 1, "y": 2}, {"x": 3, "y": 4}, {"x": 5, "y": 6}]',
        "(10,20),(110,20),(110,120),(10,120)",
        "(10, 20) and (110, 120)",  # two places, or one box?
        "<|quad_start|>(1,2),(3,4),(5,6),(7,8)<|quad_end|>",
        "<loc_1><loc_2><loc_3><loc_4><loc_5><loc_6><loc_7><loc_8>",
        '<points x1="10" y1="20" x2="110" y2="120" alt="lungs">lungs</points>',  # Molmo
        '{"line": {"x1": 10, "y1": 20, "x2": 110, "y2": 120}}',
        '{"polygon": [10, 20, 110, 120]}',
        '{"x1": 10, "y1": 20, "x2": 110}',
        "x1, y1, x2, y2 = 10, 20, 110, 120",
        "[110, 20, 10, 120]",  # right of its own right side
        "[10, 20, 10, 120]",
        "[0, 0, 0, 0]",
        "[300, 20, 400, 120]",  # outside
        "[-50, -20, -10, -5]",
        "[NaN, 1, 2, 3]",
        "[1, 2, Infinity, 3]",
        "[1, 2, 1e999, 3]",
        "[1, 2, " + "9" * 5000 + ", 3]",
        "[[[[[[[[[[10, 20, 110, 120]]]]]]]]]]",  # deeper than anyone nests a box
        "[10, 20, 110, 120",  # cut off, perhaps within its last number
        "[levels 1, 2, 3, 4]",
        "ribs (3, 4, 5, 6)",
        "of size [10, 20, 110, 120]",
        "Heart size: [10, 20, 110, 120]",
    ],
)
def test_what_looks_like_a_box_and_is_none_is_shown(text):
    assert read(text) == [] and len(refused(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The heart is enlarged.",
        "[[x1, y1, x2, y2], ...]",  # an echo of the template
        TEMPLATE,
        "As seen in [1] and [2, 3], 10, 20, 30, 40.",
        "levels 1, 2, 3, 4",
        "(levels 1, 2, 3, 4)",
        "The ribs are 3, 4, 5 and 6.",
        "on 2024-01-02, 2023-04-05 and (2024, 01)",
        "10/20/110/120 at 12:30, 13:40",
        "[10, 20, 110]",
        "[true, false, true, true]",
        "[null, 1, 2, 3]",
        "x = 5, y = 3",
        "width: 224, height: 224",
        "Image size: (0, 0, 224, 224)",
        "Confidence scores: [0.1, 0.2, 0.3, 0.4]",
        '{"image": {"width": 224, "height": 224}}',
        '{"center": [60, 70], "size": [100, 100]}',
        "__import__('os').system('true') or [10, 20, 110][0:4]",
    ],
)
def test_what_does_not_look_like_a_box_is_not_worth_a_word(text):
    assert boxes_in(text, PIXELS, STUDY) == BoxesRead((), ())
