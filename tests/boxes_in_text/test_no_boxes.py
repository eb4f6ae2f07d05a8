"""What looks like a box and is none, and what is not worth a word."""

from __future__ import annotations

import pytest

from medground_bench.boxes_in_text import BoxesRead, boxes_in
from medground_bench.methods.prompting import TEMPLATE
from tests.boxes_in_text.reading import BOX, PIXELS, STUDY, read, refused


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
        '{"bbox": [10, 20, 110, 120], "rotation": 30}',
        "[10, 20, 110, 120] * 2",
        "2 * [10, 20, 110, 120]",
        "[10, 20, 110, 120] / 224",
        "{[10, 20, 110, 120]}",
        "{: [10, 20, 110, 120]}",
        "heart: 10, 20, 110, 120",
        "heart,10,20,110,120",
        "position: 10, 20; size: 100, 100",
        "<loc10><loc20><loc110><loc120>",
        "<0.25><0.5><0.75><1.0>",
        "ribs (3, 4, 5, 6)",
        "of size [10, 20, 110, 120]",
        "Heart size: [10, 20, 110, 120]",
        "from the point (10, 20) to the point (110, 120)",
        "(10, 20) extending to (110, 120)",
        "starts at (10, 20) and ends at (110, 120)",
        "from (10, 20) in the upper zone to (110, 120) in the lower zone",
        "from x=10 to x=110 and y=20 to y=120",
        "between x=10 and x=110, y=20 and y=120",
        "a box of width 100 and height 100 at (10, 20)",
        "at (10, 20) with a width of 100 and a height of 100",
        "starts at x=10, y=20 and is 100 wide and 100 high",
        "(10, 20), 100 x 100",
        "100x100 box at (10, 20)",
        "centered at (60, 70) with size 100x100",
        "center (60, 70), width 100, height 100",
        '{"position": [10, 20], "size": [100, 100]}',
        '{"origin": {"x": 10, "y": 20}, "width": 100, "height": 100}',
        '{"centre_x": 60, "centre_y": 70, "size": 20}',
        '{"p1": [10, 20], "p2": [110, 120]}',
        '{"x": 10, "y": 20, "width": 100}',
        '{"bbox": [10, 20, 110]}',
        '{"x1": 10, "y1": 20, "x2": 110, "y2": 120, "x3": 110, "y3": 120, "x4": 10, "y4": 120}',
        "top-left (10,20), top-right (110,20), bottom-right (110,120), bottom-left (12,130)",
        "polygon: 10,20 110,20 110,120 10,120",
        '<polygon points="10,20 110,20 110,120 10,120"/>',
        "<|box_start|>(10,20),(110,1",
        "<|box_start|>(10,20)<|box_end|>",
        "<box>[[100,200,300,400",
        "bounding box 10, 20, 110, 120",
        "The bounding box is 10, 20, 110, 120.",
        "10, 20, 110, 120",
        "10%, 20%, 60%, 70%",
        "0 0.5 0.5 0.2 0.2",
        "[0.9, 10, 20, 110, 120]",
        "[1,024, 20, 110]",
        "[1,200, 30, 40, 1]",
        "[1,024, 1,100, 1,200, 1,300]",
        "[10,5; 20,5]",
        "[10,5, 20,5, 110,5, 120,5]",
        "[10mm, 20mm, 110mm, 120mm]",
        "[1.0 cm, 2.0 cm, 11 cm, 12 cm]",
        "Rect(10, 20, 100, 100)",
        "Rectangle((10, 20), 100, 100)",
        "img[20:120, 10:110]",
        "[1, 2, 3, 4]",
        "references [12, 13, 14, 15]",
        "the [3, 4, 7, 8] ribs",
        "ages [45, 50, 60, 70]",
        "scores [0.1, 0.2, 0.3, 0.9]",
        "rgba(10, 20, 110, 120)",
        "(2024, 1, 2, 3)",
        "The probabilities for the four classes are [0.1, 0.2, 0.3, 0.4].",
        "The probabilities for each of the four classes: [0.1, 0.2, 0.3, 0.4]",
        "The scores are (0.1, 0.2, 0.3, 0.4)",
        "The scores are:\n[0.1, 0.2, 0.3, 0.4]",
        "softmax [0.1, 0.2, 0.3, 0.4]",
        "softmax([0.1, 0.2, 0.3, 0.4])",
        "BP [120, 80, 130, 90]",
        "Format: [x_min, y_min, x_max, y_max], e.g. [10, 20, 110, 120]",
        "e.g. (10, 20), (110, 120)",
        "For example:\n[10, 20, 110, 120]",
        "There is no box [10,20,110,120].",
        "There is no box x1=10, y1=20, x2=110, y2=120.",
        "There isn't a box (10, 20), (110, 120).",
        "There is no mass, nodule, or effusion in [10, 20, 110, 120].",
        "No box: [10, 20, 110, 120]",
        "[10, 20, 110, 120] is not the heart.",
        '{"bbox_2d": [10, null, 110, 120]}',
        '{"bbox_2d": [10, null, null, 120]}',
        '{"heart": [10, None, 110, 120]}',
        "[10, 20, ?, 120]",
        "Box: [10, 20, , 120]",
        '{"bbox_2d": [10, 20, 110',
        '{"bbox_2d": [10, 20',
        '{"boxes": [[10, 20',
        "loc0256 loc0128 loc0768 loc0512",
        *(
            f'{{"{key}": [10, 20, 110, 120]}}'
            for key in (
                *("num_boxes", "previous_bbox", "example_bbox", "not_bbox", "image_bbox", "normal_region"),
                *("prior_box", "no_box", "full_image_bbox", "gt_boxes"),
            )
        ),
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
        "(12/03/2024), aged 45, 50, 60 and 70",
        "references [1], [2], [3], [4]",
        "blood pressure 120/80, 110/70",
        "a 3 x 4 cm mass",
        "a nodule at (10, 20)",
        '<point x="10.5" y="20.5" alt="heart">heart</point>',
        '{"bbox": null, "score": 0.9}',
        '{"bbox": []}',
        "T4, T5, T6, T7",
        "IP 10.20.110.120",
        "width 100 and height 100",
        "10/20/110/120 at 12:30, 13:40",
        "[10, 20, 110]",
        "[true, false, true, true]",
        "[null, 1, 2, 3]",
        '{"scores": [0.1, null, 0.3, 0.4]}',
        "BP: [120, 80, 130, 90]",
        "softmax: [0.1, 0.2, 0.3, 0.4]",
        '{"bbox_2d": [',
        "as seen in [1",
        "x = 5, y = 3",
        "width: 224, height: 224",
        "Image size: (0, 0, 224, 224)",
        "Confidence scores: [0.1, 0.2, 0.3, 0.4]",
        '{"image": {"width": 224, "height": 224}}',
        "__import__('os').system('true') or [10, 20, 110][0:4]",
    ],
)
def test_what_does_not_look_like_a_box_is_not_worth_a_word(text):
    assert boxes_in(text, PIXELS, STUDY) == BoxesRead((), ())


@pytest.mark.parametrize(
    "text",
    [
        "No, the heart is at {}.",
        "No effusion.\nHeart: {}",
        "No effusion\nHeart: {}",
        "- No effusion\n- Cardiomegaly {}",
        "There is no effusion; the heart is at {}.",
        "Not only the heart {}",
        "It is not here, but at {}.",
        "The heart {} is not enlarged.",
        '{{"reason": "there is no effusion (1) in it", "bbox": {}}}',
        "Heart, score 0.9: {}",
        "Heart with confidence 0.9 {}",
        "Confidence (0.9) {}",
        "The score is 0.9 for the box {}.",
        "The abnormality with the highest probability is at {}.",
        "I can say with high confidence that it is in {}.",
        "The bounding box with the highest confidence is {}.",
    ],
)
def test_a_denial_or_a_score_beside_a_box_takes_nothing_from_it(text):
    said = text.format("[10, 20, 110, 120]")
    assert (read(said), refused(said)) == ([BOX], ())
