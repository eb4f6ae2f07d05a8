"""Tiny random Grounding DINO, SAM and SAM 3 of the real classes; real processors where they need no torchvision."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertTokenizerFast,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoProcessor,
    PreTrainedTokenizerFast,
    Sam3Config,
    Sam3Model,
    SamConfig,
    SamModel,
    SamProcessor,
    SwinConfig,
)
from transformers.models.grounding_dino.image_processing_pil_grounding_dino import (
    GroundingDinoImageProcessorPil,
)
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

from medground_bench.core.concepts import CONCEPTS

WORDS = sorted({word for concept in CONCEPTS for word in concept.split()})
BERT_IDS = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, ".": 1012, "?": 1029}
"""Where BERT has them; the model looks for these numbers."""

SPECIAL = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}


def save_grounding_dino(path: Path) -> Path:
    """A complete checkpoint of about 0.2 M parameters."""
    vocabulary = [f"[unused{place}]" for place in range(1050)]
    for word, place in BERT_IDS.items():
        vocabulary[place] = word
    vocabulary[200 : 200 + len(WORDS)] = WORDS
    path.mkdir(parents=True)
    (path / "vocab.txt").write_text("\n".join(vocabulary))
    tokenizer = BertTokenizerFast(str(path / "vocab.txt"))
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            window_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], image_size=128,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config={
            "model_type": "bert", "vocab_size": len(vocabulary), "hidden_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 64,
        },
        d_model=32, num_queries=12, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
        encoder_attention_heads=2, decoder_attention_heads=2, num_feature_levels=4, encoder_n_points=2,
        decoder_n_points=2, max_text_len=64, disable_custom_kernels=True,
    )  # fmt: skip
    torch.manual_seed(0)
    GroundingDinoForObjectDetection(config).save_pretrained(path)
    pixels = GroundingDinoImageProcessorPil(size={"shortest_edge": 128, "longest_edge": 128})
    GroundingDinoProcessor(pixels, tokenizer).save_pretrained(path)
    return path


def save_sam(path: Path) -> Path:
    """A complete checkpoint of pictures of 64 px."""
    sizes = {"image_size": 64, "patch_size": 8, "hidden_size": 16}
    decoder = {"hidden_size": 16, "mlp_dim": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = SamConfig(
        vision_config={**sizes, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
                       "mlp_dim": 32, "window_size": 4, "global_attn_indexes": [1], "num_pos_feats": 8},
        prompt_encoder_config={**sizes, "mask_input_channels": 4},
        mask_decoder_config={**decoder, "iou_head_hidden_dim": 16, "iou_head_depth": 2},
        initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(0)
    SamModel(config).save_pretrained(path)
    pixels = SamImageProcessorPil(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    SamProcessor(pixels).save_pretrained(path)
    return path


def save_sam3(path: Path) -> Path:
    """A complete checkpoint of pictures of 56 px; its mean and deviation are not the defaults."""
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    layers = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_layers": 1}
    config = Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model", **shape, "num_hidden_layers": 1, "image_size": 56, "patch_size": 14,
                "window_size": 2, "global_attn_indexes": [0], "pretrain_image_size": 56,
            },
            "fpn_hidden_size": 16, "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config={
            "model_type": "clip_text_model", "vocab_size": 32, **shape, "projection_dim": 16, "num_hidden_layers": 1,
            "max_position_embeddings": 32, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
        },
        geometry_encoder_config=layers, detr_encoder_config=layers, detr_decoder_config={**layers, "num_queries": 6},
        mask_decoder_config={"hidden_size": 16, "num_attention_heads": 2}, initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(0)
    Sam3Model(config).save_pretrained(path)
    words = Tokenizer(
        models.WordLevel(
            {word: i for i, word in enumerate([*SPECIAL.values(), *WORDS])}, unk_token=SPECIAL["unk_token"]
        )
    )
    words.normalizer, words.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(tokenizer_object=words, **SPECIAL).save_pretrained(path)
    pixels = {"size": {"height": 56, "width": 56}, "image_mean": [0.4] * 3, "image_std": [0.25] * 3}
    (path / "processor_config.json").write_text(json.dumps({"image_processor": pixels}))
    return path
