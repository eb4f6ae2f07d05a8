"""Log-probabilities of chosen words from hidden states, with a vocabulary of any size."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

FLOATS_AT_ONCE = 1 << 26
"""Largest block of float32 held at a time (256 MiB), of the output matrix as of the logits."""


def word_log_probs(states: Tensor, words: Tensor, weight: Tensor) -> Tensor:
    """Log-softmax of `weight @ state` at one word of each state, float32, differentiable.

    states  (..., channels); words  (...), ids;  weight  (vocabulary, channels)
    returns  (...), nats

    In float32 throughout: rounding to bfloat16 would leave ties between yes and no. A matrix saved in bfloat16 is
    widened a part of the vocabulary at a time, 2.7 GB of Gemma's would otherwise be made anew in every call; the
    parts' sums of exponentials are joined. Going back, each part is computed again.
    """
    states = states.float()
    chosen = (states * weight[words].float()).sum(-1)
    words_at_once = max(1, FLOATS_AT_ONCE // max(words.numel(), weight.shape[-1]))
    parts = (weight[start : start + words_at_once] for start in range(0, len(weight), words_at_once))
    sums = [_log_sum(states, part) for part in parts]
    return chosen - torch.stack(sums).logsumexp(0)


def _log_sum(states: Tensor, part: Tensor) -> Tensor:
    if torch.is_grad_enabled():
        total: Tensor = checkpoint(_log_sum_of_logits, states, part, use_reentrant=False)
        return total
    return _log_sum_of_logits(states, part)


def _log_sum_of_logits(states: Tensor, part: Tensor) -> Tensor:
    return (states @ part.float().T).logsumexp(-1)
