"""Attention and gradients, against transformers' slow attention, retained gradients and finite differences."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from medground_bench.core.errors import MedgroundError, MethodFailed
from medground_bench.core.types import Frame, Response
from medground_bench.lvlms import Rule
from medground_bench.lvlms.engine import attention, qwen_tower
from tests.kit.cells import cell
from tests.kit.rounding import through
from tests.kit.tiny_lvlms import DIRECT, REASON, radiograph


def test_answer_attention_equals_the_rows_of_the_slow_path(lvlm, raw, response):
    picture = radiograph(2)
    inputs = raw.inputs(picture, DIRECT, response.token_ids)
    with torch.no_grad():
        slow = raw.model(**inputs, output_attentions=True).attentions
    image = (inputs["input_ids"][0] == raw.model.config.image_token_id).nonzero()[:, 0]
    length, tokens = inputs["input_ids"].shape[1], len(response.token_ids)
    fast = lvlm.answer_attention(picture, DIRECT, response, layers=[2, 0])
    grid = lvlm.token_grid(Frame("study", width=56, height=56))
    assert fast.shape == (2, 4, tokens, grid.rows, grid.columns)
    for place, layer in enumerate((2, 0)):
        rows = slow[layer][0, :, length - tokens - 1 : length - 1][:, :, image]
        np.testing.assert_allclose(fast[place].reshape(4, tokens, -1), rows.numpy(), atol=through(lvlm))


def test_a_sliding_window_is_seen_in_the_recorded_rows(tmp_path):
    from dataclasses import replace

    from medground_bench.lvlms import open_lvlm
    from tests.kit.tiny_lvlms import TINY_GEMMA, save_gemma3

    near = replace(TINY_GEMMA, text={**TINY_GEMMA.text, "sliding_window": 8})
    lvlm = open_lvlm(str(save_gemma3(tmp_path / "near", near)), device="cpu")
    ids = tuple(lvlm.loaded.tokenizer("Yes", add_special_tokens=False)["input_ids"])
    seen = lvlm.answer_attention(
        radiograph(), DIRECT, Response("Yes", ids, ("Yes",) * len(ids)), layers=[0, 2]
    )
    assert seen[0].max() == 0, "the picture is further back than the window of a sliding layer"
    assert seen[1].max() > 0


def test_layer_gradients_equal_retained_gradients_of_the_whole_model(lvlm, raw, response):
    """Of what really enters a layer: `hidden_states` of transformers leaves out what Qwen3-VL adds between layers."""
    picture = radiograph(3)
    inputs = raw.inputs(picture, REASON, response.token_ids)
    with entering(raw.model.model.language_model) as whole:
        logits = raw.model(**inputs).logits[0]
    tokens, length = len(response.token_ids), inputs["input_ids"].shape[1]
    log_probs = logits[length - tokens - 1 : length - 1].log_softmax(-1)
    log_probs.gather(-1, torch.tensor(response.token_ids)[:, None]).sum().backward()
    image = (inputs["input_ids"][0] == raw.model.config.image_token_id).nonzero()[:, 0]
    for layer in range(lvlm.layers):
        ours = lvlm.layer_gradients(picture, REASON, response, layer=layer)
        assert (ours.grid.rows, ours.grid.columns) == ours.gradients.shape[:2]
        flat = (len(image), -1)
        states = whole[layer][0, image].detach().numpy()
        np.testing.assert_allclose(
            ours.activations.reshape(flat), states, atol=through(lvlm, abs(states).max())
        )
        gradient = whole[layer].grad[0, image].numpy()
        np.testing.assert_allclose(
            ours.gradients.reshape(flat), gradient, atol=through(lvlm, abs(gradient).max(), back=True)
        )
        assert abs(gradient).max() > 0
    assert whole[-1].grad[0, image].abs().max() == 0, "why the output of the last layer is not offered"


@contextmanager
def entering(decoder):
    """States entering every layer and the last norm, with their gradients once there are some."""
    states: list[torch.Tensor] = []

    def keep(_module, inputs):
        inputs[0].retain_grad()
        states.append(inputs[0])

    hooks = [module.register_forward_pre_hook(keep) for module in (*decoder.layers, decoder.norm)]
    yield states
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize("width, height", [(56, 56), (84, 112)])
def test_pixel_gradients_agree_with_finite_differences(lvlm, response, width, height):
    picture = radiograph(4, width=width, height=height).astype(np.float32) * 0.8 + 20
    gradient = lvlm.pixel_gradients([picture], DIRECT, response)[0]
    step = np.sign(gradient) * (
        0.02 / abs(gradient).sum()
    )  # 0.02 nats to either side, where the model is straight
    above, below = (
        lvlm.log_probs([moved.astype(np.float32)], DIRECT, response).sum(dtype=float)
        for moved in (picture + step, picture - step)
    )
    assert above - below == pytest.approx(0.04, rel=0.05)


def test_pixel_gradients_of_a_batch_equal_one_at_a_time(lvlm, response):
    pictures = [radiograph(seed).astype(np.float32) for seed in range(3)]
    together = lvlm.pixel_gradients(pictures, DIRECT, response)
    for picture, gradient in zip(pictures, together, strict=True):
        alone = lvlm.pixel_gradients([picture], DIRECT, response)[0]
        np.testing.assert_allclose(gradient, alone, atol=through(lvlm, abs(alone).max(), back=True))


def test_float_pictures_give_the_log_probs_of_their_grey_levels_up_to_rounding(lvlm, response):
    pictures = [radiograph(seed, width=84, height=112) for seed in range(4)]
    levels = lvlm.log_probs(pictures, DIRECT, response).sum(axis=1)
    floats = lvlm.log_probs([picture.astype(np.float32) for picture in pictures], DIRECT, response).sum(
        axis=1
    )
    assert abs(levels - floats).max() < 0.1 * levels.std()


@pytest.mark.parametrize("width, height", [(56, 56), (112, 84)])
def test_painting_one_token_finds_the_same_token_back(lvlm, width, height):
    frame = Frame("study", width=width, height=height)
    grid = lvlm.token_grid(frame)
    picture = np.full((height, width), 128, np.uint8)
    plain = _features(lvlm, picture)
    for token in range(grid.rows * grid.columns):
        row, column = divmod(token, grid.columns)
        painted = picture.copy()
        painted[cell(row, grid.rows, height), cell(column, grid.columns, width)] = 255
        change = (_features(lvlm, painted) - plain).norm(dim=-1)
        assert int(change.argmax()) == token


@pytest.mark.parametrize("width, height", [(56, 56), (112, 84)])
def test_the_pixels_that_move_one_token_lie_where_the_grid_says(lvlm, width, height):
    frame = Frame("study", width=width, height=height)
    grid, tower = lvlm.token_grid(frame), lvlm.family.tower_frame(frame)
    for token in (0, 1, grid.columns, grid.rows * grid.columns - 1):
        grey = torch.full((1, height, width), 128.0, requires_grad=True)
        values = lvlm.sight.pixels.of_floats(grey, width=tower.width, height=tower.height)
        features = lvlm.family.image_features(values)[0]
        weights = torch.from_numpy(np.random.default_rng(0).normal(size=features.shape[-1])).float()
        (gradient,) = torch.autograd.grad(features[token] @ weights, grey)
        sums = [
            float(gradient[0, cell(row, grid.rows, height), cell(column, grid.columns, width)].abs().sum())
            for row, column in np.ndindex(grid.rows, grid.columns)
        ]
        assert int(np.argmax(sums)) == token


@pytest.mark.parametrize("layer", [-1, 3, 99])
def test_a_layer_out_of_range_is_answered_with_the_range(lvlm, response, layer):
    with pytest.raises(MedgroundError, match=rf"no layer {layer}.*0 to 2"):
        lvlm.layer_gradients(radiograph(), DIRECT, response, layer=layer)
    with pytest.raises(MedgroundError, match="0 to 2"):
        lvlm.answer_attention(radiograph(), DIRECT, response, layers=[0, layer])


def test_an_empty_response_cannot_be_explained(lvlm):
    with pytest.raises(MethodFailed, match="no tokens"):
        lvlm.layer_gradients(radiograph(), DIRECT, Response("", (), ()), layer=1)


def test_nothing_is_left_on_the_model(lvlm, response):
    before = lvlm.log_probs([radiograph()], DIRECT, response)
    lvlm.answer_attention(radiograph(), DIRECT, response, layers=[1])
    lvlm.layer_gradients(radiograph(), DIRECT, response, layer=1)
    lvlm.pixel_gradients([radiograph().astype(np.float32)], DIRECT, response)
    assert all(not weight.requires_grad and weight.grad is None for weight in lvlm.loaded.model.parameters())
    assert not any(module._forward_pre_hooks for module in lvlm.loaded.model.modules())
    assert np.array_equal(lvlm.log_probs([radiograph()], DIRECT, response), before)


def test_neither_the_tower_nor_the_decoder_runs_the_slow_attention(lvlm, response):
    lvlm.answer_attention(radiograph(), DIRECT, response, layers=[1])
    lvlm.walk_attention_gradients(radiograph(), DIRECT, response, lambda attention: None)
    config = lvlm.loaded.model.config
    used = {part._attn_implementation for part in (config.vision_config, config.get_text_config())}
    assert used <= {"sdpa", attention.NAME, qwen_tower.NAME}


def test_threads_do_not_disturb_each_other(lvlm, response):
    from concurrent.futures import ThreadPoolExecutor

    def work(seed):
        picture, prompt = radiograph(seed), (DIRECT, REASON)[seed % 2]
        said = lvlm.generate([picture] * (1 + seed % 3), [prompt] * (1 + seed % 3), max_new_tokens=4)[0]
        attention = lvlm.answer_attention(picture, prompt, response, layers=[seed % 3])
        states = lvlm.layer_gradients(picture, prompt, response, layer=seed % 3)
        relevance = lvlm.relevance(picture, prompt, response, rule=tuple(Rule)[seed % 2], layer=seed % 3)
        return said.token_ids, float(attention.sum()), float(states.gradients.sum()), relevance.everywhere

    alone = [work(seed) for seed in range(6)]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(work, range(6)))
    for one, other in zip(alone, together, strict=True):
        assert one[0] == other[0]
        near = through(lvlm, back=True)
        assert one[1:] == pytest.approx(other[1:], rel=near, abs=near)


def _features(lvlm, picture):
    height, width = picture.shape
    tower = lvlm.family.tower_frame(Frame("study", width=width, height=height))
    values = lvlm.sight.pixels.of_levels([picture], width=tower.width, height=tower.height)
    return lvlm.family.image_features(values)[0]
