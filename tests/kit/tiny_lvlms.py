"""Tiny random models of the real classes, saved as complete checkpoints, and each family's raw model as an oracle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoTokenizer,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

DIRECT = (
    "Is there evidence of cardiomegaly in the image?\nAnswer directly with yes or no without any explanation."
)
REASON = "Is there evidence of pleural effusion in the image?\nThink step by step and answer with yes or no."

GEMMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' }}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<start_of_image>{% else %}{{ part['text'] | trim }}{% endif %}"
    "{% endfor %}{{ '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)
QWEN_TEMPLATE = (
    "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' }}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
QWEN3_TEMPLATE = QWEN_TEMPLATE[QWEN_TEMPLATE.index("{% for message") :]
"""Without the system's words."""
GEMMA_SPECIAL = [
    "<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>",
    "<start_of_image>", "<end_of_image>", "<image_soft_token>", "<unused94>", "<unused95>",
]  # fmt: skip
QWEN_SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
GEMMA_ROLES = {
    "pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>",
    "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>",
}  # fmt: skip
QWEN_ROLES = {
    "pad_token": "<|endoftext|>", "eos_token": "<|im_end|>",
    "image_token": "<|image_pad|>", "video_token": "<|video_pad|>",
}  # fmt: skip
RAW_MODELS = {
    "gemma3": Gemma3ForConditionalGeneration,
    "qwen2_5_vl": Qwen2_5_VLForConditionalGeneration,
    "qwen3_vl": Qwen3VLForConditionalGeneration,
}
"""Family -> the class of transformers that runs it."""
LURING = {"do_sample": True, "temperature": 0.1, "top_k": 64, "repetition_penalty": 5.0}
"""Sampling settings such as hub checkpoints carry; an LVLM must not follow them."""


@dataclass(frozen=True)
class Sizes:
    """Shapes: tiny, or `GEMMA_4B` and `QWEN_3B` with the true widths and heads, one layer and a narrower MLP.

    A `vocab_size` of the text that is larger than the tokenizer's leaves the rest of the vocabulary without a word.
    """

    text: dict[str, Any]
    vision: dict[str, Any]
    tokens: int = 16


TINY_GEMMA = Sizes(
    text={
        "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 512, "num_hidden_layers": 3,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
    },
    vision={
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": 56, "patch_size": 7,
    },
)  # fmt: skip
TINY_QWEN = Sizes(
    text={
        "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2,
        "num_hidden_layers": 3,
        "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 1e6},
    },
    vision={
        "hidden_size": 32, "intermediate_size": 48, "depth": 2, "num_heads": 2, "window_size": 56,
        "fullatt_block_indexes": [1], "out_hidden_size": 64,
    },
)  # fmt: skip
TINY_QWEN3 = Sizes(
    text={
        "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2,
        "num_hidden_layers": 3, "head_dim": 24,  # 4 heads of 24 are wider than the states, as in the 4B model
        "rope_parameters": {"rope_type": "default", "mrope_section": [4, 4, 4], "rope_theta": 5e6},
    },
    vision={
        "hidden_size": 32, "intermediate_size": 48, "depth": 3, "num_heads": 2, "patch_size": 16,
        "num_position_embeddings": 16, "deepstack_visual_indexes": [0, 1], "out_hidden_size": 64,
    },
)  # fmt: skip
GEMMA_4B = Sizes(
    text={
        "hidden_size": 2560, "intermediate_size": 2048, "num_attention_heads": 8, "num_key_value_heads": 4,
        "head_dim": 256, "query_pre_attn_scalar": 256, "sliding_window": 1024, "num_hidden_layers": 1,
        "layer_types": ["full_attention"],
    },
    vision={
        "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 1, "num_attention_heads": 16,
        "image_size": 224, "patch_size": 14,
    },
    tokens=64,
)  # fmt: skip
QWEN_3B = Sizes(
    text={
        "hidden_size": 2048, "intermediate_size": 2048, "num_attention_heads": 16, "num_key_value_heads": 2,
        "num_hidden_layers": 1,
        "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6},
    },
    vision={
        "hidden_size": 1280, "intermediate_size": 3420, "depth": 1, "num_heads": 16, "window_size": 112,
        "fullatt_block_indexes": [0], "out_hidden_size": 2048,
    },
)  # fmt: skip


def _tokenizer(special: list[str], template: str, roles: dict[str, str]) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator([DIRECT, REASON, "Yes No user model assistant the left lung"], trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    kinds = ("boi_token", "eoi_token", "image_token", "video_token")
    plain = {name: token for name, token in roles.items() if name not in kinds}
    extra = {name: token for name, token in roles.items() if name in kinds}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, extra_special_tokens=extra, **plain)
    fast.chat_template = template
    return fast


