"""The denoiser and its text encoder, learned together from exact counterfactuals.

A scene's latents with noise are shown with a prompt, and the noise is what separates them from a picture to which the
prompt is true: the picture itself or, in a share `removal` of all prompts, the scene without the finding that the
prompt denies, or without all of them. So a prompt takes a finding out of a picture that has it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from transformers import BertConfig, BertModel, BertTokenizer

from builder.diffusion.inversion import Schedule
from builder.diffusion.parts import TOKENS
from builder.diffusion.training.autoencoder import LATENTS
from medground_bench.core.prompts import NO_ABNORMALITY, no_finding
from medground_bench.lvlms.engine.untyped import Module
from medground_bench.phantom.findings import FINDINGS
from medground_bench.storage.whole_files import write_whole

WIDTH = 64
"""Of the text's states."""

PROMPTS = ("", NO_ABNORMALITY, *map(no_finding, FINDINGS))
EMPTY, NORMAL, WITHOUT = 0, 1, 2
"""Indices of PROMPTS; of those about one finding, the first."""

FINDINGS_SHOWN, ONE_REMOVED, HEALTHY = 0, 1, 2
"""Indices of a scene's pictures; see `Counterfactuals`."""

WORDS = sorted({word.lower() for prompt in PROMPTS for word in prompt.split()})
MOST_SIGNAL = 5.0
"""Ratio of signal to noise from which on a step counts no more. Hang et al., ICCV 2023, arXiv:2303.09556."""


class Denoiser(nn.Module):
    """Both networks, random at first."""

    def __init__(self) -> None:
        super().__init__()
        unet: Module = UNet2DConditionModel
        self.unet = unet(
            sample_size=28, in_channels=LATENTS, out_channels=LATENTS, block_out_channels=(32, 64, 96),
            layers_per_block=1, norm_num_groups=16, cross_attention_dim=WIDTH, attention_head_dim=2,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        ).to(memory_format=torch.channels_last)  # fmt: skip
        config = BertConfig(
            vocab_size=len(vocabulary()), hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=2 * WIDTH, max_position_embeddings=TOKENS,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        self.text_encoder: Module = BertModel(config, add_pooling_layer=False)

    def forward(self, latents: Tensor, times: Tensor, ids: Tensor, prompts: Tensor) -> Tensor:
        """The noise; `ids` (all prompts, 128) are their tokens, `prompts` (N,) says which are asked for."""
        states = self.text_encoder(ids).last_hidden_state
        noise: Tensor = self.unet(latents, times, encoder_hidden_states=states[prompts]).sample
        return noise


def vocabulary() -> list[str]:
    """The tokens, in the order of their ids."""
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]


def write_tokenizer(folder: Path) -> None:
    """Of lower-case words, beside the text encoder's weights."""
    write_whole(folder / "vocab.txt", "\n".join(vocabulary()).encode())
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    write_whole(folder / "tokenizer_config.json", json.dumps(settings).encode())


def prompt_ids(folder: Path) -> Tensor:
    """Tokens of all prompts, (prompts, 128), by the tokenizer of a folder."""
    tokenizer = BertTokenizer.from_pretrained(folder, model_max_length=TOKENS)
    read = tokenizer(
        list(PROMPTS), padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt"
    )
    ids: Tensor = read.input_ids
    return ids


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a batch is made of.

    empty    share that is shown with the empty prompt
    removal  share of the others whose prompt denies something that they show
    normal   share of the others whose prompt is "No abnormality"
    steps    of the way from noise to picture; no other times are learned
    """

    empty: float = 0.2
    removal: float = 0.6
    normal: float = 0.3
    steps: int = 50


@dataclass(frozen=True, slots=True, eq=False)
class DenoisingBatch:
    """Which picture is shown, which is wanted, and the prompt; (N,) each."""

    shown: Tensor
    wanted: Tensor
    prompts: Tensor


def drawn(lessons: Lessons, removed: Tensor, rng: torch.Generator) -> DenoisingBatch:
    """Of scenes of which these findings can be removed, (N,)."""
    count = len(removed)
    empty, removal, normal, other = torch.rand((4, count), generator=rng)
    healthy = normal < lessons.normal
    wanted = torch.where(healthy, HEALTHY, ONE_REMOVED)
    prompts = torch.where(healthy, NORMAL, WITHOUT + removed)
    shown = torch.where(removal < lessons.removal, FINDINGS_SHOWN, wanted)
    is_empty = empty < lessons.empty
    kept = (3 * other**2).long()  # 58 % with its findings, 18 % without any
    return DenoisingBatch(
        torch.where(is_empty, kept, shown), torch.where(is_empty, kept, wanted),
        torch.where(is_empty, EMPTY, prompts),
    )  # fmt: skip


class DenoisingLoss:
    """Of latents (N, 3, 8, rows, columns), scaled to a deviation of 1, of scenes and what each lost."""

    def __init__(self, latents: Tensor, removed: Tensor, ids: Tensor, lessons: Lessons) -> None:
        self.latents, self.removed, self.ids, self.lessons = latents, removed, ids, lessons
        schedule = Schedule(lessons.steps, 0)
        self.times, self.signal = torch.tensor(schedule.times), torch.tensor(schedule.signal).float()

    def __call__(self, denoiser: Denoiser, count: int, rng: torch.Generator) -> Tensor:
        """Mean squared error of the predicted noise on so many scenes, by the clipped ratio of signal to noise."""
        rows = torch.randint(len(self.latents), (count,), generator=rng)
        batch = drawn(self.lessons, self.removed[rows], rng)
        shown, wanted = self.latents[rows, batch.shown].float(), self.latents[rows, batch.wanted].float()
        times = self.times[torch.randint(len(self.times), (count,), generator=rng)]
        signal = self.signal[times][:, None, None, None]
        noisy = signal.sqrt() * shown + (1 - signal).sqrt() * torch.randn(shown.shape, generator=rng)
        noise = (noisy - signal.sqrt() * wanted) / (1 - signal).sqrt()
        with torch.autocast("cpu", torch.bfloat16):
            predicted = denoiser(noisy, times, self.ids, batch.prompts)
        ratio = signal / (1 - signal)
        weight = ratio.clamp_max(MOST_SIGNAL) / ratio
        loss: Tensor = (weight * (predicted.float() - noise) ** 2).mean()
        return loss
