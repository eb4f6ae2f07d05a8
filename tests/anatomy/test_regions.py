"""Boxes or masks to regions, by hand."""

from __future__ import annotations

import numpy as np

from medground_bench.anatomy.regions import regions_of_boxes, regions_of_masks, touched_pixels
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.types import Box, Frame

STUDY = Frame("study", width=6, height=6)


def test_masks_give_tight_boxes_and_an_absent_or_empty_one_is_missing():
    lung, empty = np.zeros((6, 6), bool), np.zeros((6, 6), bool)
    lung[1:4, 2] = lung[3, 5] = True
    regions = regions_of_masks({"left lung": lung, "right lung": empty})
    assert regions.frame == STUDY
    assert dict(regions.boxes) == {"left lung": Box(2, 1, 6, 4, STUDY)}
    assert set(regions.masks) == {"left lung"}
    assert regions.missing == tuple(concept for concept in CONCEPTS if concept != "left lung")


def test_boxes_give_masks_of_every_pixel_they_touch_and_stay_as_they_are():
    box = Box(0.5, 2.0, 3.0, 4.2, STUDY)
    regions = regions_of_boxes({"mediastinum": box}, STUDY)
    expected = np.zeros((6, 6), bool)
    expected[2:5, 0:3] = True
    assert regions.boxes["mediastinum"] == box
    assert np.array_equal(regions.masks["mediastinum"], expected)
    assert len(regions.missing) == len(CONCEPTS) - 1


def test_what_lies_beyond_the_frame_is_left_out_of_the_mask():
    assert touched_pixels(Box(-3, -3, 1, 1, STUDY)).sum() == 1
    assert touched_pixels(Box(5, 5, 99, 99, STUDY)).sum() == 1
