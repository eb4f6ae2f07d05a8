"""One view of both families for training: picture -> image tokens -> next-token scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, Unpack

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, AttentionMaskInterface

from medground_bench.training.lvlms.architecture import PATCH_PX, TOKENS_PER_SIDE, ModelParts

IMAGE_TOKENS = TOKENS_PER_SIDE**2


class _Options(TypedDict, total=False):
    """What transformers hands to an attention beside the tensors; the rest of it is not looked at."""

    scaling: float
    cu_seq_lens_q: Tensor


def _attention_fp32(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Unpack[_Options],
) -> tuple[Tensor, None]:
    """Scaled dot-product attention in fp32 under bf16 autocast, grouped keys repeated."""
    with torch.autocast("cpu", enabled=False):
        groups = query.shape[1] // key.shape[1]
        q, k, v = (t.float() for t in (query, key, value))
        k, v = (t.repeat_interleave(groups, dim=1) for t in (k, v))
        out = nn.functional.scaled_dot_product_attention(
            q, k, v, attn_mask=attention_mask, scale=options.get("scaling")
        )
    return out.transpose(1, 2).contiguous().to(query.dtype), None


def _attention_in_windows(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: None,
    **options: Unpack[_Options],
) -> tuple[Tensor, None]:
    """Qwen's tower over windows of one length, all at once: (1, heads, all patches, width) each.

    transformers hands all windows over together only to implementations called flash; others get them one by one,
    which costs more than the arithmetic at this size.
    """
    windows = len(options["cu_seq_lens_q"]) - 1
    q, k, v = (torch.unflatten(t[0], 1, (windows, -1)).transpose(0, 1) for t in (query, key, value))
    out, _ = _attention_fp32(module, q, k, v, None, scaling=options["scaling"])
    return out.flatten(0, 1)[None], None


AttentionInterface.register("sdpa_fp32", _attention_fp32)
AttentionInterface.register("flash_equal_windows", _attention_in_windows)
AttentionMaskInterface.register("sdpa_fp32", ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """A model under training, with the token ids around its picture."""

    parts: ModelParts

    def __post_init__(self) -> None:
        self.parts.model.set_attn_implementation("sdpa_fp32")
        if not self.is_gemma:
            self.parts.model.model.visual.config._attn_implementation = "flash_equal_windows"

    @property
    def is_gemma(self) -> bool:
        """Gemma3, else Qwen2.5-VL."""
        return bool(self.parts.model.config.model_type == "gemma3")

    @property
    def language(self) -> nn.Module:
        """The decoder."""
        decoder: nn.Module = self.parts.model.model.language_model
        return decoder

    @property
    def embedding(self) -> nn.Embedding:
        """What turns token ids into the decoder's input."""
        embedding: nn.Embedding = self.parts.model.model.language_model.embed_tokens
        return embedding

    def vision_parameters(self) -> list[nn.Parameter]:
        """The vision tower, without what turns its output into image tokens."""
        model = self.parts.model.model
        if self.is_gemma:
            return list(model.vision_tower.parameters())
        merger = {id(weight) for weight in model.visual.merger.parameters()}
        return [weight for weight in model.visual.parameters() if id(weight) not in merger]

    def projector_parameters(self) -> list[nn.Parameter]:
        """What turns vision features into image tokens."""
        model = self.parts.model.model
        return list((model.multi_modal_projector if self.is_gemma else model.visual.merger).parameters())

    def image_tokens(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 112, 112) in -1..1 -> image tokens as the decoder gets them, (B, 64, width), raster order."""
        model, batch = self.parts.model.model, len(pictures)
        if self.is_gemma:
            pixels = pictures[:, None].expand(-1, 3, -1, -1)
            features = model.vision_tower(pixel_values=pixels).last_hidden_state
            tokens: Tensor = model.multi_modal_projector(features.float()).float()
            return tokens
        grid = torch.tensor([[1, TOKENS_PER_SIDE, TOKENS_PER_SIDE]]).expand(batch, 3)
        merged: Tensor = model.visual(patch_rows(pictures), grid_thw=grid).pooler_output
        return merged.float().reshape(batch, IMAGE_TOKENS, -1)

    def hidden_states(
        self, tokens: Tensor, image: Tensor, image_at: int, mask: Tensor, positions: Tensor
    ) -> Tensor:
        """After the last norm, (B, L, width), for token ids whose image positions hold `image`.

        mask       (B, 1, L, L) bool, True where a row may look
        positions  (B, L), or (3, B, L) for M-RoPE
        """
        words = self.embedding(tokens).float()
        embeddings = torch.cat([words[:, :image_at], image, words[:, image_at + IMAGE_TOKENS :]], dim=1)
        kinds = {"full_attention": mask, "sliding_attention": mask}
        hidden: Tensor = self.language(
            inputs_embeds=embeddings, attention_mask=kinds, position_ids=positions, use_cache=False
        ).last_hidden_state
        return hidden


def patch_rows(pictures: Tensor) -> Tensor:
    """Pictures (B, H, W) -> Qwen's rows (B * patches, 3 channels * 2 frames * patch * patch), raster order."""
    blocks = pictures.unfold(1, PATCH_PX, PATCH_PX).unfold(2, PATCH_PX, PATCH_PX)
    rows = blocks.reshape(-1, 1, PATCH_PX**2)
    return rows.expand(-1, 6, -1).reshape(len(rows), -1)
