"""Four numbers in brackets and under keys, in good JSON and in broken JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.core.boxes_in_text import BoxesRead, boxes_in
from medground_bench.core.boxes_in_text.words import BOX_WORDS, OTHER_WORDS, REFUSED_WORDS, SIDE_NAMES
from tests.core.boxes_in_text.reading import BOX, PIXELS, STUDY, read, refused


@pytest.mark.parametrize(
    "text",
    [
        "[[10, 20, 110, 120]]",
        "[10, 20, 110, 120]",
        "(10, 20, 110, 120)",
        "{10, 20, 110, 120}",
        "[10; 20; 110; 120]",
        "[10 20 110 120]",
        "[10, 20, 110 and 120]",
        "[10.0, 2e1, +110, 1.2E+2]",
        "[10px, 20 px, 110 pixels, 120 px]",
        '["10", "20", "110", "120"]',
        '"[[10, 20, 110, 120]]"',
        "\uff3b10\uff0c20\uff0c110\uff0c120\uff3d",
        "The heart is large: [10, 20, 110, 120].",
        "Heart: [10, 20, 110, 120]",
        "1. **Heart**: [10, 20, 110, 120]",
        "Left costophrenic angle: [10, 20, 110, 120]",
        "PICC line: (10, 20, 110, 120)",
        "in the image [10, 20, 110, 120]",
        "The affected area: [10, 20, 110, 120]",
        "at the left costophrenic angle [10, 20, 110, 120]",
        "```json\n[[10, 20, 110, 120]]\n```",
        "```\n[\n  [10,20,110,120]\n]\n``` That is the area.",
        "```python\nboxes = [(10, 20, 110, 120)]\n```",
        "np.array([[10, 20, 110, 120]])",
        "array([[ 10.,  20., 110., 120.]], dtype=float32)",
        "tensor([10, 20, 110, 120], device='cuda:0')",
        "\\boxed{[10, 20, 110, 120]}",
        "$\\boxed{\\left[10, 20, 110, 120\\right]}$",
        "[[10, 20, 110, 120, 0.93]]",
        '[["heart", 10, 20, 110, 120]]',
        '[[10, 20, 110, 120, "heart", 0.9]]',
        "[[10, 20], [110, 120]]",
        "[(10, 20), (110, 120)]",
        "((10, 20), (110, 120))",
        "(10,20),(110,120)",  # Qwen2.5-VL without its special tokens
        "from (10, 20) to (110, 120)",
        "(10, 20) - (110, 120)",
    ],
)
def test_four_numbers_in_brackets_are_a_box(text):
    assert boxes_in(text, PIXELS, STUDY) == BoxesRead(boxes_in("[10, 20, 110, 120]", PIXELS, STUDY).boxes)
    assert read(text) == [BOX]


@pytest.mark.parametrize(
    "text",
    [
        '{"bbox_2d": [10, 20, 110, 120], "label": "heart", "confidence": 0.9}',
        '{"label": "heart", "coordinates": [10, 20, 110, 120]}',
        '{"Position": [10, 20, 110, 120], "Confidence": 1}',
        '{"Bounding Box": [10, 20, 110, 120]}',
        '{"left lung": {"bbox_2d": [10, 20, 110, 120]}}',
        '{"findings": [{"left lung": {"evidence": [{"bbox_2d": [10, 20, 110, 120]}]}}]}',
        '{"bbox_2d": "[10, 20, 110, 120]"}',
        '{"bbox_2d": "10 20 110 120"}',
        '{"bbox_2d": ["10", "20", "110", "120"]}',
        '{"bbox_2d": [[10, 20], [110, 120]]}',
        '{"bbox": [10, 20, 110, 120], "area": 10000, "image_size": [224, 224]}',
        '{"bbox_xywh": [10, 20, 100, 100]}',
        '{"xywh": [10, 20, 100, 100]}',
        '{"cxcywh": [60, 70, 100, 100]}',
        '{"yxyx": [20, 10, 120, 110]}',
        '{"bbox (x1, y1, x2, y2)": [10, 20, 110, 120]}',
        '{"bbox": {"x": 10, "y": 20, "width": 100, "height": 100}}',
        '{"x": 10, "y": 20, "w": 100, "h": 100}',
        '{"width": 100, "height": 100, "x": 10, "y": 20}',
        '{"left": 10, "top": 20, "right": 110, "bottom": 120}',
        '{"x_center": 60, "y_center": 70, "width": 100, "height": 100}',
        '{"x1": 10, "y1": 20, "x2": 110, "y2": 120, "width": 100}',
        '{"x0": 10, "y0": 20, "x1": 110, "y1": 120}',
        '{"x_min": "10", "y_min": "20", "x_max": "110", "y_max": "120"}',
        '{"heart": {"xmin": 10, "ymin": 20, "xmax": 110, "ymax": 120}}',
        '{"top_left": [10, 20], "bottom_right": [110, 120]}',
        '{"bottomRight": {"x": 110, "y": 120}, "topLeft": {"x": 10, "y": 20}}',
        '[{"x": 10, "y": 20}, {"x": 110, "y": 120}]',
        '{"top_left_x": 10, "top_left_y": 20, "bottom_right_x": 110, "bottom_right_y": 120}',
        '{"x1_y1": [10, 20], "x2_y2": [110, 120]}',
        '{"x": [10, 110], "y": [20, 120]}',
        '{"center": [60, 70], "size": [100, 100]}',
        '{"center": {"x": 60, "y": 70}, "width": 100, "height": 100}',
        '{"top_left": [10,20], "top_right": [110,20], "bottom_left": [10,120], "bottom_right": [110,120]}',
        '{"image": {"width": 224, "height": 224}, "bbox": {"x": 10, "y": 20, "w": 100, "h": 100}}',
    ],
)
def test_the_nearest_key_says_what_numbers_are_in_good_and_in_broken_json_alike(text):
    broken = [
        text,
        text.replace('"', "'"),
        text.replace('"', '\\"'),
        text.replace('"', ""),
        text.replace(": ", " :"),
        text.replace("]", ",]").replace("}", ",}"),
        text.rstrip("}"),
        f"Here it is:\n```json\n[\n  {text}\n]\n```\nThat is all.",
    ]
    assert [(read(each), refused(each)) for each in broken] == [([BOX], ())] * len(broken)


def in_every_way(key: str) -> list[str]:
    """The same numbers under a key, in JSON, in Python, and in text that is neither."""
    numbers = "[10, 20, 110, 120]"
    return [
        *(f"{{{quote}{key}{quote}: {numbers}}}" for quote in ('"', "'", "")),
        f"[{{'{key}': {numbers}, 'label': 'x'}}",
        f'"{key}": {numbers}',
        f'{{"{key}": "{numbers}"}}',
        f'{{"{key}": [{numbers}]}}',
        f'{{"{key}": [10, 20, 110, 120}}',
        f'{{"{key}": [10, 20, 110, 120, "label": "x"}}',
        f'{{"{key}": [[10, 20], [110, 120]]}}',
    ]


@pytest.mark.parametrize("key", sorted(BOX_WORDS))
def test_under_the_key_of_a_box_is_a_box_however_it_is_quoted(key):
    assert [read(text) for text in in_every_way(key)] == [[BOX]] * 10


@pytest.mark.parametrize("key", sorted(OTHER_WORDS - SIDE_NAMES.keys()))
def test_under_the_key_of_something_else_is_nothing_however_it_is_quoted(key):
    assert {boxes_in(text, PIXELS, STUDY) for text in in_every_way(key)} == {BoxesRead(())}


@pytest.mark.parametrize(
    "key", [*sorted(REFUSED_WORDS), "heart", "left lung", "left", "x1", "x-ray", "bbox_area", "foo", "target"]
)
def test_under_any_other_key_is_no_box_and_the_piece_is_shown(key):
    for text in in_every_way(key):
        assert read(text) == [] and len(refused(text)) == 1, text


@given(st.text("abcdefghijklmnopqrstuvwxyzABC_- ", min_size=1, max_size=15).filter(str.strip))
def test_quotes_and_missing_brackets_change_nothing_under_any_key(key):
    ways = [read(text) for text in in_every_way(key) if f"'{key}'" in text or f'"{key}"' in text]
    assert all(way == ways[0] for way in ways)


boxes_of_four = st.tuples(*[st.integers(2, 100)] * 2, *[st.integers(101, 223)] * 2).map(list)
json_with_boxes = st.recursive(
    boxes_of_four,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["bbox", "Position", "heart", "confidence"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def under_the_nearest_key(value, key="bbox"):
    """The boxes of a JSON value by walking through it, not by reading text."""
    if isinstance(value, dict):
        return [box for name, inner in value.items() for box in under_the_nearest_key(inner, name)]
    if all(isinstance(item, int) for item in value):
        return [tuple(value)] if value and key in ("bbox", "Position") else []
    return [box for item in value for box in under_the_nearest_key(item, key)]


@given(json_with_boxes, st.sampled_from([json.dumps, repr, lambda value: json.dumps(value, indent=1)]))
def test_the_text_of_a_json_value_gives_what_walking_through_the_value_gives(value, write):
    assert read(write(value)) == list(dict.fromkeys(under_the_nearest_key(value)))[:10]
