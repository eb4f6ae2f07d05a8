from __future__ import annotations

import pytest
import torch
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

from tests.kit.tiny_lvlms import TINY_GEMMA
from tests.performance.accelerator import GEMMA_4B_WHOLE, measure, method_times, random_lvlm


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return random_lvlm(tmp_path_factory.mktemp("random") / "gemma3", TINY_GEMMA, "cpu", torch.float32)


def test_the_measurement_runs_at_any_size_and_a_second_question_changes_no_number(tiny):
    measured = measure(tiny, "cpu", turns=1)
    assert min(measured.cold_s, measured.warm_s) > 0
    assert measured.difference == 0
    assert "second question" in str(measured)


def test_every_method_is_timed_in_both_modes_and_one_that_cannot_run_is_left_out(tiny):
    times = list(method_times(tiny, "cpu", ["lrp", "no_such_method"], turns=1))
    assert [(time.method, time.mode) for time in times] == [("lrp", "direct"), ("lrp", "reason")]
    assert all(time.seconds > 0 for time in times)


def test_the_whole_size_has_as_many_parameters_as_gemma_3_4b():
    config = Gemma3Config(
        text_config=GEMMA_4B_WHOLE.text,
        vision_config=GEMMA_4B_WHOLE.vision | {"model_type": "siglip_vision_model", "vision_use_head": False},
        mm_tokens_per_image=GEMMA_4B_WHOLE.tokens,
    )
    with torch.device("meta"):
        model = Gemma3ForConditionalGeneration(config)
    assert 4.2e9 < model.num_parameters() < 4.4e9
