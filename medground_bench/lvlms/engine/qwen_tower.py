"""The Qwen vision towers without their two slow places; the same numbers up to the order of sums.

Windows   transformers runs attention window by window in a Python loop, 64 windows a layer for 16 small pictures. Here
          windows of one length go through it together; a picture has at most four lengths, inner and edge windows. In
          Qwen3-VL a window is a whole picture.
Patches   each patch is embedded by a 3-D convolution that meets it exactly once, which is one matrix product.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention
from transformers import AttentionInterface

from medground_bench.lvlms.engine.untyped import Module, Setting

NAME = "windows_at_once_not_flash"
"""transformers hands whole sequences only to implementations with "flash" in their name, to others a window a call."""


def quicken(tower: Module) -> None:
    """Replace both places of a loaded tower, for good."""
    tower.patch_embed = _Patches(tower.patch_embed)
    tower.config._attn_implementation = (
        NAME  # its setter beside it would look for a flash package of that name
    )


class _Patches(nn.Module):
    """Rows of patch pixels (patches, pixels) -> (patches, channels)."""

    def __init__(self, embed: Module) -> None:
        super().__init__()
        self.proj = embed.proj

    def forward(self, rows: Tensor) -> Tensor:
        weight: Tensor = self.proj.weight
        return linear(rows.to(weight.dtype), weight.flatten(1), self.proj.bias)


def _attention(
    module: Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: None, **settings: Setting
) -> tuple[Tensor, None]:
    """Attention within windows.

    query, key, value  (1, heads, patches of all pictures, channels), window after window
    settings           cu_seq_lens_q: where the windows begin, and the end; scaling
    returns            (1, patches, heads, channels)
    """
    starts = settings["cu_seq_lens_q"]
    lengths, mixed = starts.diff(), torch.empty_like(query)
    for length in lengths.unique().tolist():
        if not length:
            continue  # a row of windows beyond the edge, where the grid fits exactly
        begins = starts[:-1][lengths == length]
        places = (begins[:, None] + torch.arange(length, device=begins.device)).flatten()
        windows = [
            torch.unflatten(part[0, :, places], 1, (-1, length)).transpose(0, 1)
            for part in (query, key, value)
        ]
        seen = scaled_dot_product_attention(windows[0], windows[1], windows[2], scale=settings["scaling"])
        mixed = mixed.index_copy(2, places, seen.transpose(0, 1).flatten(1, 2)[None])
    return mixed.transpose(1, 2), None


AttentionInterface.register(NAME, _attention)
