"""Edit-friendly DDPM inversion, and the way back with an edit inside a mask.

Sources: Huberman-Spiegelglas et al., "An edit friendly DDPM noise space", CVPR 2024, arXiv:2304.06140; Perez-Garcia et
al., "RadEdit", ECCV 2024, arXiv:2312.12865, algorithm 3.

Departures from the program that RadEdit's authors released: kept latents are those of the step just reached, not of the
one before, and what is not edited is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from diffusers import DDIMScheduler

from medground_bench.lvlms.engine.untyped import Module

Predict: TypeAlias = Callable[[torch.Tensor, int], torch.Tensor]
"""Latents (1, channels, rows, columns) and their time -> the noise in them, for each prompt one."""

TRAINED_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Move:
    """Where a step of the way back leads: `mean` plus noise of this deviation; 0 at the last step."""

    mean: torch.Tensor
    deviation: float


@dataclass(frozen=True, slots=True)
class Inverted:
    """A picture's way to noise.

    path    latents from the noisiest on; the last are the picture's own
    noises  for each step back, the noise that leads to the next latents of the path
    """

    path: Sequence[torch.Tensor]
    noises: Sequence[torch.Tensor]


class Schedule:
    """The steps that are walked: `times` falls; `skip` of all steps, the noisiest ones, are left out.

    signal  share of the picture's variance in the latents, at each of the 1000 times

    ValueError for a number of steps that does not divide 1000: the formulas need gaps of one width.
    """

    def __init__(self, steps: int, skip: float) -> None:
        if steps < 1 or TRAINED_STEPS % steps or not 0 <= skip < 1:
            raise ValueError(
                f"{steps} steps of which a share of {skip} is skipped: steps divide {TRAINED_STEPS}, the share is "
                "from 0 to below 1."
            )
        untyped: Module = DDIMScheduler
        scheduler = untyped(
            num_train_timesteps=TRAINED_STEPS, beta_start=1e-4, beta_end=0.02, beta_schedule="linear",
            clip_sample=False, prediction_type="epsilon", timestep_spacing="trailing",
        )  # fmt: skip
        scheduler.set_timesteps(steps)
        self.gap = TRAINED_STEPS // steps
        self.times: list[int] = scheduler.timesteps.tolist()[int(steps * skip) :]
        self.signal = scheduler.alphas_cumprod.double().tolist()

    def noised(self, latents: torch.Tensor, time: int, noise: torch.Tensor) -> torch.Tensor:
        """A picture's latents as they are at a time."""
        share = self.signal[time]
        noised: torch.Tensor = share**0.5 * latents + (1 - share) ** 0.5 * noise
        return noised

    def move(self, latents: torch.Tensor, time: int, noise: torch.Tensor) -> Move:
        """One step back from a time, given the predicted noise: DDIM with eta 1."""
        here = self.signal[time]
        there = self.signal[time - self.gap] if time >= self.gap else 1.0
        variance = max(0.0, (1 - there) / (1 - here) * (1 - here / there))
        clean = (latents - (1 - here) ** 0.5 * noise) / here**0.5
        return Move(there**0.5 * clean + max(0.0, 1 - there - variance) ** 0.5 * noise, variance**0.5)


def invert(latents: torch.Tensor, schedule: Schedule, predict: Predict, rng: np.random.Generator) -> Inverted:
    """The way to noise, with noise of its own at each step; `predict` is the one of the empty prompt."""

    def drawn() -> torch.Tensor:
        noise = rng.standard_normal(tuple(latents.shape)).astype(np.float32)
        return torch.from_numpy(noise).to(latents.device)

    path = [*(schedule.noised(latents, time, drawn()) for time in schedule.times), latents]
    noises = []
    for time, here, there in zip(schedule.times, path, path[1:], strict=False):
        move = schedule.move(here, time, predict(here, time))
        # The last step has no noise; a division by its deviation would give NaN.
        noises.append((there - move.mean) / move.deviation if move.deviation else torch.zeros_like(there))
    return Inverted(path, noises)


@dataclass(frozen=True, slots=True)
class Guidance:
    """The pull towards a prompt and where it acts; all else keeps the picture's latents.

    weight  times the difference that the prompt makes; 1 is the prompt's own prediction
    where   bool (rows, columns) of the latents
    """

    weight: float
    where: torch.Tensor


def edited(inverted: Inverted, schedule: Schedule, predict: Predict, guidance: Guidance) -> torch.Tensor:
    """The way back: latents of the edited picture, exactly the inverted ones where the guidance does not act.

    predict  gives two predictions: that of the empty prompt and that of the prompt
    """
    latents = inverted.path[0]
    steps = zip(schedule.times, inverted.noises, inverted.path[1:], strict=True)
    for time, noise, kept in steps:
        plain, prompted = predict(latents, time).chunk(2)
        move = schedule.move(latents, time, plain + guidance.weight * (prompted - plain))
        latents = torch.where(guidance.where, move.mean + move.deviation * noise, kept)
    return latents
