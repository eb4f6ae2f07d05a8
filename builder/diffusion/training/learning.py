"""A run of stochastic gradient descent that can be stopped: it goes on from its last checkpoint to the same bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from rich.console import Console
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from medground_bench.storage.whole_files import write_whole

CHECKPOINT_EVERY = 500
SAY_EVERY = 100
MANY = 10**7
"""More steps than any run has, so that no two recipes' steps share their random numbers."""

Loss: TypeAlias = Callable[[torch.Generator], Tensor]
"""Of a batch that is drawn with the generator alone."""


@dataclass(frozen=True, kw_only=True)
class Descent:
    """How the weights of one part are learned: AdamW, a linear warm-up, and a straight fall over the last steps."""

    steps: int
    batch: int
    rate: float
    seed: int = 0
    weight_decay: float = 1e-3
    warm_up_steps: int = 100
    falling_share: float = 0.5
    average_decay: float = 0.998

    def rate_at(self, step: int) -> float:
        """Of a step, counted from 0."""
        left = (self.steps - step) / (self.falling_share * self.steps)
        return self.rate * min(1.0, (step + 1) / self.warm_up_steps, left)


class Learner:
    """The weights of a part, their running average, and the optimiser's moments."""

    def __init__(self, part: nn.Module, descent: Descent, console: Console) -> None:
        self.part, self.descent, self.console = part, descent, console
        self.average = {name: value.detach().clone() for name, value in part.named_parameters()}
        self.optimiser = torch.optim.AdamW(
            part.parameters(), lr=descent.rate, weight_decay=descent.weight_decay, betas=(0.9, 0.98)
        )
        self.step, self.seconds = 0, 0.0

    def run(self, loss: Loss, checkpoint: Path) -> None:
        """All steps that are left; then the part holds the averaged weights."""
        if checkpoint.exists():
            self._restore(checkpoint)
        begin, before, losses = time.monotonic(), self.seconds, []
        while self.step < self.descent.steps:
            losses.append(self._learn(loss))
            self.step += 1
            self.seconds = before + time.monotonic() - begin
            if self.step % SAY_EVERY == 0:
                self._say(
                    f"{self.step}/{self.descent.steps}, loss {np.mean(losses):.4f}, {self.seconds:.0f} s"
                )
                losses.clear()
            if self.step % CHECKPOINT_EVERY == 0 or self.step == self.descent.steps:
                write_whole(checkpoint, save(self._state(), metadata=self._progress()))
        with torch.no_grad():
            for key, value in self.part.named_parameters():
                value.copy_(self.average[key])

    def _learn(self, loss: Loss) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self.descent.rate_at(self.step)
        value = loss(torch.Generator().manual_seed(self.descent.seed * MANY + self.step))
        self.optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.part.parameters(), 1.0)
        self.optimiser.step()
        keep = min(self.descent.average_decay, (1 + self.step) / (10 + self.step))
        for name, weights in self.part.named_parameters():
            self.average[name].lerp_(weights.detach(), 1 - keep)
        return value.item()

    def _state(self) -> dict[str, Tensor]:
        state = {}
        for name, weights in self.part.named_parameters():
            state[f"weights/{name}"], state[f"average/{name}"] = weights.detach(), self.average[name]
            state |= {f"{key}/{name}": value for key, value in self.optimiser.state[weights].items()}
        return {name: value.contiguous() for name, value in state.items()}

    def _restore(self, checkpoint: Path) -> None:
        with safe_open(checkpoint, framework="pt") as stored:
            progress = stored.metadata()
            state = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
        self.step, self.seconds = int(progress["step"]), float(progress["seconds"])
        with torch.no_grad():
            for name, weights in self.part.named_parameters():
                weights.copy_(state[f"weights/{name}"])
                self.average[name].copy_(state[f"average/{name}"])
                self.optimiser.state[weights] = {
                    key: state[f"{key}/{name}"].clone() for key in ("step", "exp_avg", "exp_avg_sq")
                }
        self._say(f"going on from step {self.step}")

    def _progress(self) -> dict[str, str]:
        return {"step": str(self.step), "seconds": f"{self.seconds:.1f}"}

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True)
