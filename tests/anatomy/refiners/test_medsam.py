"""MedSAM's code path on a tiny random SAM."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import SamConfig, SamModel, SamProcessor
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

from medground_bench.anatomy.refiners import medsam as module
from medground_bench.anatomy.refiners import refined
from medground_bench.anatomy.refiners.medsam import MEDSAM, medsam_at_hand, open_medsam
from medground_bench.types import Box, Frame
from tests.tiny_lvlms import radiograph

STUDY = Frame("study", width=96, height=64)
BOXES = (Box(5, 10, 40, 50, STUDY), Box(50, 5, 96, 64, STUDY), Box(0, 0, 96, 64, STUDY))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny_sam")
    sizes = {"image_size": 64, "patch_size": 8, "hidden_size": 16}
    decoder = {"hidden_size": 16, "mlp_dim": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = SamConfig(
        vision_config={**sizes, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
                       "mlp_dim": 32, "window_size": 4, "global_attn_indexes": [1], "num_pos_feats": 8},
        prompt_encoder_config={**sizes, "mask_input_channels": 4},
        mask_decoder_config={**decoder, "iou_head_hidden_dim": 16, "iou_head_depth": 2},
        initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(0)
    SamModel(config).save_pretrained(path)
    pixels = SamImageProcessorPil(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    SamProcessor(pixels).save_pretrained(path)
    return path


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


def test_weights_are_at_hand_only_when_the_pinned_commit_is_in_the_cache(tmp_path, monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert medsam_at_hand() is None
    repository, commit = module.MEDSAM.rsplit("@", 1)
    snapshot = tmp_path / f"models--{repository.replace('/', '--')}" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").touch()
    assert medsam_at_hand() == MEDSAM
