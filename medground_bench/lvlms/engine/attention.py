"""Looking at attention while the model runs its fast attention.

transformers returns attention weights only from its slow path, as whole (heads, length, length) maps of every layer.
Here the fast path (sdpa) runs as ever, and beside it the softmax is computed again for the rows and layers that were
asked for, one layer at a time. The watcher travels in a context variable, so threads do not see each other's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, AttentionMaskInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from medground_bench.lvlms.engine.untyped import Inputs, Module, Setting

NAME = "watched_sdpa"
"""The attention implementation to set on the language model."""

EVERY_ROW = slice(None)


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One layer's call of its attention.

    query  (batch, heads, length, channels); key, value (batch, groups, length, channels), heads a multiple of groups
    mask   as sdpa takes it: boolean or added to the scores, (batch, 1, length, length); None for causal
    """

    module: Module
    query: Tensor
    key: Tensor
    value: Tensor
    mask: Tensor | None
    settings: Inputs

    @property
    def layer(self) -> int:
        """Decoder layer, from 0."""
        return int(self.module.layer_idx)

    @property
    def scaling(self) -> float:
        """What the scores are multiplied by."""
        return float(self.settings.get("scaling") or self.query.shape[-1] ** -0.5)

    def output(self) -> Tensor:
        """What the fast path makes of it, (batch, length, heads, channels)."""
        fast = ALL_ATTENTION_FUNCTIONS["sdpa"]
        mixed: Tensor = fast(self.module, self.query, self.key, self.value, self.mask, **self.settings)[0]
        return mixed

    def weights(self, rows: slice = EVERY_ROW) -> Tensor:
        """Softmax weights (batch, heads, rows, length) of these query rows, in float32 at least."""
        query, key = wide(self.query[:, :, rows]) * self.scaling, wide(self.key)
        scores = grouped(query, key) @ key.mT[:, :, None]
        scores = scores.flatten(1, 2)
        if self.mask is None:  # sdpa is then told "causal" instead of being given a mask
            positions = torch.arange(key.shape[2], device=key.device)
            scores = scores.masked_fill(positions > positions[rows, None], -torch.inf)
        elif self.mask.dtype == torch.bool:
            scores = scores.masked_fill(~self.mask[:, :, rows], -torch.inf)
        else:
            scores = scores + self.mask[:, :, rows]
        return scores.softmax(-1)


Watcher = Callable[[Call], Tensor]
"""Takes one layer's call and returns its output."""

_watcher: ContextVar[Watcher | None] = ContextVar("_watcher", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Hand every attention call of this thread to the watcher, inside the block."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


@contextmanager
def recording(rows: slice, layers: Sequence[int]) -> Iterator[dict[int, Tensor]]:
    """Layer -> weights (batch, heads, rows, length) of these query rows, filled while the model runs in the block."""
    weights: dict[int, Tensor] = {}

    def record(call: Call) -> Tensor:
        if call.layer in layers:
            weights[call.layer] = call.weights(rows)
        return call.output()

    with watching(record):
        yield weights


def wide(tensor: Tensor) -> Tensor:
    """In float32, or in float64 where it is already."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def grouped(heads: Tensor, groups: Tensor) -> Tensor:
    """Tensor (batch, heads, ...) as (batch, groups, heads of each, ...): heads that share a key and a value."""
    return torch.unflatten(heads, 1, (groups.shape[1], -1))


def _attention(
    module: Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **settings: Setting,
) -> tuple[Tensor, None]:
    call, watcher = Call(module, query, key, value, attention_mask, settings), _watcher.get()
    return (call.output() if watcher is None else watcher(call)), None


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
