"""Localizers by MedSAM, Grounding DINO and SAM 3, on tiny random checkpoints of the real classes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, Sam3Model

from medground_bench.anatomy.detector import open_detector
from medground_bench.anatomy.refiners.medsam import open_medsam
from medground_bench.anatomy.regions import touched_pixels
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.geometry import tight_box
from medground_bench.core.types import Frame
from medground_bench.localizers import localize
from medground_bench.localizers import sam3 as sam3_module
from medground_bench.localizers.grounding_dino import GroundingDino
from medground_bench.localizers.grounding_dino_medsam import GroundingDinoMedsam
from medground_bench.localizers.sam3 import Sam3, open_sam3
from medground_bench.localizers.uot_medsam import UotMedsam
from medground_bench.pictures import to_study
from tests.kit.tiny_localizers import save_grounding_dino, save_sam, save_sam3
from tests.kit.tiny_lvlms import radiograph

STUDY = Frame("study", width=112, height=112)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("big_models")
    saved = {
        "sam": save_sam(root / "sam"),
        "dino": save_grounding_dino(root / "dino"),
        "sam3": save_sam3(root / "sam3"),
    }
    return {name: str(path) for name, path in saved.items()}


@pytest.fixture
def picture():
    return radiograph(3, width=112, height=112)


def calls_of(*modules):
    """Count the passes through modules: (list of input batch sizes by module, how to stop)."""
    counts = [[] for _ in modules]
    hooks = [
        module.register_forward_hook(lambda _module, given, _out, count=count: count.append(len(given)))
        for module, count in zip(modules, counts, strict=True)
    ]
    return counts, lambda: [hook.remove() for hook in hooks]


def test_uot_medsam_refines_the_boxes_of_uot_in_one_encoder_and_one_decoder_pass(folders, picture):
    medsam = open_medsam(folders["sam"])
    counts, stop = calls_of(medsam.model.vision_encoder, medsam.model.mask_decoder)
    regions = UotMedsam(refiner=folders["sam"]).localize(picture)
    stop()
    assert [len(count) for count in counts] == [1, 1]
    rough = localize("uot", picture)
    masks = medsam.masks(picture, tuple(rough.boxes.values()))
    for concept, mask in zip(rough.boxes, masks, strict=True):
        expected = mask if mask.any() else rough.masks[concept]
        assert np.array_equal(regions.masks[concept], expected)
        assert regions.boxes[concept] == (tight_box(mask, STUDY) or rough.boxes[concept])
    assert regions.reference == rough.reference and regions.boxes != rough.boxes


def test_grounding_dino_gives_every_concept_its_best_box(folders, picture):
    regions = GroundingDino(detector=folders["dino"]).localize(picture)
    found = open_detector(folders["dino"]).boxes(picture, CONCEPTS)
    assert regions.frame == STUDY and regions.boxes
    for concept, boxes in found.items():
        assert regions.boxes.get(concept) == (boxes[0] if boxes else None)
        assert (concept in regions.missing) == (not boxes)
    for concept, box in regions.boxes.items():
        assert np.array_equal(regions.masks[concept], touched_pixels(box))


def test_a_threshold_that_nothing_reaches_leaves_every_concept_missing(folders, picture):
    assert GroundingDino(detector=folders["dino"], threshold=1.0).localize(picture).missing == CONCEPTS
    assert Sam3(checkpoint=folders["sam3"], threshold=1.0).localize(picture).missing == CONCEPTS


def test_grounding_dino_medsam_refines_what_grounding_dino_found(folders, picture):
    boxes = GroundingDino(detector=folders["dino"])
    regions = GroundingDinoMedsam(boxes=boxes, refiner=folders["sam"]).localize(picture)
    rough = boxes.localize(picture)
    masks = open_medsam(folders["sam"]).masks(picture, tuple(rough.boxes.values()))
    assert tuple(regions.boxes) == tuple(rough.boxes) and regions.missing == rough.missing
    for (concept, box), mask in zip(rough.boxes.items(), masks, strict=True):
        assert regions.boxes[concept] == (tight_box(mask, STUDY) or box)


def test_the_environment_says_which_weights(folders, picture, monkeypatch):
    monkeypatch.setenv("MEDGROUND_MEDSAM", folders["sam"])
    monkeypatch.setenv("MEDGROUND_GROUNDING_DINO", folders["dino"])
    monkeypatch.setenv("MEDGROUND_SAM3", folders["sam3"])
    assert UotMedsam().refiner == GroundingDinoMedsam().refiner == folders["sam"]
    assert GroundingDinoMedsam().boxes.detector == folders["dino"]
    assert Sam3().checkpoint == folders["sam3"]


def test_sam3_sees_a_picture_once_and_finds_what_transformers_own_model_finds(folders, picture):
    sam = open_sam3(folders["sam3"])
    counts, stop = calls_of(sam.model.vision_encoder, sam.model.detr_decoder)
    regions = Sam3(checkpoint=folders["sam3"], threshold=0.0).localize(picture)
    stop()
    assert [len(count) for count in counts] == [1, len(CONCEPTS)]
    assert regions.frame == STUDY and len(regions.boxes) + len(regions.missing) == len(CONCEPTS)

    model = Sam3Model.from_pretrained(folders["sam3"]).eval()
    tokenizer = AutoTokenizer.from_pretrained(folders["sam3"])
    for concept, mask in regions.masks.items():
        text = tokenizer(concept, padding="max_length", max_length=32, return_tensors="pt")
        with torch.no_grad():
            found = model(
                pixel_values=sam.pixels(picture),
                input_ids=text["input_ids"],
                attention_mask=text["attention_mask"],
            )
        best = found.pred_logits[0].argmax()
        share = torch.nn.functional.interpolate(found.pred_masks.sigmoid(), size=(112, 112), mode="bilinear")
        assert np.array_equal(mask, (share[0, best] > 0.5).numpy())
        assert regions.boxes[concept] == tight_box(mask, STUDY)
    assert len({mask.tobytes() for mask in regions.masks.values()}) > 1


def test_sam3_loads_from_the_hubs_layout_which_also_holds_the_video_tracker(folders, tmp_path):
    plain, video = Path(folders["sam3"]), tmp_path / "video"
    shutil.copytree(plain, video)
    tensors = load_file(plain / "model.safetensors")
    renamed = {f"detector_model.{name}": tensor for name, tensor in tensors.items()}
    save_file(renamed | {"tracker_model.x": torch.zeros(2)}, video / "model.safetensors", {"format": "pt"})
    detector = json.loads((plain / "config.json").read_text())
    config = {"model_type": "sam3_video", "detector_config": detector, "tracker_config": {}}
    (video / "config.json").write_text(json.dumps(config))
    loaded = sam3_module.open_sam3(str(video))
    assert all(torch.equal(loaded.model.state_dict()[name].cpu(), each) for name, each in tensors.items())


def test_sam3_prepares_a_picture_by_the_checkpoints_own_numbers(folders, picture):
    sam = open_sam3(folders["sam3"])
    small = radiograph(4, width=56, height=56).copy()
    assert torch.equal(sam.pixels(small)[0, 1], (torch.from_numpy(small) / 255.0 - 0.4) / 0.25)
    # torchvision, which the checkpoint's own processor runs on, resizes 8-bit pictures by this very call of torch.
    pixels = torch.from_numpy(picture.copy())[None, None]
    for side in (56, 150):
        resized = torch.nn.functional.interpolate(pixels, size=(side, side), mode="bilinear", antialias=True)
        grey = replace(sam, side=side).pixels(picture)[0, 0] * 0.25 + 0.4
        assert torch.allclose(grey * 255, resized[0, 0].float(), atol=1.01)


def test_masks_of_sam3_land_in_the_native_pixels_of_a_letterboxed_picture(folders, monkeypatch):
    """Outputs set by hand: of two instances the better one covers the middle quarter of the study frame."""
    study = to_study(radiograph(3, width=200, height=100), 112)
    logits = torch.full((1, 2, 8, 8), -9.0)
    logits[0, 1, 3:5, 2:6] = 9.0
    found = SimpleNamespace(
        pred_logits=torch.tensor([[0.0, 2.0]]), presence_logits=torch.tensor([[0.0]]), pred_masks=logits
    )

    class Says(SimpleNamespace):
        def __call__(self, **_given):
            return found

    real = open_sam3(folders["sam3"])
    says = Says(device="cpu", get_vision_features=lambda pixel_values: None)
    by_hand = sam3_module.LoadedSam3(says, real.tokenizer, 56, 0.4, 0.25)
    monkeypatch.setattr(sam3_module, "open_sam3", lambda location: by_hand)
    regions = Sam3(checkpoint="", threshold=0.4).localize(study.picture)
    assert not regions.missing
    for box in regions.boxes.values():
        # 2..6 of 8 columns and 3..5 of 8 rows of 112 px; the content is 112 x 56 px of a 200 x 100 picture.
        assert box.xyxy == (28, 42, 84, 70)
        assert study.letterbox.to_native(box).xyxy == pytest.approx((50, 25, 150, 75))
    assert len(Sam3(checkpoint="", threshold=0.45).localize(study.picture).missing) == len(CONCEPTS)
