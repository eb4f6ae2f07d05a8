"""The autoencoder: a cell of 4 x 4 pixels becomes eight latents."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from medground_bench.lvlms.engine.untyped import Module

LATENTS = 8
KL_WEIGHT = 3e-4
ENCODED_AT_ONCE = 64


def new_autoencoder() -> Module:
    """Random weights."""
    untyped: Module = AutoencoderKL
    return untyped(
        block_out_channels=(16, 16, 16), layers_per_block=0, norm_num_groups=4, latent_channels=LATENTS,
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
        mid_block_add_attention=False, sample_size=112, scaling_factor=1.0,
    ).to(memory_format=torch.channels_last)  # fmt: skip


def colours(pictures: Tensor) -> Tensor:
    """Grey uint8 (N, height, width) as the autoencoder sees it: (N, 3, height, width) in -1..1."""
    greys = (pictures.float() / 127.5 - 1)[:, None]
    return greys.expand(-1, 3, -1, -1)


def reconstruction_loss(vae: Module, pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Mean absolute error of drawn latents, and a little of their divergence from a normal distribution."""
    seen = colours(pictures)
    with torch.autocast("cpu", torch.bfloat16):
        encoded = vae.encode(seen).latent_dist
        mean, spread = encoded.mean.float(), encoded.std.float()
        decoded = vae.decode(mean + spread * torch.randn(mean.shape, generator=rng)).sample
    divergence = (mean**2 + spread**2 - 1 - 2 * spread.log()).mean() / 2
    error = (decoded.float() - seen).abs().mean()
    loss: Tensor = error + KL_WEIGHT * divergence
    return loss


@torch.inference_mode()
def encoded(vae: Module, pictures: Tensor) -> Tensor:
    """The latents' modes, float16 (N, 8, rows, columns), not scaled."""
    parts = [
        vae.encode(colours(pictures[start : start + ENCODED_AT_ONCE])).latent_dist.mode().half()
        for start in range(0, len(pictures), ENCODED_AT_ONCE)
    ]
    return torch.cat(parts)


@torch.no_grad()
def standardise(vae: Module, pictures: Tensor) -> None:
    """Give the latents of these pictures mean 0 and deviation 1 in every channel; what is decoded stays the same."""
    latents = encoded(vae, pictures).float()
    means, deviations = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    into, out = vae.quant_conv, vae.post_quant_conv
    out.bias += out.weight[:, :, 0, 0] @ means
    out.weight *= deviations[:, None, None]
    into.bias[:LATENTS] = (into.bias[:LATENTS] - means) / deviations
    into.weight[:LATENTS] /= deviations[:, None, None, None]
    into.bias[LATENTS:] -= 2 * deviations.log()
