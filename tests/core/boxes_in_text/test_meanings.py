"""What keys say of boxes, and which sides make one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.core.boxes_in_text.meanings import (
    BARE,
    GEMINI,
    IN_DOUBT,
    OTHER,
    TAGS,
    UNSAID,
    KeyKind,
    Meaning,
    meaning_of,
    sides_named,
)
from medground_bench.core.boxes_in_text.sides import SideOrder, box_of
from medground_bench.core.boxes_in_text.words import (
    BOX_WORDS,
    FRACTIONS,
    ORDER_WORDS,
    OTHER_WORDS,
    PERCENT,
    PIXELS,
    REFUSED_WORDS,
    SIDE_NAMES,
    THOUSANDTHS,
)

SIZED = SideOrder.WITH_SIZE.sides


@pytest.mark.parametrize(
    ("key", "meaning"),
    [
        ("bbox_2d", BARE),
        ("bbox 2D", BARE),
        ("BBox-2d", BARE),
        ("bbox2d", BARE),
        ("bboxes", BARE),
        ("boundingBox", BARE),
        ("Bounding boxes", BARE),
        ("Position", BARE),
        ("coordinates", BARE),
        ("image_coordinates", BARE),
        ("left_lung_bbox", BARE),
        ("box_2d", GEMINI),
        ("Box 2D", GEMINI),
        ("box-2d", GEMINI),
        ("box2d", GEMINI),
        ("heart_box_2d", GEMINI),
        ("bounding_box_2d", IN_DOUBT),  # whose?
        ("boxes_2d", IN_DOUBT),
        ("bbox_xyxy", Meaning(KeyKind.BOX, SideOrder.X_FIRST.sides)),
        ("yxyx", Meaning(KeyKind.BOX, SideOrder.Y_FIRST.sides)),
        ("bbox_xywh", Meaning(KeyKind.BOX, SIZED)),
        ("xywh_bbox", Meaning(KeyKind.BOX, SIZED)),
        ("COCO bbox", Meaning(KeyKind.BOX, SIZED)),
        ("cxcywh", Meaning(KeyKind.BOX, SideOrder.CENTRED.sides)),
        ("yolo", Meaning(KeyKind.BOX, SideOrder.CENTRED.sides, FRACTIONS)),
        ("bbox (x1, y1, x2, y2)", Meaning(KeyKind.BOX, SideOrder.X_FIRST.sides)),
        ("ymin, xmin, ymax, xmax", Meaning(KeyKind.BOX, SideOrder.Y_FIRST.sides)),
        ("normalized_bbox", Meaning(KeyKind.BOX, (), FRACTIONS)),
        ("bbox normalised to 1000", Meaning(KeyKind.BOX, (), THOUSANDTHS)),
        ("bbox_percent", Meaning(KeyKind.BOX, (), PERCENT)),
        ("pixel coordinates", Meaning(KeyKind.BOX, (), PIXELS)),
        ("xyxy_xywh", IN_DOUBT),
        ("bbox_xyuh", IN_DOUBT),  # misspelt, so any order
        ("normalzed bbox", IN_DOUBT),
        ("box_d", IN_DOUBT),
        ("box 2", BARE),
        ("bbox percent pixels", IN_DOUBT),
        ("x_min", Meaning(KeyKind.SIDES, ("x0",))),
        ("max-y", Meaning(KeyKind.SIDES, ("y2",))),
        ("Top-left corner", Meaning(KeyKind.SIDES, ("x0", "y0"))),
        ("lower right", Meaning(KeyKind.SIDES, ("x2", "y2"))),
        ("costophrenic angle", UNSAID),
        ("costophrenic angle bbox", BARE),
        ("angle", OTHER),
        ("heart size", IN_DOUBT),
        ("confidence", OTHER),
        ("image_size", OTHER),
        ("Pixel spacing", OTHER),
        ("bbox_area", IN_DOUBT),
        ("box confidence", IN_DOUBT),
        ("polygon", IN_DOUBT),
        ("area", IN_DOUBT),
        ("left lung", UNSAID),
        ("heart", UNSAID),
        ("2024", UNSAID),
        ("", UNSAID),
    ],
)
def test_a_key_says_what_stands_under_it_whatever_its_capitals_and_separators(key, meaning):
    assert meaning_of(key) == meaning


def test_no_word_is_in_two_tables():
    tables = [BOX_WORDS, OTHER_WORDS - SIDE_NAMES.keys(), REFUSED_WORDS, set(ORDER_WORDS), set(SIDE_NAMES)]
    assert sum(map(len, tables)) == len(set().union(*tables))


@given(st.text(max_size=60))
def test_any_key_has_a_meaning(key):
    assert meaning_of(key).kind in KeyKind


def test_every_tag_of_boxes_ends_in_a_tag_of_its_own():
    ends = [tag.end for tag in TAGS.values()]
    assert len(set(ends)) == len(ends) and not set(ends) & TAGS.keys()


coordinate = st.integers(0, 500)


@given(coordinate, coordinate, st.integers(1, 500), st.integers(1, 500))
def test_any_two_sides_of_each_axis_fix_the_same_box(x, y, w, h):
    across = [{"x0": x, "x2": x + w}, {"x0": x, "x1": x + w}, {"x1": x, "x2": x + w}, {"x0": x, "w": w}]
    down = [{"y0": y, "y2": y + h}, {"y0": y, "y1": y + h}, {"y1": y, "y2": y + h}, {"cy": y + h / 2, "h": h}]
    assert {box_of({**one, **other}) for one in across for other in down} == {(x, y, x + w, y + h)}


@pytest.mark.parametrize("sides", [{}, {"x0": 1, "y0": 2}, {"x0": 1, "x2": 3, "w": 2}, {"w": 1, "h": 1}])
def test_too_few_sides_fix_no_box(sides):
    assert box_of(sides) is None


def test_a_template_names_sides_and_nothing_else():
    assert sides_named("(x1, y1)") == ("x1", "y1")
    assert sides_named("(left, lung)") == sides_named("") == ()
