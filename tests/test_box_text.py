"""Boxes and phrases out of what LVLMs write."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.box_forms import BOX_WORDS, OTHER_WORDS, REFUSED_WORDS
from medground_bench.box_text import THOUSANDTHS, BoxConvention, BoxesRead, Order, boxes_in, phrases_in
from medground_bench.methods.prompting import TEMPLATE
from medground_bench.types import Frame

STUDY = Frame("study", width=224, height=224)
PIXELS = BoxConvention(STUDY)
RESIZED = BoxConvention(Frame("tower", width=448, height=448))
PER_MILLE = BoxConvention(THOUSANDTHS)
Y_FIRST = BoxConvention(THOUSANDTHS, Order.Y_FIRST)


def read(text: str, convention: BoxConvention = PIXELS) -> list[tuple[float, ...]]:
    return [box.xyxy for box in boxes_in(text, convention, STUDY).boxes]


def refused(text: str, convention: BoxConvention = PIXELS) -> tuple[str, ...]:
    return boxes_in(text, convention, STUDY).refused


BOX = (10, 20, 110, 120)
OTHER_BOX = (30, 40, 50, 60)
SMALL = (1, 2, 3, 4)
QUARTER = (56, 112, 168, 224)
"""Of the picture: 0.25, 0.5, 0.75, 1."""


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


@pytest.mark.parametrize(
    "text",
    [
        "bbox: 10, 20, 110, 120",
        "Bounding box: 10, 20, 110, 120.",
        "**Bounding box:** [10, 20, 110, 120]",
        "`bbox`: [10, 20, 110, 120]",
        "bbox_2d: [10, 20, 110, 120]\nlabel: heart",
        "- label: heart\n  bbox:\n    - 10\n    - 20\n    - 110\n    - 120",
        "x1=10, y1=20, x2=110, y2=120",
        "(x1=10, y1=20), (x2=110, y2=120)",
        "Box(x1=10, y1=20, x2=110, y2=120)",
        "- **x1**: 10\n- **y1**: 20\n- **x2**: 110\n- **y2**: 120",
        "x1 is 10, y1 is 20, x2 is 110, y2 is 120",
        "x: 10, y: 20, w: 100, h: 100",
        "x = 10\ny = 20\nwidth = 100\nheight = 100",
        "The picture has width: 224, height: 224. The box: x: 10, y: 20, width: 100, height: 100",
        "cx: 60, cy: 70, w: 100, h: 100",
        "x: 10-110, y: 20 to 120",
        "(x1, y1) = (10, 20) and (x2, y2) = (110, 120)",
        "Coordinates: (x1, y1) = (10, 20), (x2, y2) = (110, 120)",
        "- **Top-left (x1, y1):** (10, 20)\n- **Bottom-right (x2, y2):** (110, 120)",
        "x1 (left): 10, y1 (top): 20, x2 (right): 110, y2 (bottom): 120",
        "Bounding box (x, y, width, height): [10, 20, 100, 100]",
        "Bounding box (high confidence): [10, 20, 110, 120]",
        "top-left corner coordinates: (10, 20); bottom-right corner coordinates: (110, 120)",
        "[x, y, w, h]: [10, 20, 100, 100]",
        "In the order [ymin, xmin, ymax, xmax] it is [20, 10, 120, 110].",
        "The top-left corner is (10, 20) and the bottom-right corner is (110, 120).",
        "The bottom-right corner is (110, 120), and the top-left corner is (10, 20).",
        "(10, 20) is the top-left corner and (110, 120) is the bottom-right corner.",
        "The top-left and bottom-right corners are (10, 20) and (110, 120), respectively.",
        "- Top-left corner: (10, 20)\n- Bottom-right corner: (110, 120)",
        "Upper left: x=10, y=20; lower right: x=110, y=120",
        "its upper-left corner at (x=10, y=20) and its lower-right corner at (x=110, y=120)",
        "its top-left corner at 10, 20 and its bottom-right corner at 110, 120",
        "bottom-left corner (10, 120), top-right corner (110, 20)",
        "The opacity in the upper left lobe is at (10,20),(110,120).",
    ],
)
def test_prose_is_read_like_a_table_of_keys(text):
    assert (read(text), refused(text)) == ([BOX], ())


@pytest.mark.parametrize(
    ("text", "convention", "expected"),
    [
        ("<|box_start|>(10,20),(110,120)<|box_end|>", PIXELS, BOX),
        (
            "<|object_ref_start|>heart<|object_ref_end|><|box_start|>(20,40),(220,240)<|box_end|>",
            RESIZED,
            BOX,
        ),
        ("<|box_start|>(250,500),(750,1000)<|box_end|>", PER_MILLE, QUARTER),
        ("heart<|box_start|>(10,20),(110,120)", PIXELS, BOX),
        ("<ref>heart</ref><box>(250,500),(750,1000)</box>", PIXELS, QUARTER),
        ("<ref>heart</ref><box>[[250, 500, 750, 1000]]</box>", PIXELS, QUARTER),
        ("<|ref|>heart<|/ref|><|det|>[[250, 500, 750, 1000]]<|/det|>", PIXELS, QUARTER),
        ("<|begin_of_box|>[[250, 500, 750, 1000]]<|end_of_box|>", PIXELS, QUARTER),
        ("<loc0512><loc0256><loc1023><loc0768> heart", PER_MILLE, QUARTER),
        ("<loc0512><loc0256><loc1023><loc0768> <seg001><seg002> heart", PIXELS, QUARTER),
        ("heart<loc_250><loc_500><loc_750><loc_999>", Y_FIRST, QUARTER),
        ("<answer>[10, 20, 110, 120]</answer>", PIXELS, BOX),
        ("<bbox>[10, 20, 110, 120]</bbox>", PIXELS, BOX),
        ("<bounding_box>10, 20, 110, 120</bounding_box>", PIXELS, BOX),
        ("<bbox><xmin>10</xmin><ymin>20</ymin><xmax>110</xmax><ymax>120</ymax></bbox>", PIXELS, BOX),
        ('<box x1="10" y1="20" x2="110" y2="120"/>', PIXELS, BOX),
        ('<rect x="10" y="20" width="100" height="100"/>', PIXELS, BOX),
        ("[[10, 20, 110, 120]]<end_of_turn>", PIXELS, BOX),
    ],
)
def test_tags_and_location_tokens_are_read_in_the_raster_of_the_models_that_write_them(
    text, convention, expected
):
    assert read(text, convention) == [pytest.approx(expected)]


@pytest.mark.parametrize(
    ("text", "convention"),
    [
        ("[[250, 500, 750, 1000]]", PER_MILLE),
        ("[[500, 250, 1000, 750]]", Y_FIRST),
        ("[[500, 250], [1000, 750]]", Y_FIRST),
        ("top-left (500, 250), bottom-right (1000, 750)", Y_FIRST),
        ('{"bbox_2d": [500, 250, 1000, 750]}', Y_FIRST),
        ('{"xyxy": [250, 500, 750, 1000]}', Y_FIRST),
        ('{"x1": 250, "y1": 500, "x2": 750, "y2": 1000}', Y_FIRST),
        ('[{"x": 250, "y": 500}, {"x": 750, "y": 1000}]', Y_FIRST),
        ('{"box_2d": [500, 250, 1000, 750]}', PIXELS),
        ("{'Box 2D': [500, 250, 1000, 750]}", PIXELS),
        ('{"box_2d": [500, 250, 1000, 750', None),  # cut off within the last number?
        ('{"box_2d": [500, 250, 1000, 750, "label": "heart"', PIXELS),
        ("box_2d: [500, 250, 1000, 750]", PIXELS),
        ("box_2d: y1=500, x1=250, y2=1000, x2=750", PIXELS),
        ('{"box_2d": {"ymin": 500, "xmin": 250, "ymax": 1000, "xmax": 750}}', PIXELS),
        ('{"box_2d": [[500, 250], [1000, 750]]}', PIXELS),
        ("<box_2d>[500, 250, 1000, 750]</box_2d>", PIXELS),
        ("[0.25, 0.5, 0.75, 1]", PIXELS),
        ("[0.25, 0.5, 0.75, 1.02]", PIXELS),
        ("[0.25, 0.5, 0.75, 1.0001]", PER_MILLE),
        ("[0.5, 0.25, 1.0, 0.75]", Y_FIRST),
        ('{"box_2d": [0.5, 0.25, 1.0, 0.75]}', PIXELS),
        ('{"normalized_bbox": [0.25, 0.5, 0.75, 1]}', PIXELS),
        ('{"left": 0.25, "top": 0.5, "width": 0.5, "height": 0.5}', PIXELS),
        ("[25%, 50%, 75%, 100%]", PIXELS),
        ('{"bbox_percent": [25, 50, 75, 100]}', PIXELS),
        ('{"bbox_1000": [250, 500, 750, 1000]}', PIXELS),
        ("Coordinates normalized to 0-1000: [250, 500, 750, 1000]", PIXELS),
        ("Its coordinates, normalized to 0-1000, are [250, 500, 750, 1000].", PER_MILLE),
    ],
)
def test_a_box_is_in_the_frame_that_its_form_states_or_else_in_that_of_the_family(text, convention):
    if convention is None:
        assert (read(text), refused(text)) == ([], ('"box_2d": [500, 250, 1000, 750',))
    else:
        assert (read(text, convention), refused(text, convention)) == ([pytest.approx(QUARTER)], ())


@pytest.mark.parametrize(
    ("text", "convention"),
    [
        ('{"box_2d": [10, 20, 1300, 120]}', PIXELS),  # no thousandths
        ("<box>(10,20),(1300,400)</box>", PIXELS),
        ('{"normalized_bbox": [250, 500, 750, 1000]}', PIXELS),
        ("Its coordinates, normalized to 0-1000, are [250, 500, 750, 1000].", PIXELS),
        ("The box in pixel coordinates is [250, 500, 750, 1000].", PER_MILLE),
        ("As percentages of the sides it is [25, 50, 75, 100].", PIXELS),
        ("[56px, 112px, 168px, 224px]", PER_MILLE),
        ("[10%, 20%, 110, 120]", PIXELS),
        ("[0.1, 0.2, 1.6, 0.9]", PIXELS),  # neither fractions nor pixels
        ("<box>10, 20, 110, 120</box>", PIXELS),  # Fuyu means y first and pixels
        ("<box><xmin>10</xmin><ymin>20</ymin><xmax>110</xmax><ymax>120</ymax></box>", PIXELS),
        ("<bbox>10 20 110 120</bbox>", PIXELS),  # Seed-1.5-VL means thousandths
        ("<|box|>(10,20),(110,120)<|/box|>", PIXELS),  # CheXagent
        ("{<10><20><30><40>}", PIXELS),  # MiniGPT-v2
        ("<patch_index_0044><patch_index_0863>", PIXELS),  # Kosmos-2
        ("<x10><y20><x30><y40>", PIXELS),  # MAIRA-2
        ("<loc0512><loc0256><loc1024><loc0768>", PIXELS),
        ("<loc0512><loc0256><loc_999><loc0768>", PIXELS),
        ("<loc0512><loc0256><loc1023>", PIXELS),
        ('{"bounding_box_2d": [10, 20, 110, 120]}', PIXELS),
        ('{"xyxy_xywh": [10, 20, 110, 120]}', PIXELS),
    ],
)
def test_where_two_frames_are_possible_nothing_is_guessed_and_the_piece_is_shown(text, convention):
    assert read(text, convention) == [] and len(refused(text, convention)) == 1


def test_a_bare_list_after_prose_is_not_taken_for_the_frame_of_a_key_before():
    said = "box_2d: [500, 250, 1000, 750] is the heart, [100, 100, 200, 200] the lung"
    assert (read(said), refused(said)) == ([QUARTER], ("[100, 100, 200, 200]",))
    assert len(read("box_2d: [500, 250, 1000, 750], [100, 100, 200, 200]")) == 2
    assert len(read("box_2d: [500, 250, 1000, 750] and [100, 100, 200, 200]")) == 2


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


@pytest.mark.parametrize("key", sorted(OTHER_WORDS))
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("First [10, 20, 110, 120] and then [1, 2, 3, 4]", [BOX, SMALL]),
        ('{"boxes": [[10, 20, 110, 120], [1, 2, 3, 4]]}', [BOX, SMALL]),
        ("[[10, 20, 110, 120], [30, 40, 5", [BOX]),  # cut off
        ("[[10, 20, 110, 120], ...]", [BOX]),
        ("[[10, 20, 110, 120], [10, 20, 110, 120]]", [BOX]),
        ("[[10, 20, 110, 120, [30, 40, 50, 60]]", [BOX, OTHER_BOX]),
        ("[10, 20, 110, 120], [30, 40, 50, 60]]", [BOX, OTHER_BOX]),
        ('[{"bbox_2d": [10, 20, 110, 120, "label": "a"}, {"bbox_2d": [30, 40, 50, 60]}]', [BOX, OTHER_BOX]),
        ('[{"bbox_xywh": [10, 20, 100, 100]}, {"bbox": [30, 40, 50, 60]}]', [BOX, OTHER_BOX]),
        ('[{"box_2d": [500, 250, 1000, 750]}, {"bbox_2d": [30, 40, 50, 60]}]', [QUARTER, OTHER_BOX]),
        ('{"left lung": [10, 20, 110, 120], "bbox": [30, 40, 50, 60]}', [OTHER_BOX]),
        ("Box 1: x1=10, y1=20, x2=110, y2=120\nBox 2: x1=30, y1=40, x2=50, y2=60", [BOX, OTHER_BOX]),
        ("A: top-left (10, 20), bottom-right (110, 120). B: top-left (1, 2), bottom-right (3, 4).", [BOX, SMALL]),
        ("<box>(0,0),(500,500)</box><box>(250,500),(750,1000)</box>", [(0, 0, 112, 112), QUARTER]),
        ("<loc0000><loc0000><loc0512><loc0512> a ; <loc0512><loc0256><loc1023><loc0768>", [(0, 0, 112, 112), QUARTER]),
        ("(10, 20), [30, 40, 50, 60], (110, 120)", [OTHER_BOX]),
        ("x: 10, y: 20, and the picture has size (w=224, h=224)", []),
        ("[[-50, 20, 110, 900]]", [(0, 20, 110, 224)]),
        (f"{TEMPLATE}\n[[10, 20, 110, 120]]", [BOX]),
        (f"{TEMPLATE}\n(10, 20), (110, 120)", [BOX]),
    ],
)  # fmt: skip
def test_boxes_come_in_the_order_of_the_text_each_once_and_clipped(text, expected):
    assert read(text) == expected


CHAINS = ["<think>{}</think>", "<unused94>thought\n{}<unused95>", "{}</think>", "```thinking\n{}\n```\n"]


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize(
    "thought", ["maybe [[1, 2, 30, 40]]? no.", "box_2d: [", '{"confidence": ["left lung"', "(1,2)"]
)
def test_a_hidden_chain_has_no_influence(chain, thought):
    answer = '<answer>[[10, 20, 110, 120]]</answer> ["heart"]'
    said = chain.format(thought) + answer
    assert boxes_in(said, PIXELS, STUDY) == boxes_in(answer, PIXELS, STUDY)
    assert phrases_in(said) == phrases_in(answer) == ("heart",)


def test_a_chain_that_never_ends_holds_no_answer():
    assert boxes_in("<think>[[1, 2, 30, 40]]", PIXELS, STUDY) == BoxesRead(())
    assert phrases_in('<think>["heart"]') == ()


def test_at_most_ten_boxes_are_taken():
    many = [[x, 0, x + 5, 9] for x in range(40)]
    assert read(json.dumps(many)) == [tuple(map(float, box)) for box in many[:10]]


def test_refused_pieces_are_few_short_and_printable():
    pieces = refused("".join(f"[{n}, 0, 0,\n\x1b  0] " for n in range(40)) + "[" + "1, " * 500 + "]")
    assert len(pieces) == 10 and all(piece.isprintable() and len(piece) <= 80 for piece in pieces)
    assert refused('{"heart":\n [10, 20,  110, 120]}') == ('"heart": [10, 20, 110, 120]',)
    assert len(refused("[" + "1, " * 500 + "]")[0]) == 80


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
