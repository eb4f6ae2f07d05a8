"""A tiny random RadEdit of the real classes: UNet, autoencoder, and a text encoder saved as BioViL-T is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import BertConfig, BertForMaskedLM

from medground_bench.phantom.findings import FINDINGS

WIDTH = 32
"""Of the text's states."""

SIDE_PX = 64
"""Of the pictures; their latents are 8 x 8."""

WORDS = sorted({word for text in ("no abnormality", *FINDINGS) for word in text.split()})


@dataclass(frozen=True)
class TinyDiffusion:
    """The folders of the three parts, and the names under which the environment says where they are."""

    radedit: Path
    vae: Path
    text: Path

    def environment(self) -> dict[str, str]:
        return {
            "MEDGROUND_RADEDIT": str(self.radedit),
            "MEDGROUND_SDXL_VAE": str(self.vae),
            "MEDGROUND_BIOVIL_T": str(self.text),
        }


def save_tiny_diffusion(folder: Path) -> TinyDiffusion:
    """All three parts as complete checkpoints."""
    from diffusers import AutoencoderKL, UNet2DConditionModel  # of an extra

    tiny = TinyDiffusion(folder / "radedit", folder / "vae", folder / "text")
    torch.manual_seed(0)
    UNet2DConditionModel(
        sample_size=8, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=8,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=WIDTH, attention_head_dim=8,
    ).save_pretrained(tiny.radedit / "unet")  # fmt: skip
    AutoencoderKL(
        block_out_channels=(8, 8, 16, 16), norm_num_groups=4, latent_channels=4, scaling_factor=0.13025,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    ).save_pretrained(tiny.vae)  # fmt: skip
    _save_text_encoder(tiny.text)
    return tiny


def _save_text_encoder(folder: Path) -> None:
    """As the remote class `CXRBertModel` saves it: BertForMaskedLM and a projection head, with code of its own."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=128, hidden_dropout_prob=0.25,
    )  # fmt: skip
    model = BertForMaskedLM(config)
    model.cls_projection_head = torch.nn.ModuleDict(
        {
            "dense_to_hidden": torch.nn.Linear(WIDTH, 16),
            "LayerNorm": torch.nn.LayerNorm(16),
            "dense_to_output": torch.nn.Linear(16, 16),
        }
    )
    model.save_pretrained(folder)
    own = {
        "model_type": "cxr-bert", "architectures": ["CXRBertModel"],
        "auto_map": {"AutoModel": "code.CXRBertModel", "AutoConfig": "code.CXRBertConfig"},
    }  # fmt: skip
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | own))
    (folder / "code.py").write_text("raise SystemExit('remote code ran')\n")
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    tokenizer = {"tokenizer_class": "CXRBertTokenizer", "do_lower_case": True}
    tokenizer["auto_map"] = {"AutoTokenizer": ["code.CXRBertTokenizer", None]}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
