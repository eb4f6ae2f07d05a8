"""The open-vocabulary detector's code path on tiny random OWLv2 and Grounding DINO, and on outputs set by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import Owlv2Config, Owlv2ForObjectDetection, Owlv2Processor, PreTrainedTokenizerFast
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

from medground_bench.anatomy.detector import BOXES_A_PHRASE, Detector, open_detector
from medground_bench.core.types import Box, Frame
from medground_bench.pictures import to_study
from tests.kit.tiny_localizers import save_grounding_dino
from tests.kit.tiny_lvlms import radiograph

PHRASES = ("shiny spot", "tube")
SPECIAL = {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "<end>"}
STUDY = Frame("study", width=64, height=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny_owl")
    words = Tokenizer(models.WordLevel(unk_token=SPECIAL["unk_token"]))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(PHRASES, trainers.WordLevelTrainer(special_tokens=list(SPECIAL.values())))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=8, **SPECIAL)
    shapes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Owlv2Config(
        text_config={**shapes, "vocab_size": 16, "max_position_embeddings": 8},
        vision_config={**shapes, "image_size": 64, "patch_size": 16},
        projection_dim=16,
    )
    torch.manual_seed(0)
    Owlv2ForObjectDetection(config).save_pretrained(path)
    pixels = Owlv2ImageProcessorPil(size={"height": 64, "width": 64})
    Owlv2Processor(pixels, tokenizer).save_pretrained(path)
    return path


@pytest.fixture
def detector(folder):
    opened = open_detector(str(folder))
    return Detector(opened.model, opened.processor, threshold=0.0)


def test_every_phrase_gets_its_best_boxes_inside_the_picture(detector):
    picture = radiograph(3, width=64, height=64)
    found = detector.boxes(picture, PHRASES)
    assert tuple(found) == PHRASES
    assert sum(map(len, found.values())) > 0 and max(map(len, found.values())) <= BOXES_A_PHRASE
    for box in (box for boxes in found.values() for box in boxes):
        assert box.frame == STUDY and 0 <= box.x0 < box.x1 <= 64 and 0 <= box.y0 < box.y1 <= 64
    assert found == detector.boxes(picture, PHRASES)
    assert found != detector.boxes(np.ascontiguousarray(picture[::-1]), PHRASES)


def test_a_threshold_that_nothing_reaches_finds_nothing(detector):
    strict = Detector(detector.model, detector.processor, threshold=1.0)
    assert strict.boxes(radiograph(3, width=64, height=64), PHRASES) == {"shiny spot": (), "tube": ()}


def test_it_is_opened_once_and_frozen(folder):
    assert open_detector(str(folder)) is open_detector(str(folder))
    assert not any(weight.requires_grad for weight in open_detector(str(folder)).model.parameters())


@pytest.fixture(scope="module")
def dino_folder(tmp_path_factory):
    return save_grounding_dino(tmp_path_factory.mktemp("tiny_dino") / "dino")


@pytest.fixture
def says(dino_folder):
    """A Detector with Grounding DINO's real processor whose model says what it is told: boxes and token scores."""
    processor = open_detector(str(dino_folder)).processor

    def make(boxes, by_token, threshold=0.1):
        # Beyond the text the real model gives minus infinity.
        logits = torch.full((1, len(boxes), 64), -torch.inf)
        shares = torch.tensor(by_token, dtype=torch.float32)
        logits[0, :, : shares.shape[1]] = torch.logit(shares)
        outputs = SimpleNamespace(pred_boxes=torch.tensor([boxes]), logits=logits)
        config = SimpleNamespace(model_type="grounding-dino")

        class Says(SimpleNamespace):
            def __call__(self, **_inputs):
                return outputs

        return Detector(Says(config=config, device="cpu"), processor, threshold)

    return make


# [CLS] left lung . right lung . [SEP]
TWO_LUNGS = ("left lung", "right lung")
EVERYTHING = [[0.5] * 8]


