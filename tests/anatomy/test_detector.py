"""The open-vocabulary detector's code path on a tiny random OWLv2."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import Owlv2Config, Owlv2ForObjectDetection, Owlv2Processor, PreTrainedTokenizerFast
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

from medground_bench.anatomy.detector import BOXES_A_PHRASE, Detector, open_detector
from medground_bench.types import Frame
from tests.tiny_lvlms import radiograph

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
