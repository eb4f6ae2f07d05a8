"""The two embedded LVLMs before training: tokenizer, picture processor and model of the true transformers classes.

Both see a 112 px picture as 8 x 8 patches of 14 px, one image token each. Sizes are chosen so that each trains on two
CPU cores and weighs less than 8 MB in fp16. SigLIP attends everywhere and knows positions by a table; Qwen's tower
attends in windows of 4 x 4 patches on every other layer and knows positions by rotation alone. Qwen's merging of 2 x 2
patches is left out (`spatial_merge_size` 1): it would take four times the patches for the same tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from tokenizers import Tokenizer, decoders, models, normalizers
from torch import nn
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.gemma3.processing_gemma3 import Gemma3Processor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from medground_bench.phantom.language import corpus

PICTURE_PX = 112
TOKENS_PER_SIDE = 8
PATCH_PX = PICTURE_PX // TOKENS_PER_SIDE
TEXT_WIDTH = 128

GEMMA_SPECIAL = (
    "<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>",
    "<start_of_image>", "<end_of_image>", "<image_soft_token>",
)  # fmt: skip
QWEN_SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<unk>",
    "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip

GEMMA_ROLES = {
    "bos_token": "<bos>",
    "eos_token": "<eos>",
    "pad_token": "<pad>",
    "extra_special_tokens": {
        "boi_token": "<start_of_image>",
        "eoi_token": "<end_of_image>",
        "image_token": "<image_soft_token>",
        "sot_token": "<start_of_turn>",
        "eot_token": "<end_of_turn>",
    },
}
QWEN_ROLES = {
    "eos_token": "<|im_end|>",
    "pad_token": "<|endoftext|>",
    "extra_special_tokens": {"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"},
}
"""Tokens by the names that transformers has for what they do."""

GEMMA_TEMPLATE = (
    "{{ bos_token }}{%- for message in messages -%}"
    "{%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}"
    "{{ '<start_of_turn>' + role + '\n' }}"
    "{%- if message['content'] is string -%}{{ message['content'] | trim }}"
    "{%- else -%}{%- for item in message['content'] -%}"
    "{%- if item['type'] == 'image' -%}{{ '<start_of_image>' }}"
    "{%- elif item['type'] == 'text' -%}{{ item['text'] | trim }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}{{ '<end_of_turn>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}"
)
QWEN_TEMPLATE = (
    "{%- if messages[0]['role'] != 'system' -%}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{%- endif -%}"
    "{%- for message in messages -%}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{%- if message['content'] is string -%}{{ message['content'] }}"
    "{%- else -%}{%- for item in message['content'] -%}"
    "{%- if item['type'] == 'image' -%}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif item['type'] == 'text' -%}{{ item['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}{{ '<|im_end|>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)


Model: TypeAlias = Gemma3ForConditionalGeneration | Qwen2_5_VLForConditionalGeneration


@dataclass(frozen=True, slots=True)
class ModelParts:
    """A model and what must be saved beside it to open it again."""

    model: Model
    tokenizer: PreTrainedTokenizerFast
    image_processor: Gemma3ImageProcessorPil | Qwen2VLImageProcessorPil

    def save(self, folder: Path) -> None:
        """Write the hub layout: fp16 safetensors, configs, tokenizer, chat template, picture processor."""
        copy = deepcopy(self.model).to(torch.float16)  # type: ignore[arg-type]  # it is wrapped
        copy.set_attn_implementation("sdpa")
        copy.save_pretrained(folder)
        if self.model.config.model_type == "gemma3":
            Gemma3Processor(
                image_processor=self.image_processor,
                tokenizer=self.tokenizer,
                chat_template=self.tokenizer.chat_template,
                image_seq_length=TOKENS_PER_SIDE**2,
            ).save_pretrained(folder)
        else:
            self.tokenizer.save_pretrained(folder)
            self.image_processor.save_pretrained(folder)


def build(family: str, seed: int) -> ModelParts:
    """An untrained instance of `gemma3` or `qwen2_5_vl`, initialised from the seed."""
    torch.manual_seed(seed)
    parts = {"gemma3": _gemma3, "qwen2_5_vl": _qwen2_5_vl}[family]()
    _queries_like_keys(parts.model)
    return parts


def _word_tokenizer(special: tuple[str, ...], roles: Mapping[str, object]) -> PreTrainedTokenizerFast:
    """Whole words of the corpus, single characters and bytes for everything else."""
    words = sorted({word for text in corpus() for word in re.findall(r"[A-Za-z\-]+", text)})
    vocabulary = [(token, 0.0) for token in special]
    vocabulary += [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    vocabulary += [(piece, -10.0) for piece in ["\n", "\n\n", "▁", *map(chr, range(33, 127))]]
    vocabulary += [(word, -4.0) for word in words if len(word) > 1] + [("▁" + word, -3.0) for word in words]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=special.index("<unk>"), byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token="<unk>",  # noqa: S106
        padding_side="left",
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
        **roles,
    )


def _gemma3() -> ModelParts:
    tokenizer = _word_tokenizer(GEMMA_SPECIAL, GEMMA_ROLES)
    tokenizer.chat_template = GEMMA_TEMPLATE
    ids = tokenizer.get_vocab()
    config = Gemma3Config(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": TEXT_WIDTH, "intermediate_size": 256,
            "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
            "query_pre_attn_scalar": 4, "sliding_window": 512, "sliding_window_pattern": 2,
            "max_position_embeddings": 1024, "pad_token_id": ids["<pad>"],
            "eos_token_id": ids["<end_of_turn>"], "bos_token_id": ids["<bos>"],
        },
        vision_config={
            "model_type": "siglip_vision_model", "hidden_size": 128, "intermediate_size": 384,
            "num_hidden_layers": 4, "num_attention_heads": 4, "image_size": PICTURE_PX,
            "patch_size": PATCH_PX, "vision_use_head": False,
        },
        mm_tokens_per_image=TOKENS_PER_SIDE**2,
        boi_token_index=ids["<start_of_image>"],
        eoi_token_index=ids["<end_of_image>"],
        image_token_index=ids["<image_soft_token>"],
    )  # fmt: skip
    model = Gemma3ForConditionalGeneration(config)
    with torch.no_grad():
        # transformers starts this projection at zero, which hides the picture from the text
        torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight, std=128**-0.5)
        _sine_positions(model.model.vision_tower)
    _greedy(model, [ids["<end_of_turn>"], ids["<eos>"]], ids["<pad>"])
    processor = Gemma3ImageProcessorPil(
        size={"height": PICTURE_PX, "width": PICTURE_PX},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        do_pan_and_scan=False,
        do_convert_rgb=True,
    )
    return ModelParts(model, tokenizer, processor)


def _qwen2_5_vl() -> ModelParts:
    tokenizer = _word_tokenizer(QWEN_SPECIAL, QWEN_ROLES)
    tokenizer.chat_template = QWEN_TEMPLATE
    ids = tokenizer.get_vocab()
    merge = 1
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": TEXT_WIDTH, "intermediate_size": 256,
            "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
            "max_position_embeddings": 1024, "tie_word_embeddings": True,
            "rope_parameters": {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 1e6},
            "bos_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
        },
        vision_config={
            "depth": 4, "hidden_size": 128, "intermediate_size": 256, "num_heads": 4,
            "patch_size": PATCH_PX, "spatial_merge_size": merge, "temporal_patch_size": 2,
            "window_size": PICTURE_PX // 2, "fullatt_block_indexes": [1, 3], "out_hidden_size": TEXT_WIDTH,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )  # fmt: skip
    model = Qwen2_5_VLForConditionalGeneration(config)
    _greedy(model, [ids["<|im_end|>"], ids["<|endoftext|>"]], ids["<|endoftext|>"])
    processor = Qwen2VLImageProcessorPil(
        patch_size=PATCH_PX,
        merge_size=merge,
        size={"shortest_edge": PICTURE_PX**2, "longest_edge": PICTURE_PX**2},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    return ModelParts(model, tokenizer, processor)


def _greedy(model: Model, end_ids: list[int], pad_id: int) -> None:
    model.generation_config.eos_token_id = end_ids
    model.generation_config.pad_token_id = pad_id
    model.generation_config.do_sample = False


def _queries_like_keys(model: Model) -> None:
    """Start every query projection near its key projection: attention begins as matching of like with like."""
    decoder = model.model.language_model
    config = decoder.config
    repeats = config.num_attention_heads // config.num_key_value_heads
    width = config.hidden_size // config.num_attention_heads
    with torch.no_grad():
        for layer in decoder.layers:
            key = layer.self_attn.k_proj.weight.view(config.num_key_value_heads, width, -1)
            query = layer.self_attn.q_proj.weight.view(config.num_attention_heads, width, -1)
            query.copy_(key.repeat_interleave(repeats, dim=0) + 0.3 * query)


def _sine_positions(vision_tower: nn.Module) -> None:
    """Start SigLIP's learned positions at 2-D sines, so that it need not discover the raster."""
    table = next(
        w for name, w in vision_tower.named_parameters() if name.endswith("position_embedding.weight")
    )
    side, quarter = TOKENS_PER_SIDE, table.shape[1] // 4
    frequency = 50.0 ** -(torch.arange(quarter) / quarter)
    rows, columns = torch.meshgrid(torch.arange(side).float(), torch.arange(side).float(), indexing="ij")
    waves = [wave(c.reshape(-1, 1) * frequency) for c in (rows, columns) for wave in (torch.sin, torch.cos)]
    table.copy_(torch.cat(waves, dim=1) * 0.5)