def test_relative_boxes_land_in_the_pixels_of_a_square_picture(says):
    found = says([[0.5, 0.5, 0.5, 0.25]], EVERYTHING).boxes(np.zeros((64, 64), np.uint8), ["left lung"])
    assert found["left lung"] == (Box(16, 24, 48, 40, STUDY),)


def test_relative_boxes_land_in_the_native_pixels_of_a_letterboxed_picture(says):
    study = to_study(np.full((100, 200), 9, np.uint8), 64)  # 64 x 32 px of content, from row 16 on
    [box] = says([[0.5, 0.5, 0.5, 0.25]], EVERYTHING).boxes(study.picture, ["left lung"])["left lung"]
    assert study.letterbox.to_native(box).xyxy == (50, 25, 150, 75)


def test_what_lies_outside_the_picture_is_cut_off_and_a_box_with_nothing_left_is_no_box(says):
    boxes = [[0.0, 0.0, 0.5, 0.5], [1.5, 0.5, 0.2, 0.2]]
    found = says(boxes, EVERYTHING * 2).boxes(np.zeros((64, 64), np.uint8), ["left lung"])
    assert found["left lung"] == (Box(0, 0, 16, 16, STUDY),)


def test_a_phrase_scores_the_mean_of_its_own_tokens(says):
    centres = [[0.25, 0.5, 0.1, 0.1], [0.75, 0.5, 0.1, 0.1], [0.5, 0.5, 0.1, 0.1]]
    #                left lung .  right lung .
    scores = [[0.01, 0.9, 0.8, 0.01, 0.1, 0.8, 0.01, 0.01],
              [0.01, 0.1, 0.8, 0.01, 0.9, 0.8, 0.01, 0.01],
              [0.01, 0.1, 0.2, 0.99, 0.1, 0.2, 0.99, 0.99]]  # fmt: skip
    found = says(centres, scores, threshold=0.4).boxes(np.zeros((64, 64), np.uint8), TWO_LUNGS)
    places = {phrase: [round(box.x0 + box.x1) for box in boxes] for phrase, boxes in found.items()}
    assert places == {"left lung": [32, 96], "right lung": [96, 32]}
    strict = says(centres, scores, threshold=0.6).boxes(np.zeros((64, 64), np.uint8), TWO_LUNGS)
    assert [len(boxes) for boxes in strict.values()] == [1, 1]


def test_a_phrase_without_a_word_and_one_with_a_full_stop_do_not_shift_the_others(says):
    # [CLS] . left lung . right lung . [SEP]
    scores = [[0.01, 0.9, 0.2, 0.2, 0.9, 0.8, 0.8, 0.9, 0.9]]
    found = says([[0.5, 0.5, 0.5, 0.5]], scores, threshold=0.5).boxes(
        np.zeros((64, 64), np.uint8), ["...", "left. lung", "right lung."]
    )
    assert [len(boxes) for boxes in found.values()] == [0, 0, 1]


def test_a_phrase_beyond_the_length_of_the_text_is_not_found(says):
    phrases = ["left lung"] * 30
    detector = says([[0.5, 0.5, 0.5, 0.5]], [[0.5] * 64])
    assert len(detector.boxes(np.zeros((64, 64), np.uint8), [*phrases, "mediastinum"])["mediastinum"]) == 0


def test_a_real_grounding_dino_gives_every_phrase_its_boxes(dino_folder):
    detector = Detector(
        *(getattr(open_detector(str(dino_folder)), part) for part in ("model", "processor")), 0.0
    )
    picture = radiograph(3, width=64, height=64)
    found = detector.boxes(picture, TWO_LUNGS)
    assert all(1 <= len(found[phrase]) <= BOXES_A_PHRASE for phrase in TWO_LUNGS)
    assert found == detector.boxes(picture, TWO_LUNGS)
    assert found != detector.boxes(np.ascontiguousarray(picture[::-1]), TWO_LUNGS)
