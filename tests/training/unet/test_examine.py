from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from medground_bench.core.concepts import CONCEPTS, ConceptRegions
from medground_bench.core.geometry import box_iou
from medground_bench.core.types import Box, Frame
from medground_bench.training.unet.examine import (
    beyond_the_masks,
    on_patients,
    on_phantoms,
    on_radiographs,
    on_renders,
    radiographs,
    render_pictures,
    summary,
)
from medground_bench.training.unet.masked_pictures import MaskedPictures

STUDY = Frame("study", 224, 224)


def always(**boxes):
    named = {name.replace("_", " "): Box(*xyxy, STUDY) for name, xyxy in boxes.items()}
    return lambda picture: ConceptRegions(STUDY, {}, named)


def test_box_iou_by_hand():
    one, other = Box(0, 0, 10, 10, STUDY), Box(5, 0, 15, 20, STUDY)
    assert box_iou(one, other) == box_iou(other, one) == pytest.approx(50 / 250)
    assert box_iou(one, one) == 1
    assert box_iou(one, Box(20, 20, 21, 21, STUDY)) == 0


@pytest.fixture
def folder(tmp_path):
    """A portrait of 300 x 400 px: in the study frame 168 x 224 px behind a bar of 28."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (400, 300), np.uint8)).save(tmp_path / "one.png")
    mask = np.zeros((400, 300), np.uint8)
    mask[100:200, 150:250] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    known = {
        "boxes": {"left lung": {"xyxy": [150, 100, 250, 300]}, "right lung": {"xyxy": [0, 0, 50, 50]}},
        "masks": {"left lung": {"file": "mask.png"}},
    }
    (tmp_path / "annotations.json").write_text(json.dumps({"one.png": known}))
    return tmp_path


def test_real_pictures_are_scored_in_native_pixels_and_what_is_not_found_scores_nothing(folder):
    localize = always(left_lung=(28 + 84, 56, 28 + 140, 168))
    found = on_radiographs(radiographs(localize, folder))
    assert found["boxes"]["left lung"] == [pytest.approx(1.0)]
    assert found["masks"]["left lung"] == [pytest.approx(0.5)]
    assert found["boxes"]["right lung"] == [0.0]
    assert found["people"] == {"left lung": [pytest.approx(0.5)]}


def test_how_far_boxes_reach_beyond_a_mask_by_hand(folder):
    """The mask is 100 x 100 px; its lung is the patient's left, so medial is the picture's left."""
    localize = always(left_lung=(28 + 84 - 5.6, 56 + 11.2, 28 + 140 + 2.8, 112))
    beyond = beyond_the_masks(radiographs(localize, folder))
    assert beyond["drawn"] == {"medial": 0.0, "lateral": 0.0, "upper": 0.0, "lower": 1.0}
    assert beyond["found"] == pytest.approx({"medial": 0.1, "lateral": 0.05, "upper": -0.2, "lower": 0.0})


def test_phantoms_are_scored_against_their_own_masks():
    everything = always(left_lung=(0, 0, 224, 224), cardiac_silhouette=(0, 0, 1, 1))
    for overlaps in (on_phantoms(everything, range(2)), on_patients(everything, range(2), 224)):
        assert len(overlaps) == 11 and all(len(values) == 2 for values in overlaps.values())
        assert all(0.1 < value < 0.6 for value in overlaps["left lung"])
        assert overlaps["cardiac silhouette"] == overlaps["right lung"] == [0.0, 0.0]


def test_renders_of_one_seed_share_its_name_and_a_concept_that_is_not_on_one_does_not_count():
    masks = np.zeros((2, 11, 224, 224), bool)
    masks[0, CONCEPTS.index("left lung"), 20:60, 100:200] = True
    kept = MaskedPictures(np.zeros((2, 224, 224), np.uint8), np.packbits(masks, axis=-1))
    first, second = render_pictures([7], kept)
    assert (first.name, second.name, second.boxes) == ("7", "7", {})
    assert on_renders(always(left_lung=(100, 20, 200, 100)), kept) == {"left lung": [pytest.approx(0.5)]}


def test_a_summary_by_hand():
    row = summary({"left lung": [0.0, 0.5, 1.0, 0.9]})["left lung"]
    assert row == {"mean": 0.6, "tenth": 0.15, "found": 0.75, "pictures": 4}
