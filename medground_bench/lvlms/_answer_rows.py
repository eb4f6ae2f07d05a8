"""Attention of chosen rows, recorded while the model runs its fast attention.

transformers returns attention weights only from its slow path, as whole (heads, length, length) maps of every layer.
Here the fast path (sdpa) runs as ever, and beside it the softmax of a few query rows is computed again for the layers
that were asked for. The recorder travels in a context variable, so threads do not see each other's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, AttentionMaskInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

NAME = "sdpa_with_answer_rows"
"""The attention implementation to set on the language model."""


@dataclass(eq=False)
class Recorder:
    """Rows to record in which layers; `weights` maps layer -> (batch, heads, rows, length) float32."""

    rows: slice
    layers: frozenset[int]
    weights: dict[int, Tensor] = field(default_factory=dict)


_recorder: ContextVar[Recorder | None] = ContextVar("_recorder", default=None)


@contextmanager
def recording(rows: slice, layers: Sequence[int]) -> Iterator[Recorder]:
    """Record the attention of these query rows in these layers, in this thread, inside the block."""
    recorder = Recorder(rows, frozenset(layers))
    token = _recorder.set(recorder)
    try:
        yield recorder
    finally:
        _recorder.reset(token)


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **settings: Any
) -> tuple[Tensor, None]:
    output, _ = ALL_ATTENTION_FUNCTIONS["sdpa"](module, query, key, value, attention_mask, **settings)
    recorder = _recorder.get()
    if recorder is not None and module.layer_idx in recorder.layers:
        scaling = settings.get("scaling") or query.shape[-1] ** -0.5
        recorder.weights[module.layer_idx] = _row_weights(
            query[:, :, recorder.rows].float() * scaling, key.float(), attention_mask, recorder.rows
        )
    return output, None


def _row_weights(rows: Tensor, key: Tensor, mask: Tensor | None, where: slice) -> Tensor:
    """Softmax of scaled query rows (batch, heads, rows, channels) against all keys, as sdpa masks them."""
    batch, heads, count, channels = rows.shape
    grouped = rows.reshape(batch, key.shape[1], -1, channels)
    scores = (grouped @ key.mT).reshape(batch, heads, count, key.shape[2])
    if mask is None:  # sdpa is then told "causal" instead of being given a mask
        positions = torch.arange(key.shape[2], device=key.device)
        scores = scores.masked_fill(positions[None] > positions[where][:, None], -torch.inf)
    elif mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask[:, :, where], -torch.inf)
    else:
        scores = scores + mask[:, :, where]
    return scores.softmax(-1)


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
