"""The shipped U-Net as a localizer: all concepts, each in one piece, in the frame of the picture it was given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import UnknownName, Unsupported
from medground_bench.core.geometry import box_iou, tight_box
from medground_bench.core.types import Box, Frame
from medground_bench.localizers import localize, localizer_record
from medground_bench.localizers.phantom_unet import PhantomUnet
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene


@pytest.fixture(scope="module")
def picture():
    return Scene.sample(seeds.EXAMPLES[3]).render(224)


def test_all_concepts_are_found_each_in_one_piece_with_the_box_of_its_mask(picture):
    regions = localize("phantom_unet", picture)
    assert tuple(regions.masks) == tuple(regions.boxes) == CONCEPTS
    assert not regions.missing
    for concept, mask in regions.masks.items():
        assert ndimage.label(mask)[1] == 1 or concept == "mediastinum"
        assert tight_box(mask, regions.frame) == regions.boxes[concept]


def test_the_patients_left_is_on_the_right_of_the_picture(picture):
    boxes = localize("phantom_unet", picture).boxes
    for part in ("lung", "clavicle", "hilar structures", "costophrenic angle"):
        assert boxes[f"right {part}"].x1 < boxes[f"left {part}"].x1
        assert boxes[f"right {part}"].x0 < 112 < boxes[f"left {part}"].x1


@pytest.mark.parametrize("side", [150, 448])
def test_a_picture_of_another_side_gives_the_same_boxes_in_its_own_frame(picture, side):
    other = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR))
    found, reference = localize("phantom_unet", other), localize("phantom_unet", picture)
    assert found.frame == Frame("study", side, side)
    for lung in ("left lung", "right lung"):
        x0, y0, x1, y1 = (value * side / 224 for value in reference.boxes[lung].xyxy)
        assert box_iou(found.boxes[lung], Box(x0, y0, x1, y1, found.frame)) > 0.95


def test_a_standard_is_chosen_by_name_and_recorded_and_without_one_nothing_changes(picture):
    learned, drawn, mask = (
        localize("phantom_unet", picture, standard) for standard in (None, "drawn", "mask")
    )
    for side in ("left", "right"):
        lung, clavicle = f"{side} lung", f"{side} clavicle"
        assert drawn.boxes[lung].area > 1.1 * learned.boxes[lung].area
        assert 0.8 * learned.boxes[lung].area < mask.boxes[lung].area <= learned.boxes[lung].area
        assert mask.boxes[clavicle].width < drawn.boxes[clavicle].width == learned.boxes[clavicle].width
    records = {standard: localizer_record("phantom_unet", standard) for standard in (None, "drawn", "mask")}
    assert records["drawn"]["settings"] == "PhantomUnet(net=None, standard='drawn')"
    assert len({record["settings"] for record in records.values()}) == 3


def test_a_standard_that_is_none_or_that_a_localizer_does_not_have_is_told(picture):
    with pytest.raises(UnknownName, match="drawn or mask"):
        PhantomUnet(standard="tight")
    with pytest.raises(UnknownName, match="drawn or mask"):
        localize("phantom_unet", picture, "tight")
    with pytest.raises(Unsupported, match="the localizer mean_box has one way to give boxes"):
        localize("mean_box", picture, "drawn")


def test_what_the_network_does_not_see_is_missing_not_left_out_in_silence(picture):
    class HeartOnly:
        def __call__(self, pictures):
            logits = torch.full((1, len(CONCEPTS), 56, 56), -1.0)
            logits[0, CONCEPTS.index("cardiac silhouette"), 10:20, 10:20] = 1.0
            return logits

    regions = PhantomUnet(net=HeartOnly()).localize(picture)
    seen = ("cardiac silhouette", "mediastinum")
    assert tuple(regions.boxes) == seen
    assert regions.missing == tuple(concept for concept in CONCEPTS if concept not in seen)
    assert box_iou(regions.boxes["cardiac silhouette"], Box(40, 40, 80, 80, regions.frame)) > 0.9
