from __future__ import annotations

import torch
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

from tests.performance.accelerator import GEMMA_4B_WHOLE, measure
from tests.tiny_lvlms import TINY_GEMMA


def test_the_measurement_runs_at_any_size_and_a_second_question_changes_no_number(tmp_path):
    measured = measure(tmp_path, TINY_GEMMA, "cpu", torch.float32, turns=1)
    assert min(measured.cold_s, measured.warm_s) > 0
    assert measured.difference == 0
    assert "second question" in str(measured)


def test_the_whole_size_has_as_many_parameters_as_gemma_3_4b():
    config = Gemma3Config(
        text_config=GEMMA_4B_WHOLE.text,
        vision_config=GEMMA_4B_WHOLE.vision | {"model_type": "siglip_vision_model", "vision_use_head": False},
        mm_tokens_per_image=GEMMA_4B_WHOLE.tokens,
    )
    with torch.device("meta"):
        model = Gemma3ForConditionalGeneration(config)
    assert 4.2e9 < model.num_parameters() < 4.4e9
