"""Relevance by `detach`: transformers' own modules written out with constants where a rule says constant."""

from __future__ import annotations

from transformers.models.gemma3 import modeling_gemma3
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl
from transformers.models.qwen3_vl import modeling_qwen3_vl

from medground_bench.lvlms import Rule


def freeze(monkeypatch, decoder, rule: Rule) -> None:
    """Until the test ends the decoder's plain gradients are those of a rule; its outputs stay as they are."""
    for module in decoder.modules():
        if type(module).__name__.endswith("RMSNorm"):
            monkeypatch.setattr(module, "forward", _frozen_norm(module))
        elif hasattr(module, "act_fn"):
            monkeypatch.setattr(module, "forward", _frozen_mlp(module))
    for source in (modeling_gemma3, modeling_qwen2_5_vl, modeling_qwen3_vl):
        monkeypatch.setattr(source, "eager_attention_forward", _frozen_attention(rule))


def _frozen_norm(module):
    gain = 1 + module.weight if type(module).__name__.startswith("Gemma") else module.weight
    epsilon = module.eps if type(module).__name__.startswith("Gemma") else module.variance_epsilon
    return lambda states: states * (states.pow(2).mean(-1, keepdim=True) + epsilon).rsqrt().detach() * gain


def _frozen_mlp(module):
    def forward(states):
        gate, up = module.gate_proj(states), module.up_proj(states)
        active = gate * (module.act_fn(gate) / gate).detach()
        return module.down_proj((active * up.detach() + active.detach() * up) / 2)

    return forward


def _frozen_attention(rule):
    def product(one, other):
        return (one @ other.detach() + one.detach() @ other) / 2

    def attention(module, query, key, value, attention_mask, scaling, **_):
        added = 0 if attention_mask is None else attention_mask
        key, value = (tensor.repeat_interleave(module.num_key_value_groups, 1) for tensor in (key, value))
        if not hasattr(module, "layer_idx") or rule is Rule.CP:
            weights = (query @ key.mT * scaling + added).softmax(-1).detach()
            return (weights @ value).transpose(1, 2), weights
        weights = (product(query, key.mT) * scaling + added).softmax(-1)
        return product(weights, value).transpose(1, 2), weights

    return attention
