"""MedSAM's code path on a tiny random SAM."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import SamModel, SamProcessor

from medground_bench.anatomy.refiners import refined, refined_regions
from medground_bench.anatomy.refiners.medsam import open_medsam
from medground_bench.anatomy.regions import regions_of_boxes
from medground_bench.core.geometry import tight_box
from medground_bench.core.types import Box, Frame
from tests.kit.tiny_localizers import save_sam
from tests.kit.tiny_lvlms import radiograph

STUDY = Frame("study", width=96, height=64)
BOXES = (Box(5, 10, 40, 50, STUDY), Box(50, 5, 96, 64, STUDY), Box(0, 0, 96, 64, STUDY))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_sam(tmp_path_factory.mktemp("tiny_sam"))


@pytest.fixture
def medsam(folder):
    return open_medsam(str(folder))


@pytest.fixture
def picture():
    return radiograph(3, width=96, height=64)


def test_every_box_gets_the_single_mask_of_transformers_own_sam(medsam, folder, picture):
    masks = medsam.masks(picture, BOXES)
    processor = SamProcessor.from_pretrained(folder, backend="pil")
    model = SamModel.from_pretrained(folder).eval()
    rgb = np.repeat(picture[..., None], 3, -1)
    for box, mask in zip(BOXES, masks, strict=True):
        inputs = processor(rgb, input_boxes=[[list(box.xyxy)]], return_tensors="pt")
        with torch.no_grad():
            outputs = model(
                pixel_values=inputs.pixel_values,
                input_boxes=inputs.input_boxes.float(),
                multimask_output=False,
            )
        [expected] = processor.image_processor.post_process_masks(
            outputs.pred_masks, inputs.original_sizes, inputs.reshaped_input_sizes
        )
        assert mask.shape == (64, 96) and mask.dtype == bool
        assert np.array_equal(mask, expected[0, 0].numpy())
    assert any(0 < mask.mean() < 1 for mask in masks)


def test_a_picture_is_encoded_once_and_all_boxes_are_decoded_at_once(medsam, picture):
    calls = {"encoder": 0, "decoder": 0}

    def count(name):
        return lambda *_: calls.__setitem__(name, calls[name] + 1)

    hooks = [
        medsam.model.vision_encoder.register_forward_hook(count("encoder")),
        medsam.model.mask_decoder.register_forward_hook(count("decoder")),
    ]
    medsam.masks(picture, BOXES)
    for hook in hooks:
        hook.remove()
    assert calls == {"encoder": 1, "decoder": 1}
    assert medsam.masks(picture, ()) == ()


def test_refined_boxes_are_the_tight_boxes_of_the_masks(medsam, picture):
    for mask, box, tight in zip(
        medsam.masks(picture, BOXES), BOXES, refined(medsam, picture, BOXES), strict=True
    ):
        rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
        expected = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if mask.any() else box.xyxy
        assert tight.xyxy == expected


def test_it_is_opened_once_and_frozen(medsam, folder):
    assert open_medsam(str(folder)) is medsam
    assert not any(weight.requires_grad for weight in medsam.model.parameters())


class Draws:
    """A refiner that draws what it is told to."""

    def __init__(self, *masks):
        self.drawn = masks

    def masks(self, picture, boxes):
        return self.drawn


def test_refined_regions_take_the_mask_and_its_tight_box_and_keep_what_was_where_the_mask_is_empty(picture):
    rough = regions_of_boxes({"left lung": BOXES[0], "right lung": BOXES[1]}, STUDY)
    mask = np.zeros((64, 96), bool)
    mask[20:30, 7:33] = True
    fine = refined_regions(Draws(mask, np.zeros_like(mask)), picture, rough)
    assert fine.boxes == {"left lung": Box(7, 20, 33, 30, STUDY), "right lung": BOXES[1]}
    assert fine.masks["left lung"] is mask
    assert tight_box(fine.masks["right lung"], STUDY) == BOXES[1]
    assert fine.missing == rough.missing and len(fine.missing) == 9


def test_nothing_found_is_nothing_to_refine(medsam, picture):
    nothing = regions_of_boxes({}, STUDY)
    assert refined_regions(medsam, picture, nothing).boxes == {}
