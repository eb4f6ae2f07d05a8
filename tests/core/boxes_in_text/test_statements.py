"""What a text states of order and raster has the last word, wherever it stands."""

from __future__ import annotations

import pytest

from tests.core.boxes_in_text.reading import (
    BOX,
    OTHER_BOX,
    PER_MILLE,
    PIXELS,
    QUARTER,
    RESIZED,
    Y_FIRST,
    read,
    refused,
)

FAMILIES = [PIXELS, RESIZED, PER_MILLE, Y_FIRST]
KEYS = ["format", "box_format", "bbox_mode", "coordinates", "BBox-Format", "coordinate system", "convention"]
FORMATS = {
    "xywh": "[56, 112, 112, 112]",
    "XYWH_ABS": "[56, 112, 112, 112]",
    "yxyx": "[112, 56, 224, 168]",
    "cxcywh": "[112, 168, 112, 112]",
    "x1, y1, x2, y2": "[56, 112, 168, 224]",
    "ymin, xmin, ymax, xmax": "[112, 56, 224, 168]",
    "xyxy pixel": "[56, 112, 168, 224]",
    "normalized": "[0.25, 0.5, 0.75, 1]",
    "relative xywh": "[0.25, 0.5, 0.5, 0.5]",
    "thousandths": "[250, 500, 750, 1000]",
    "xywh normalized to 0-1000": "[250, 500, 500, 500]",
    "percent": "[25, 50, 75, 100]",
}
OBJECTS = [
    '{{"bbox": {box}, "{key}": "{value}"}}',
    '{{"{key}": "{value}", "bbox": {box}}}',
    "[{{'label': 'heart', 'bbox': {box}, '{key}': '{value}'}}]",
    '{{"{key}": "{value}", "findings": [{{"label": "heart", "bbox": {box}}}]}}',
    '{{"findings": [{{"label": "heart", "bbox": {box}}}], "{key}": "{value}"}}',
    '{{"meta": {{"{key}": "{value}"}}, "bbox": {box}}}',
    '{{"bbox": {box}, "{key}": "{value}"',
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", FORMATS)
def test_a_format_beside_a_box_or_above_it_holds_for_it(key, value):
    texts = [each.format(key=key, value=value, box=FORMATS[value]) for each in OBJECTS]
    assert [(read(text), refused(text)) for text in texts] == [([pytest.approx(QUARTER)], ())] * len(OBJECTS)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", ["zxq", "polar", "xywh or xyxy", "percent pixels", "mm"])
def test_under_a_format_that_is_unknown_or_states_two_nothing_is_guessed(key, value):
    for text in (each.format(key=key, value=value, box="[10, 20, 110, 120]") for each in OBJECTS):
        assert read(text) == [] and len(refused(text)) == 1, text


@pytest.mark.parametrize(
    "text",
    [
        '{"bbox_xyxy": [10, 20, 110, 120], "format": "xywh"}',
        '{"format": "yxyx", "findings": [{"bbox": [10, 20, 110, 120], "format": "xyxy"}]}',
        '{"x1": 10, "y1": 20, "x2": 110, "y2": 120, "format": "xywh"}',
        '{"bbox": [10, 20, 110, 120], "normalized": true}',
        '{"bbox": [10, 20, 110, 120], "units": "cm"}',
        '{"bbox": [10, 20, 110, 120], "bbox_mode": 1}',
        '{"bbox": [10, 20, 110, 120], "width": 110, "height": 120}',  # its own size, if it is xywh
        '{"bbox": [10, 20, 110, 120], "width": 1024, "height": 1024}',
        '{"bbox": [10, 20, 110, 120], "category_id": 1}',  # of COCO, so xywh, or of detectron2, so xyxy
        "[10, 20, 110, 120] mm",
        "[10, 20, 110, 120] millimeters",
        "In (row, column) order: [10, 20, 110, 120]",
        "With y first: [10, 20, 110, 120]",
        "The origin is at the bottom left. [10, 20, 110, 120]",
        "bbox: 10, 20, 110, 120 mm",
        "x1=10mm, y1=20mm, x2=110mm, y2=120mm",
        "The box (xywh) in the order [x1, y1, x2, y2] is [10, 20, 110, 120].",
    ],
)
def test_what_is_stated_twice_must_agree(text):
    assert read(text) == [] and len(refused(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"bbox": [10, 20, 110, 120], "format": "json"}',
        '{"bbox": [10, 20, 110, 120], "image_format": "png", "type": "nodule", "location": "left lung"}',
        '{"bbox": [10, 20, 110, 120], "width": 100, "height": 100}',
        '{"bbox": [10, 20, 110, 120], "width": 224, "height": 224}',
        '{"bbox": [10, 20, 110, 120], "normalized": false}',
        '{"bbox": [10, 20, 100, 100], "category_id": 1, "bbox_mode": "xywh"}',
        '{"bbox_mode": "<BoxMode.XYWH_ABS: 1>", "bbox": [10, 20, 100, 100]}',
        "Output format: JSON. [10, 20, 110, 120]",
        "format: xywh\nbbox: [10, 20, 100, 100]",
        "bbox: [10, 20, 100, 100]\nformat: xywh",
        "[10, 20, 100, 100] (xywh)",
        "In xywh format it is [10, 20, 100, 100].",
        '{"bbox": [10, 20, 100, 100], "note": "the box is given as x, y, width, height"}',
        "With top-left x, top-left y, width and height it is [10, 20, 100, 100].",
        "As center x, center y, width, height it is [60, 70, 100, 100].",
        "[10, 20, 100, 100], where the format is (x, y, w, h)",
        "[10, 20, 110, 120] px",
        "On a scale of 0 to 1 the confidence is 0.8: [10, 20, 110, 120]",
        "Given in pixels from the top-left corner of the image: [10, 20, 110, 120]",
        "The coordinates are relative to the image: [10, 20, 110, 120]",
        '{"bbox": [10, 20, 110, 120], "angle": "blunted", "rotation": 0}',
        "Measured in mm it is 12. [10, 20, 110, 120]",
        "bbox: 10, 20, 110, 120 px",
    ],
)
def test_what_says_nothing_else_leaves_the_box_as_it_is(text):
    assert (read(text), refused(text)) == ([BOX], ())


