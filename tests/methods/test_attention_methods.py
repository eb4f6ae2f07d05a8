"""Rollout and gradient-weighted attention, against textbook versions on transformers' slow attention."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medground_bench.core.errors import MedgroundError
from medground_bench.lvlms import Rule
from medground_bench.methods.attention_rollout import AttentionRollout
from medground_bench.methods.grad_attention import GradAttention
from medground_bench.methods.grad_weighted_attention import GradWeightedAttention
from tests.kit.frozen_copies import freeze
from tests.kit.method_cases import own_case
from tests.kit.rounding import through

RNG = np.random.default_rng(0)


def _slow(raw, case):
    """Attentions (heads, length, length) of every layer with their graph, the target, and the two spans."""
    inputs = raw.inputs(case.picture, case.prompt, case.response.token_ids)
    inputs["pixel_values"] = inputs["pixel_values"].to(raw.model.dtype)
    ids = inputs["input_ids"][0]
    out = raw.model(**inputs, output_attentions=True)
    rows = slice(len(ids) - len(case.response.token_ids) - 1, len(ids) - 1)
    log_probs = out.logits[0, rows].log_softmax(-1)
    target = log_probs.gather(-1, torch.tensor(case.response.token_ids)[:, None]).sum()
    return out.attentions, target, rows, ids == raw.model.config.image_token_id


@pytest.mark.parametrize("first_layer", [0, 1])
@pytest.mark.parametrize("mode", ["direct", "reason"])
def test_rollout_is_the_textbooks(lvlm, raw, mode, first_layer):
    case = own_case(lvlm, mode=mode)
    attentions, _, rows, image = _slow(raw, case)
    product = torch.eye(len(image))
    for attention in attentions[first_layer:]:
        step = 0.5 * attention[0].mean(0) + 0.5 * torch.eye(len(image))
        step = step / step.sum(-1, keepdim=True)
        product = step @ product
    expected = product[rows][:, image].mean(0).detach().numpy()
    values = AttentionRollout(first_layer=first_layer).attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(values.ravel(), expected, atol=through(lvlm, expected.max()))


def test_the_order_of_the_product_matters(lvlm, raw):
    case = own_case(lvlm)
    attentions, _, rows, image = _slow(raw, case)
    wrong = torch.eye(len(image))
    for attention in attentions:
        wrong = wrong @ (0.5 * attention[0].mean(0) + 0.5 * torch.eye(len(image)))
    values = AttentionRollout().attribute(lvlm, case, RNG).saliency.values.ravel()
    assert not np.allclose(values, wrong[rows][:, image].mean(0).detach(), rtol=0.01)


@pytest.mark.parametrize("first_layer", [0, 2])
@pytest.mark.parametrize("mode", ["direct", "reason"])
def test_gradient_x_attention_is_the_papers_update_from_the_first_layer_up(lvlm, raw, mode, first_layer):
    case = own_case(lvlm, mode=mode)
    attentions, target, rows, image = _slow(raw, case)
    gradients = torch.autograd.grad(target, attentions)
    relevance = torch.eye(len(image))
    for attention, gradient in list(zip(attentions, gradients, strict=True))[first_layer:]:
        relevance = relevance + (gradient * attention).relu()[0].mean(0) @ relevance
    expected = relevance[rows][:, image].mean(0).detach().numpy()
    values = GradAttention(first_layer=first_layer).attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(values.ravel(), expected, atol=through(lvlm, expected.max(), back=True))
    assert values.max() > 0


@pytest.mark.parametrize("first_layer", [0, 2])
@pytest.mark.parametrize("mode", ["direct", "reason"])
def test_gradient_weighted_attention_rolls_out_gradient_x_relevance(double, mode, first_layer, monkeypatch):
    """In float64: gradients of the model as it is, then relevance by a copy whose constants are detached."""
    lvlm, raw = double
    case = own_case(lvlm, mode=mode)
    attentions, target, rows, image = _slow(raw, case)
    gradients = torch.autograd.grad(target, attentions)
    freeze(monkeypatch, raw.model.model.language_model, Rule.ATTNLRP)
    frozen, said, _rows, _image = _slow(raw, case)
    handed_on = torch.autograd.grad(said, frozen)
    start = lvlm.relevance(case.picture, case.prompt, case.response, rule=Rule.CP).target
    product = torch.eye(len(image), dtype=torch.float64)
    for layer in range(first_layer, len(attentions)):
        relevance = (frozen[layer] * handed_on[layer]).relu() / abs(start)
        product = product + (gradients[layer] * relevance).relu()[0].mean(0) @ product
    expected = product[rows][:, image].mean(0).detach().numpy()
    values = GradWeightedAttention(first_layer=first_layer).attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(values.ravel(), expected, rtol=1e-5, atol=1e-9 * expected.max())
    assert values.max() > 0


def test_the_two_rules_of_chefer_give_two_maps(lvlm):
    case = own_case(lvlm)
    one, other = (
        method().attribute(lvlm, case, RNG).saliency.values.ravel()
        for method in (GradAttention, GradWeightedAttention)
    )
    assert np.corrcoef(one, other)[0, 1] < 0.999


@pytest.mark.parametrize("method", [AttentionRollout, GradAttention, GradWeightedAttention])
@pytest.mark.parametrize("layer", [-1, 3])
def test_a_first_layer_that_is_not_there_is_answered_with_the_range(lvlm, method, layer):
    with pytest.raises(
        MedgroundError, match=f"no layer {layer}: its decoder layers are 0 to 2|counted from 0"
    ):
        method(first_layer=layer).attribute(lvlm, own_case(lvlm), RNG)


def test_layers_are_shown_one_by_one_upwards_and_with_gradients_downwards(lvlm):
    case, up, down = own_case(lvlm), [], []
    lvlm.walk_attention(case.picture, case.prompt, case.response, up.append)
    lvlm.walk_attention_gradients(case.picture, case.prompt, case.response, down.append)
    assert [shown.layer for shown in up] == [0, 1, 2] and [shown.layer for shown in down] == [2, 1, 0]
    for shown, other in zip(up, reversed(down), strict=True):
        assert shown.gradients is None and other.gradients.shape == other.weights.shape
        torch.testing.assert_close(shown.weights, other.weights)
        torch.testing.assert_close(shown.weights.sum(-1), torch.ones(shown.weights.shape[:2]))
