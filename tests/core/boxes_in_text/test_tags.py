"""Tags and location tokens of models."""

from __future__ import annotations

import pytest

from tests.core.boxes_in_text.reading import BOX, PER_MILLE, PIXELS, QUARTER, RESIZED, Y_FIRST, read, refused


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
        ('<area shape="rect" coords="10,20,110,120">', PIXELS, BOX),
        ('<div style="left:10px;top:20px;width:100px;height:100px">', PIXELS, BOX),
        ("<bndbox><x>10</x><y>20</y><width>100</width><height>100</height></bndbox>", PIXELS, BOX),
        ("[[10, 20, 110, 120]]<end_of_turn>", PIXELS, BOX),
        ('<tool_call>{"bbox_2d": [10, 20, 110, 120]}</tool_call>', PIXELS, BOX),
        (
            "<pleural_effusion><x_min>10</x_min><y_min>20</y_min><x_max>110</x_max><y_max>120</y_max>"
            "</pleural_effusion>",
            PIXELS,
            BOX,
        ),
        *(
            (f"<{name}>[10, 20, 110, 120]</{name}>", PIXELS, BOX)
            for name in (
                "detection",
                "target",
                "lesion",
                "heart",
                "left_lung",
                "right_pleural_effusion",
                "object",
            )
        ),
    ],
)
def test_tags_and_location_tokens_are_read_in_the_raster_of_the_models_that_write_them(
    text, convention, expected
):
    assert read(text, convention) == [pytest.approx(expected)]


@pytest.mark.parametrize("text", ["<mull>{}</mull>No.", "<mull>{}", "So: <mull>{}</mull>", "{}</mull>No."])
def test_a_box_that_a_tag_of_an_unknown_name_hides_is_shown(text):
    said = text.format("[10, 20, 110, 120]")
    assert (read(said), refused(said)) == ([], ("[10, 20, 110, 120]",))