def test_a_format_holds_for_its_object_and_for_no_other():
    text = '[{"bbox": [10, 20, 100, 100], "format": "xywh"}, {"bbox": [30, 40, 50, 60], "format": "xyxy"}]'
    assert (read(text), refused(text)) == ([BOX, OTHER_BOX], ())


IN_PROSE = {
    "In the 1024x1024 image, the box is {}.": "[256, 512, 768, 1024]",
    "{} (image size 1024 x 1024)": "[256, 512, 768, 1024]",
    "in a 448\u00d7448 px image: {}": "[112, 224, 336, 448]",
    "The image is 1024 pixels wide and 1024 pixels high. {}": "[256, 512, 768, 1024]",
    "The picture has width 1024 and height 1024. {}": "[256, 512, 768, 1024]",
    '{{"image_width": 1024, "image_height": 1024, "bbox": {}}}': "[256, 512, 768, 1024]",
    '{{"bbox": {}, "image_size": [1024, 1024]}}': "[256, 512, 768, 1024]",
    "on a 0-1000 scale: {}": "[250, 500, 750, 1000]",
    "{} on a scale from 0 to 1000": "[250, 500, 750, 1000]",
    "scaled to [0, 1000]: {}": "[250, 500, 750, 1000]",
    "Its coordinates, normalized to 0-1000, are {}.": "[250, 500, 750, 1000]",
    "In a 1024x1024 image, on a 1000x1000 grid: {}": "[250, 500, 750, 1000]",
    "normalized to 0-1: {}": "[0.25, 0.5, 0.75, 1.0]",
    "In pixels of the 1024x1024 image it is {}.": "[256, 512, 768, 1024]",
    "As percentages of the sides it is {}.": "[25, 50, 75, 100]",
    "{} %": "[25, 50, 75, 100]",
    "{} percent": "[25, 50, 75, 100]",
    "Bounding box (in %): {}": "[25, 50, 75, 100]",
    "Bounding box (0-1000): {}": "[250, 500, 750, 1000]",
    "{} per mille": "[250, 500, 750, 1000]",
    "{} \u2030": "[250, 500, 750, 1000]",
    "{} of 1000": "[250, 500, 750, 1000]",
}


@pytest.mark.parametrize("convention", FAMILIES[:3])
@pytest.mark.parametrize("text", IN_PROSE)
def test_the_raster_that_the_text_states_is_taken_whatever_the_family(text, convention):
    said = text.format(IN_PROSE[text])
    assert (read(said, convention), refused(said, convention)) == ([pytest.approx(QUARTER)], ())


@pytest.mark.parametrize("convention", FAMILIES)
@pytest.mark.parametrize(
    "text",
    [
        "In the 1024x1024 image the box is [256, 512, 768, 1025].",
        "In the 1024x768 image the box is [256, 384, 768, 768].",  # another shape than the picture's
        "Resized from a 2048x2048 image to a 1024x1024 image: [256, 512, 768, 1024]",
        "on a 0-1000 scale: [250, 500, 750, 1001]",
        "normalized to 0-1: [250, 500, 750, 1000]",
        "Normalized coordinates and pixel coordinates: [25, 50, 75, 100]",
        "As percentages: [25, 50, 75, 101]",
    ],
)
def test_numbers_beyond_the_raster_that_is_stated_or_of_two_are_refused(text, convention):
    assert read(text, convention) == [] and len(refused(text, convention)) == 1


def test_pixels_that_are_stated_are_of_no_known_picture_where_the_family_writes_thousandths():
    assert read("In pixels: [10, 20, 110, 120]") == [BOX]
    assert read("In pixels: [10, 20, 110, 120]", PER_MILLE) == []


def test_corners_in_the_order_of_the_family_are_in_doubt_where_the_text_states_another():
    assert read("top-left (500, 250), bottom-right (1000, 750)", Y_FIRST) == [QUARTER]
    assert read("top-left (500, 250), bottom-right (1000, 750), as xyxy", Y_FIRST) == []
