"""Layer-wise relevance propagation: against frozen copies of the models, and by what must be conserved."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medground_bench.core.errors import MedgroundError, Unsupported
from medground_bench.lvlms import Rule
from medground_bench.lvlms.engine import relevance
from tests.kit.frozen_copies import freeze
from tests.kit.method_cases import own_case
from tests.kit.rounding import through


@pytest.mark.parametrize("mode", ["direct", "reason"])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_cp_hands_on_all_relevance(double, mode, layer):
    lvlm, _ = double
    case = own_case(lvlm, mode=mode)
    found = lvlm.relevance(case.picture, case.prompt, case.response, rule=Rule.CP, layer=layer)
    assert abs(found.values).sum() > 0.01
    assert found.everywhere + found.biases == pytest.approx(found.target, rel=through(lvlm, back=True))


def test_only_biases_of_values_keep_relevance_back(doubles):
    kept = {}
    for family, (lvlm, _) in doubles.items():
        case = own_case(lvlm)
        kept[family] = lvlm.relevance(case.picture, case.prompt, case.response, rule=Rule.CP).biases
    assert kept["gemma3"] == kept["qwen3_vl"] == 0 and abs(kept["qwen2_5_vl"]) > 0.01


def test_what_is_handed_down_is_the_log_probability_and_the_entropy_of_each_prediction(double):
    lvlm, raw = double
    case = own_case(lvlm)
    logits, rows = _logits(raw, case)
    log_probs = logits[rows].log_softmax(-1)
    said = log_probs.gather(-1, torch.tensor(case.response.token_ids)[:, None]).sum()
    entropy = -(log_probs.exp() * log_probs).sum()
    found = lvlm.relevance(case.picture, case.prompt, case.response, rule=Rule.CP)
    assert found.target == pytest.approx(float((said + entropy).detach()), rel=through(lvlm))


@pytest.mark.parametrize("rule", list(Rule))
def test_relevance_is_that_of_a_copy_whose_constants_are_detached(double, rule, monkeypatch):
    """State x gradient of a model written out with `detach` where a rule says constant.

    What is added between layers is found as what enters one and did not leave the one before.
    """
    lvlm, raw = double
    case, decoder = own_case(lvlm), raw.model.model.language_model
    freeze(monkeypatch, decoder, rule)
    entering, leaving = [], []
    hooks = [
        module.register_forward_pre_hook(lambda _, inputs: entering.append(inputs[0]))
        for module in (*decoder.layers[1:], decoder.norm)
    ]
    hooks += [
        layer.register_forward_hook(lambda *call: leaving.append(call[2])) for layer in decoder.layers[1:]
    ]
    logits, rows = _logits(raw, case)
    for hook in hooks:
        hook.remove()
    target = logits[rows].log_softmax(-1).gather(-1, torch.tensor(case.response.token_ids)[:, None]).sum()
    gradients = torch.autograd.grad(target, entering)
    arrived = [entering[0], *(into - out for into, out in zip(entering[1:], leaving, strict=True))]
    added = sum((states * gradient).sum(-1)[0] for states, gradient in zip(arrived, gradients, strict=True))
    expected = added.detach()
    found = lvlm.relevance(case.picture, case.prompt, case.response, rule=rule, layer=1)
    image = _ids(raw, case) == raw.model.config.image_token_id
    near = through(lvlm, abs(expected).max(), back=True)
    np.testing.assert_allclose(found.values.ravel(), expected[image], atol=near)
    assert found.everywhere == pytest.approx(float(expected.sum()), abs=near)


def test_attnlrp_gives_attention_its_share_and_conserves_only_roughly(lvlm):
    case = own_case(lvlm)
    cp, full = (
        lvlm.relevance(case.picture, case.prompt, case.response, rule=rule)
        for rule in (Rule.CP, Rule.ATTNLRP)
    )
    assert not np.allclose(cp.values, full.values, rtol=0.05)
    assert full.target == pytest.approx(cp.target)
    share = full.everywhere / full.target
    assert 0.3 < share < 1.3 and abs(share - 1) > 1e-3, "the softmax keeps the rest"


@pytest.mark.parametrize("rule", list(Rule))
def test_the_forward_pass_under_the_rules_is_the_models_own_to_the_last_bit(lvlm, rule):
    case = own_case(lvlm)
    before = lvlm.log_probs([case.picture], case.prompt, case.response)
    with relevance.relevance_rules(lvlm.loaded.model.model.language_model, lvlm.family.module_rules, rule):
        under = lvlm.log_probs([case.picture], case.prompt, case.response)
    assert np.array_equal(under, before)


def test_nothing_of_the_rules_stays_on_the_model_even_when_it_fails_inside(lvlm):
    case = own_case(lvlm)
    plain = lvlm.layer_gradients(case.picture, case.prompt, case.response, layer=1).gradients
    decoder, rules = lvlm.loaded.model.model.language_model, lvlm.family.module_rules
    with pytest.raises(ZeroDivisionError), relevance.relevance_rules(decoder, rules, Rule.CP):
        assert any(module._forward_hooks for module in decoder.modules())
        raise ZeroDivisionError
    lvlm.relevance(case.picture, case.prompt, case.response, rule=Rule.ATTNLRP)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in decoder.modules())
    again = lvlm.layer_gradients(case.picture, case.prompt, case.response, layer=1).gradients
    assert np.array_equal(again, plain)
    assert all(not weight.requires_grad for weight in lvlm.loaded.model.parameters())


def test_every_rule_of_a_family_is_of_a_class_that_its_language_model_has(lvlm):
    here = {type(module) for module in lvlm.loaded.model.model.language_model.modules()}
    assert set(lvlm.family.module_rules) <= here


class ScaledNorm(torch.nn.RMSNorm):
    """A class that no family has a rule for, though its name ends like one that has."""


class Mixture(torch.nn.Module):
    """The same: its parts are plain, but what it does with them is not."""

    def __init__(self):
        super().__init__()
        self.one, self.other = torch.nn.Linear(64, 64), torch.nn.Linear(64, 64)

    def forward(self, states):
        return self.one(states) * self.other(states)


@pytest.mark.parametrize(
    "place, part", [("input_layernorm", ScaledNorm(64)), ("mlp", Mixture())], ids=["norm", "mixture"]
)
def test_a_module_without_a_rule_is_named_instead_of_given_wrong_relevance(lvlm, monkeypatch, place, part):
    case, decoder = own_case(lvlm), lvlm.loaded.model.model.language_model
    monkeypatch.setitem(decoder.layers[1]._modules, place, part)
    with pytest.raises(Unsupported, match=f"no rule for {type(part).__name__}"):
        lvlm.relevance(case.picture, case.prompt, case.response, rule=Rule.CP)
    assert not any(module._forward_hooks for module in decoder.modules())


def test_a_layer_that_is_not_there_is_answered_with_the_range(lvlm):
    case = own_case(lvlm)
    with pytest.raises(MedgroundError, match=r"no layer 3.*0 to 2"):
        lvlm.relevance(case.picture, case.prompt, case.response, rule=Rule.CP, layer=3)


def test_token_logits_are_the_output_matrix_read_at_every_position(lvlm, raw):
    case = own_case(lvlm)
    logits, _ = _logits(raw, case)
    ids = _ids(raw, case)
    found = lvlm.token_logits(case.picture, case.prompt, case.response)
    expected = logits[:, ids].detach().numpy()
    np.testing.assert_allclose(found.values, expected, atol=through(lvlm, abs(expected).max()))
    assert list(found.ids) == ids.tolist() and found.ids[found.answer] == case.response.token_ids
    assert set(found.ids[found.image]) == {raw.model.config.image_token_id}


def _ids(raw, case):
    return raw.inputs(case.picture, case.prompt, case.response.token_ids)["input_ids"][0]


def _logits(raw, case):
    """Logits (length, words), and the rows that predict the response."""
    inputs = raw.inputs(case.picture, case.prompt, case.response.token_ids)
    inputs["pixel_values"] = inputs["pixel_values"].to(raw.model.dtype)
    length = inputs["input_ids"].shape[1]
    rows = slice(length - len(case.response.token_ids) - 1, length - 1)
    return raw.model(**inputs).logits[0], rows
