"""MedFocus on a random LVLM of Gemma 3 4B's size, on a CUDA device: `python -m tests.performance.accelerator`.

Seconds of wall clock, the device waited for. Random weights cost what trained ones cost.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from rich.console import Console

from medground_bench.lvlms import open_lvlm
from tests.performance.medfocus_speed import deltas, forget, two_questions
from tests.tiny_lvlms import Sizes, save_gemma3

LAYERS = 34
GEMMA_4B_WHOLE = Sizes(
    text={
        "hidden_size": 2560, "intermediate_size": 10240, "num_attention_heads": 8, "num_key_value_heads": 4,
        "head_dim": 256, "query_pre_attn_scalar": 256, "sliding_window": 1024, "num_hidden_layers": LAYERS,
        "layer_types": [
            "full_attention" if layer % 6 == 5 else "sliding_attention" for layer in range(LAYERS)
        ],
        "vocab_size": 262_208,
    },
    vision={
        "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
        "image_size": 896, "patch_size": 14,
    },
    tokens=256,
)  # fmt: skip
"""The sizes of google/gemma-3-4b-it; MedGemma's are the same."""


@dataclass(frozen=True)
class Measured:
    """Seconds of a first and of a second question about one picture, and what the second differs from a cold run."""

    parameters: int
    cold_s: float
    warm_s: float
    difference: float

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"{self.parameters / 1e9:.2f} G parameters: {self.cold_s:.3f} s a case cold, {self.warm_s:.3f} s for a "
            f"second question; largest difference of a Delta to a cold run {self.difference:.0e} nats"
        )


def measure(folder: Path, sizes: Sizes, device: str, dtype: torch.dtype, *, turns: int = 5) -> Measured:
    """Save a random LVLM of these sizes in a folder, open it as any other, and time MedFocus: the fastest turn."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            save_gemma3(folder, sizes, spread=0.02)
    finally:
        torch.set_default_dtype(usual)
    lvlm = open_lvlm(str(folder), device=device)
    first, second = two_questions(lvlm)
    cold = deltas(lvlm, second)
    firsts, seconds = [], []
    for _ in range(turns):
        forget(lvlm)
        firsts.append(_wall_clock(lambda: deltas(lvlm, first), device))
        seconds.append(_wall_clock(lambda: deltas(lvlm, second), device))
    difference = float(np.abs(deltas(lvlm, second) - cold).max())
    return Measured(lvlm.loaded.model.num_parameters(), min(firsts), min(seconds), difference)


def _wall_clock(action: Callable[[], object], device: str) -> float:
    def wait() -> None:
        if device != "cpu":
            torch.cuda.synchronize()

    wait()
    start = time.perf_counter()
    action()
    wait()
    return time.perf_counter() - start


def main() -> None:
    """Measure at full size in bfloat16."""
    if not torch.cuda.is_available():
        sys.exit("This needs a CUDA device with 24 GB of memory; torch sees none.")
    with TemporaryDirectory() as folder:
        measured = measure(Path(folder), GEMMA_4B_WHOLE, "cuda", torch.bfloat16)
    Console().print(f"{torch.cuda.get_device_name()}: {measured}")


if __name__ == "__main__":
    main()
