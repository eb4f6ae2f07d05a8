"""Doubts about lungs that were found, on boxes by hand."""

from __future__ import annotations

import pytest

from medground_bench.anatomy.plausible import doubts
from medground_bench.anatomy.regions import regions_of_boxes
from medground_bench.core.types import Box, Frame

STUDY = Frame("study", width=100, height=100)
RIGHT, LEFT = (12, 20, 45, 80), (55, 20, 88, 80)


def found(*, right=RIGHT, left=LEFT, sought=("right lung", "left lung")):
    boxes = {"right lung": right, "left lung": left}
    return regions_of_boxes(
        {name: Box(*box, STUDY) for name, box in boxes.items() if box}, STUDY, sought=sought
    )


def test_nothing_is_said_of_two_lungs_side_by_side():
    assert doubts(found()) == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"left": None}, "no left lung was found"),
        ({"right": (20, 30, 40, 54), "left": (50, 30, 70, 56)}, "less than 5% of the picture"),
        ({"right": (12, 20, 25, 70), "left": (35, 10, 88, 90)}, "more than 3 times as large as the other"),
        ({"right": LEFT, "left": RIGHT}, "on the left of the right one"),
        ({"right": (45, 20, 65, 80), "left": (75, 20, 99, 80)}, "far from the middle"),
        ({"right": (12, 62, 45, 99), "left": (55, 62, 88, 99)}, "far from the middle"),
    ],
)
def test_what_no_chest_looks_like_is_said_in_one_sentence_that_says_what_to_do(changed, said):
    [sentence] = doubts(found(**changed))
    assert said in sentence and "look at where" in sentence


def test_every_doubt_is_said():
    assert [each.split(" was found")[0] for each in doubts(found(right=None, left=None))] == [
        "no left lung",
        "no right lung",
    ]


def test_lungs_that_nobody_looked_for_are_not_missed():
    assert doubts(found(right=None, left=None, sought=("mediastinum",))) == ()