def save_gemma3(folder: Path, sizes: Sizes = TINY_GEMMA, *, spread: float = 0.3) -> Path:
    """A random Gemma 3 with its processor, as transformers itself saves them."""
    tokenizer = _tokenizer(GEMMA_SPECIAL, GEMMA_TEMPLATE, GEMMA_ROLES)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in GEMMA_SPECIAL}
    end = {"pad_token_id": ids["<pad>"], "eos_token_id": ids["<eos>"], "bos_token_id": ids["<bos>"]}
    config = Gemma3Config(
        text_config={"vocab_size": len(tokenizer), **sizes.text, **end, "initializer_range": spread},
        vision_config={**sizes.vision, "model_type": "siglip_vision_model", "vision_use_head": False},
        mm_tokens_per_image=sizes.tokens,
        image_token_index=ids["<image_soft_token>"],
        boi_token_index=ids["<start_of_image>"],
        eoi_token_index=ids["<end_of_image>"],
        initializer_range=spread,
        tie_word_embeddings=False,  # tied random embeddings repeat one token for ever
    )
    torch.manual_seed(0)
    model = Gemma3ForConditionalGeneration(config)
    # transformers starts this one at zero: the model would not see the picture
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight, std=spread)
    model.generation_config.eos_token_id = [ids["<eos>"], ids["<end_of_turn>"]]
    model.generation_config.update(**LURING)
    model.save_pretrained(folder)
    side = sizes.vision["image_size"]
    pixels = Gemma3ImageProcessorPil(
        size={"height": side, "width": side},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        resample=2,
        do_convert_rgb=True,
    )
    Gemma3Processor(
        pixels, tokenizer, chat_template=GEMMA_TEMPLATE, image_seq_length=sizes.tokens
    ).save_pretrained(folder)
    return folder


def save_qwen2_5_vl(folder: Path, sizes: Sizes = TINY_QWEN, *, spread: float = 0.3) -> Path:
    """A random Qwen2.5-VL with tokenizer and image processor (its joint processor needs torchvision)."""
    tokenizer = _tokenizer(QWEN_SPECIAL, QWEN_TEMPLATE, QWEN_ROLES)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in QWEN_SPECIAL}
    end = {
        "pad_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "bos_token_id": ids["<|endoftext|>"],
    }
    config = Qwen2_5_VLConfig(
        text_config={**sizes.text, **end, "vocab_size": len(tokenizer), "initializer_range": spread},
        vision_config={**sizes.vision, "initializer_range": spread},
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    torch.manual_seed(0)
    model = Qwen2_5_VLForConditionalGeneration(config)
    model.generation_config.eos_token_id = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    model.generation_config.update(**LURING)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 12845056}).save_pretrained(
        folder
    )
    return folder


def save_qwen3_vl(folder: Path, sizes: Sizes = TINY_QWEN3, *, spread: float = 0.3) -> Path:
    """A random Qwen3-VL with tokenizer and image processor (its joint processor needs torchvision)."""
    tokenizer = _tokenizer(QWEN_SPECIAL, QWEN3_TEMPLATE, QWEN_ROLES)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in QWEN_SPECIAL}
    end = {"pad_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|im_end|>"]}
    config = Qwen3VLConfig(
        text_config={**sizes.text, **end, "vocab_size": len(tokenizer), "initializer_range": spread},
        vision_config={**sizes.vision, "initializer_range": spread},
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    torch.manual_seed(0)
    model = Qwen3VLForConditionalGeneration(config)
    model.generation_config.eos_token_id = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    model.generation_config.update(**LURING)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    Qwen2VLImageProcessorPil(
        patch_size=sizes.vision["patch_size"],
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        size={"shortest_edge": 56 * 56, "longest_edge": 16777216},
    ).save_pretrained(folder)
    return folder


@dataclass(frozen=True)
class Raw:
    """A checkpoint as transformers itself runs it, one picture at a time, with its slow attention."""

    model: Any
    tokenizer: Any
    processor: Any

    def inputs(
        self, picture: np.ndarray, prompt: str, answer: tuple[int, ...] = ()
    ) -> dict[str, torch.Tensor]:
        """What the model is called with."""
        rgb = Image.fromarray(picture).convert("RGB")
        talk = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}]
        text = self.tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        if isinstance(self.processor, Gemma3Processor):
            inputs = dict(
                self.processor(images=rgb, text=text, return_tensors="pt", add_special_tokens=False)
            )
            kind = "token_type_ids"
        else:
            inputs = dict(self.processor(images=rgb, return_tensors="pt"))
            tokens = int(inputs["image_grid_thw"].prod()) // 4
            expanded = text.replace("<|image_pad|>", "<|image_pad|>" * tokens)
            inputs |= dict(self.tokenizer(expanded, return_tensors="pt"))
            inputs["mm_token_type_ids"] = (inputs["input_ids"] == self.model.config.image_token_id).long()
            kind = "mm_token_type_ids"
        if answer:
            more = torch.tensor([answer])
            for name, tail in (("input_ids", more), ("attention_mask", more * 0 + 1), (kind, more * 0)):
                inputs[name] = torch.cat([inputs[name], tail], dim=1)
        return inputs


def open_raw(folder: Path, family: str) -> Raw:
    """The checkpoint through transformers' own classes."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = RAW_MODELS[family].from_pretrained(folder, attn_implementation="eager")
    processor = Gemma3Processor if family == "gemma3" else Qwen2VLImageProcessorPil
    return Raw(model.eval(), tokenizer, processor.from_pretrained(folder))


def radiograph(seed: int = 0, *, width: int = 56, height: int = 56) -> np.ndarray:
    """A smooth random grey picture."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 5), dtype=np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
