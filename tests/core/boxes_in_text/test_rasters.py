"""What the numbers of a box are positions in."""

from __future__ import annotations

import pytest

from tests.core.boxes_in_text.reading import PER_MILLE, PIXELS, QUARTER, Y_FIRST, read, refused


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
        ('{"box_2d_normalized": [0.5, 0.25, 1.0, 0.75]}', PIXELS),
        ('{"box_2d_normalized": [500, 250, 1000, 750]}', PIXELS),
        ('{"box_2d_yxyx": [500, 250, 1000, 750]}', PIXELS),
        ('{"bbox_yxyx": [112, 56, 224, 168]}', PIXELS),
        ('{"bbox_norm1000": [250, 500, 750, 1000]}', PIXELS),
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
        ("The box in pixel coordinates is [250, 500, 750, 1000].", PER_MILLE),
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
        ('{"box_2d_pixels": [10, 20, 110, 120]}', PIXELS),  # the key contradicts itself
        ('{"box_2d_px": [10, 20, 110, 120]}', PIXELS),
        ('{"box_2d_percent": [10, 20, 50, 60]}', PIXELS),
        ('{"box_2d_xyxy": [10, 20, 110, 120]}', PIXELS),
        ('{"bbox": [0.1, 0.2, 0.5, 110]}', PIXELS),  # fractions and pixels
        ("[0.5, 0.5, 1, 100]", PIXELS),
        ("[0.5, 0.5, 110, 120]", PIXELS),
        ("[0.1, 0.2, 5, 6]", PER_MILLE),
        ("x1=0.1, y1=0.2, x2=0.5, y2=110", PIXELS),
        ("[0, 0, 1, 100]", PIXELS),
        ("[10.2, 20.1, 10.9, 120.3]", PIXELS),  # narrower than a pixel
        *(
            (f'{{"bbox_{order}": [20, 10, 120, 110]}}', PIXELS)
            for order in ("yx", "xy", "yxy", "xyyx", "xxyy", "yyxx", "yxhw", "hwxy", "wh", "y1x1", "trbl")
        ),
    ],
)
def test_where_two_frames_are_possible_nothing_is_guessed_and_the_piece_is_shown(text, convention):
    assert read(text, convention) == [] and len(refused(text, convention)) == 1


def test_a_bare_list_after_prose_is_not_taken_for_the_frame_of_a_key_before():
    said = "box_2d: [500, 250, 1000, 750] is the heart, [100, 100, 200, 200] the lung"
    assert (read(said), refused(said)) == ([QUARTER], ("[100, 100, 200, 200]",))
    assert len(read("box_2d: [500, 250, 1000, 750], [100, 100, 200, 200]")) == 2
    assert len(read("box_2d: [500, 250, 1000, 750] and [100, 100, 200, 200]")) == 2
