"""Greedy responses and teacher-forced log-probabilities, against transformers' own generate and a hand-written loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medground_bench.core.types import Response
from medground_bench.lvlms.engine import word_log_probs
from medground_bench.lvlms.engine.passes import Passes
from tests.kit.rounding import through
from tests.kit.tiny_lvlms import DIRECT, REASON, radiograph

NEW_TOKENS = 6


def test_a_response_is_transformers_own_greedy_generation(lvlm, raw):
    picture = radiograph(1)
    inputs = raw.inputs(picture, REASON)
    own = raw.model.generate(
        **inputs,
        max_new_tokens=NEW_TOKENS,
        do_sample=False,
        repetition_penalty=1.0,
        top_k=None,
        temperature=None,
    )[0, inputs["input_ids"].shape[1] :].tolist()
    response = lvlm.generate([picture], [REASON], max_new_tokens=NEW_TOKENS)[0]
    stop = next((place for place, token in enumerate(own) if token in lvlm.stop_ids), len(own))
    assert list(response.token_ids) == own[:stop]
    assert "".join(response.tokens) == response.text


def test_sampling_settings_of_the_checkpoint_do_not_leak_into_responses(lvlm, raw):
    assert raw.model.generation_config.repetition_penalty == 5.0, "the checkpoint has to try"
    ours = lvlm.loaded.model.generation_config
    assert (ours.do_sample, ours.repetition_penalty, ours.top_k, ours.temperature) == (False, 1.0, None, None)


def test_a_mixed_batch_of_prompts_and_pictures_equals_one_at_a_time(lvlm):
    pictures = [radiograph(seed) for seed in (1, 2, 3, 1, 2)] + [radiograph(4, width=84)]
    prompts = [DIRECT, REASON, DIRECT, REASON, "Is there a nodule?", DIRECT]
    together = lvlm.generate(pictures, prompts, max_new_tokens=NEW_TOKENS)
    alone = [
        lvlm.generate([picture], [prompt], max_new_tokens=NEW_TOKENS)[0]
        for picture, prompt in zip(pictures, prompts, strict=True)
    ]
    assert [response.token_ids for response in together] == [response.token_ids for response in alone]
    assert len({response.token_ids for response in together}) > 1, "the pictures or prompts must matter"


def test_equal_pictures_of_a_call_are_encoded_once(lvlm):
    passes = Passes()
    pictures = [radiograph(1)] * 5 + [radiograph(2)]
    lvlm.counted_by(passes).generate(pictures, [DIRECT, REASON] * 3, max_new_tokens=1)
    assert passes.pictures == 2


def test_the_end_of_turn_and_what_follows_are_cut_by_id(lvlm, monkeypatch):
    tokenizer, model = lvlm.loaded.tokenizer, lvlm.loaded.model
    end = tokenizer.convert_tokens_to_ids(lvlm.family.turn_end)
    yes = tokenizer("Yes", add_special_tokens=False)["input_ids"]
    monkeypatch.setattr(
        model,
        "generate",
        lambda input_ids, **_: torch.cat([input_ids, torch.tensor([[*yes, end, *yes]])], dim=1),
    )
    response = lvlm.generate([radiograph()], [DIRECT])[0]
    assert response == Response("Yes", tuple(yes), response.tokens)


def test_a_thought_block_stays_in_the_text(tiny_lvlms, monkeypatch):
    lvlm = tiny_lvlms["gemma3"]
    said = "<unused94>thought\nThe left lung<unused95>No"
    ids = lvlm.loaded.tokenizer(said, add_special_tokens=False)["input_ids"]
    monkeypatch.setattr(
        lvlm.loaded.model,
        "generate",
        lambda input_ids, **_: torch.cat([input_ids, torch.tensor([ids])], dim=1),
    )
    assert lvlm.generate([radiograph()], [REASON])[0].text == said


def test_a_character_that_spans_tokens_is_whole_in_one_piece(lvlm, monkeypatch):
    said = "Größe 3 µm, ≥ 2 Ödeme"
    ids = lvlm.loaded.tokenizer(said, add_special_tokens=False)["input_ids"]
    monkeypatch.setattr(
        lvlm.loaded.model,
        "generate",
        lambda input_ids, **_: torch.cat([input_ids, torch.tensor([ids])], dim=1),
    )
    response = lvlm.generate([radiograph()], [REASON])[0]
    assert response.text == said == "".join(response.tokens)
    assert not any("\ufffd" in piece for piece in response.tokens)


@pytest.mark.parametrize("text", ["Yes", "No evidence of pleural effusion in the image"])
def test_log_probs_equal_a_loop_that_appends_one_token_at_a_time(lvlm, raw, text):
    picture = radiograph(5)
    response = _response(lvlm, text)
    expected = []
    with torch.no_grad():
        for place, token in enumerate(response.token_ids):
            logits = raw.model(**raw.inputs(picture, DIRECT, response.token_ids[:place])).logits
            expected.append(float(logits[0, -1].double().log_softmax(-1)[token]))
    np.testing.assert_allclose(
        lvlm.log_probs([picture], DIRECT, response)[0], expected, atol=through(lvlm, np.abs(expected).max())
    )


def test_a_batch_of_pictures_equals_one_at_a_time_and_the_picture_matters(lvlm):
    pictures, response = [radiograph(seed) for seed in range(20)], _response(lvlm, "Yes the left lung")
    together = lvlm.log_probs(pictures, REASON, response)
    alone = np.concatenate([lvlm.log_probs([picture], REASON, response) for picture in pictures])
    assert together.shape == (20, len(response.token_ids)) and together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=through(lvlm, abs(alone).max()))
    assert together.sum(axis=1).std() > 0.01


def test_the_prompt_matters(lvlm):
    picture, response = [radiograph(1)], _response(lvlm, "Yes")
    assert abs(lvlm.log_probs(picture, DIRECT, response) - lvlm.log_probs(picture, REASON, response)) > 1e-3


def test_long_responses_are_cut_into_blocks_of_logits_without_changing_a_value(lvlm, monkeypatch):

    pictures, response = [radiograph(1), radiograph(2)], _response(lvlm, "Yes the left lung")
    whole = lvlm.log_probs(pictures, DIRECT, response)
    gradients = lvlm.pixel_gradients([pictures[0].astype(np.float32)], DIRECT, response)
    monkeypatch.setattr(word_log_probs, "FLOATS_AT_ONCE", 1000)
    np.testing.assert_allclose(
        lvlm.log_probs(pictures, DIRECT, response), whole, atol=through(lvlm, abs(whole).max())
    )
    again = lvlm.pixel_gradients([pictures[0].astype(np.float32)], DIRECT, response)
    np.testing.assert_allclose(again, gradients, atol=through(lvlm, abs(gradients).max(), back=True))


def test_an_empty_response_has_no_log_probs(lvlm):
    assert lvlm.log_probs([radiograph()], DIRECT, Response("", (), ())).shape == (1, 0)


def _response(lvlm, text: str) -> Response:
    ids = lvlm.loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
    return Response(text, tuple(ids), tuple(map(str, ids)))
