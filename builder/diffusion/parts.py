"""The three parts of a diffusion model in memory: UNet, autoencoder and text encoder, and what each is asked.

No code of a repository runs: BioViL-T's own class is a BERT with heads that are not needed here, so `BertModel` reads
its weights and `BertTokenizer` its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import BertModel, BertTokenizer

from builder.diffusion.weights import ModelWeights
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Picture
from medground_bench.lvlms.engine.opening import whole_model
from medground_bench.lvlms.engine.untyped import Module, Setting, Tokenizer

TOKENS = 128
"""Of every prompt; the padding is attended to, as in training."""


@dataclass(frozen=True, slots=True)
class Loading:
    """A model class whose checkpoints are loaded with settings of ours."""

    model_class: Module
    settings: Mapping[str, Setting]

    def from_pretrained(self, folder: Path, **settings: Setting) -> Setting:
        """As the class itself does it."""
        return self.model_class.from_pretrained(folder, **self.settings, **settings)


WITHOUT_ACCELERATE = {"low_cpu_mem_usage": False}
"""A library that is not needed, and that diffusers would ask for by name."""

UNET = Loading(UNet2DConditionModel, WITHOUT_ACCELERATE)
VAE = Loading(AutoencoderKL, WITHOUT_ACCELERATE)
BERT = Loading(BertModel, {"add_pooling_layer": False})  # BioViL-T has none


@dataclass(frozen=True, slots=True, eq=False)
class DiffusionModel:
    """Frozen, in float32, on one device."""

    unet: Module
    vae: Module
    text_encoder: Module
    tokenizer: Tokenizer

    @classmethod
    def load(cls, unet: Path, vae: Path, text: Path) -> DiffusionModel:
        """The parts of three folders, on the GPU where there is one."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        classes = ((UNET, unet), (VAE, vae), (BERT, text))
        network, autoencoder, text_encoder = (
            whole_model(of, folder, torch.float32, device) for of, folder in classes
        )
        return cls(
            network, autoencoder, text_encoder, BertTokenizer.from_pretrained(text, model_max_length=TOKENS)
        )

    @property
    def px_per_latent(self) -> int:
        """Pixels of a latent's side."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    def latents(self, picture: Picture) -> torch.Tensor:
        """Of a square grey picture (height, width): (1, channels, rows, columns); the mode, nothing is drawn."""
        greys = torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).to(self.unet.device)
        encoded = self.vae.encode(greys.expand(1, 3, *greys.shape)).latent_dist.mode()
        latents: torch.Tensor = encoded * self.vae.config.scaling_factor
        return latents

    def picture(self, latents: torch.Tensor) -> Picture:
        """The grey picture of latents: the mean of the three colours."""
        colours = self.vae.decode(latents / self.vae.config.scaling_factor).sample[0]
        greys = ((colours.mean(dim=0) + 1) * 127.5).round().clamp(0, 255)
        picture: Picture = greys.to(torch.uint8).cpu().numpy()
        return picture

    def text(self, prompt: str) -> torch.Tensor:
        """The prompt's states (1, 128, width)."""
        read = self.tokenizer(
            prompt, padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt"
        )
        states: torch.Tensor = self.text_encoder(read.input_ids.to(self.unet.device)).last_hidden_state
        return states

    def noise(self, latents: torch.Tensor, time: int, texts: torch.Tensor) -> torch.Tensor:
        """The noise predicted in the latents of one picture, for each of the texts (prompts, 128, width)."""
        repeated = latents.expand(len(texts), *latents.shape[1:])
        noise: torch.Tensor = self.unet(repeated, time, encoder_hidden_states=texts).sample
        return noise


@lru_cache(maxsize=1)
def open_parts(weights: ModelWeights, revisions: tuple[str, ...]) -> DiffusionModel:
    """The parts of a model, loaded once; SourceMissing where they have other revisions."""
    if weights.revisions() != revisions:
        raise SourceMissing(
            "the weights of the editor are not those it was opened with: they changed since, or are others on this "
            "machine. Put the same weights in place everywhere and run the same command again."
        )
    return DiffusionModel.load(
        weights.network.folder(), weights.autoencoder.folder(), weights.text_encoder.folder()
    )
