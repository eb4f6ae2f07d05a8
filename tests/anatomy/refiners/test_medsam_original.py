"""MedSAM's original file: our side of segment-anything's interface, with transformers' SAM as the network behind it."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import SamModel

from medground_bench.anatomy.refiners.medsam import open_medsam
from medground_bench.anatomy.refiners.medsam_original import OriginalMedSam
from medground_bench.anatomy.weights import MEDSAM
from medground_bench.core.errors import SourceMissing, Unsupported
from medground_bench.core.types import Box, Frame
from tests.kit.tiny_localizers import save_sam
from tests.kit.tiny_lvlms import radiograph

STUDY = Frame("study", width=96, height=96)
BOXES = (Box(5, 10, 40, 50, STUDY), Box(50, 5, 96, 64, STUDY))


class AsSegmentAnything(torch.nn.Module):
    """transformers' SAM behind the calls of `segment_anything.Sam` that are used; counts them."""

    def __init__(self, sam: SamModel) -> None:
        super().__init__()
        self.sam, self.calls = sam, []
        self.seen: torch.Tensor | None = None
        encode = self._encode
        self.image_encoder = type("Encoder", (), {"img_size": 64, "__call__": lambda _self, x: encode(x)})()

    def _encode(self, pixels):
        self.calls.append("encoder")
        self.seen = pixels
        return self.sam.vision_encoder(pixels).last_hidden_state

    @property
    def prompt_encoder(self):
        def prompts(points, boxes, masks):
            assert points is None and masks is None
            sparse, dense = self.sam.prompt_encoder(
                input_points=None, input_labels=None, input_boxes=boxes[None, :, 0], input_masks=None
            )
            return sparse[0], dense

        prompts.get_dense_pe = self.sam.get_image_wide_positional_embeddings
        return prompts

    def mask_decoder(self, image_embeddings, image_pe, sparse_prompt_embeddings, dense_prompt_embeddings,
                     multimask_output):  # fmt: skip
        self.calls.append(f"decoder of {len(sparse_prompt_embeddings)}")
        masks, quality = self.sam.mask_decoder(
            image_embeddings=image_embeddings, image_positional_embeddings=image_pe,
            sparse_prompt_embeddings=sparse_prompt_embeddings[None],
            dense_prompt_embeddings=dense_prompt_embeddings, multimask_output=multimask_output,
        )[:2]  # fmt: skip
        return masks[0], quality[0]


@pytest.fixture(scope="module")
def sam(tmp_path_factory):
    return SamModel.from_pretrained(save_sam(tmp_path_factory.mktemp("tiny_sam"))).eval()


def test_masks_are_those_of_the_same_network_on_a_picture_stretched_to_0_1(sam):
    picture = radiograph(3, width=96, height=96)
    behind = AsSegmentAnything(sam)
    masks = OriginalMedSam(behind).masks(picture, BOXES)
    assert behind.calls == ["encoder", "decoder of 2"]
    large = np.array(Image.fromarray(picture).resize((64, 64), Image.Resampling.BICUBIC), np.float32)
    stretched = (large - large.min()) / (large.max() - large.min())
    assert behind.seen.shape == (1, 3, 64, 64)
    assert all(np.allclose(channel, stretched, atol=1e-6) for channel in behind.seen[0])
    for box, mask in zip(BOXES, masks, strict=True):
        corners = torch.tensor([[[value * 64 / 96 for value in box.xyxy]]])
        with torch.no_grad():
            low = sam(pixel_values=behind.seen, input_boxes=corners, multimask_output=False).pred_masks[0]
        shares = torch.nn.functional.interpolate(low.sigmoid(), size=(96, 96), mode="bilinear")
        assert np.array_equal(mask, shares[0, 0].numpy() > 0.5)
    assert any(0 < mask.mean() < 1 for mask in masks)


def test_no_box_needs_no_pass():
    assert OriginalMedSam(None).masks(np.zeros((96, 96), np.uint8), ()) == ()


@pytest.fixture
def registry(monkeypatch):
    """A stand-in for the package segment_anything whose ViT-B is one linear layer."""
    package = SimpleNamespace(sam_model_registry={"vit_b": lambda: torch.nn.Linear(2, 2)})
    monkeypatch.setitem(sys.modules, "segment_anything", package)


def test_a_file_is_read_as_plain_tensors_and_the_model_is_frozen(registry, tmp_path):
    file = tmp_path / "medsam_vit_b.pth"
    weights = {"weight": torch.ones(2, 2), "bias": torch.zeros(2)}
    torch.save(weights, file)
    opened = open_medsam(str(file))
    assert torch.equal(opened.model.weight.cpu(), weights["weight"])
    assert not any(each.requires_grad for each in opened.model.parameters())


class Harm:
    def __reduce__(self):
        return (exec, ("import sys; sys.harmed = True",))


@pytest.mark.parametrize("content", [{"other": 1}, Harm(), b"text"], ids=["other weights", "code", "no file"])
def test_a_file_with_anything_else_in_it_is_refused_and_nothing_in_it_runs(registry, tmp_path, content):
    file = tmp_path / "medsam.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    with pytest.raises(SourceMissing, match="does not hold the weights"):
        open_medsam(str(file))
    assert not hasattr(sys, "harmed")


def test_a_file_that_is_not_there_is_named_and_the_variable_only_where_it_named_the_file(
    tmp_path, monkeypatch
):
    gone = str(tmp_path / "gone.pth")
    monkeypatch.setenv(MEDSAM.variable, gone)
    with pytest.raises(SourceMissing, match=r"there is no file .*gone\.pth\. Check MEDGROUND_MEDSAM\."):
        open_medsam(gone)
    monkeypatch.setenv(MEDSAM.variable, "/another.pth")
    with pytest.raises(SourceMissing, match=r"there is no file .*gone\.pth\. Give another location\."):
        open_medsam(gone)


def test_without_segment_anything_one_paragraph_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "segment_anything", None)
    file = tmp_path / "medsam_vit_b.pth"
    file.touch()
    install = r"pip install 'medground-bench\[medsam\]' torchvision; or "
    with pytest.raises(
        Unsupported, match=f"{install}give the location of the hub's copy instead, {MEDSAM.pinned}"
    ):
        open_medsam(str(file))
    monkeypatch.setenv(MEDSAM.variable, str(file))
    with pytest.raises(Unsupported, match=f"{install}unset MEDGROUND_MEDSAM to use the hub's copy"):
        open_medsam(str(file))
