"""Every method on a random LVLM of Gemma 3 4B's size, on a CUDA device: `python -m tests.performance.accelerator`.

Seconds of wall clock, the device waited for. Random weights cost what trained ones cost.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
import torch
from rich.console import Console

from medground_bench import plugins
from medground_bench.cards.costs import ANSWER_TOKENS, Accelerator, MeasuredMethod
from medground_bench.core.errors import MedgroundError
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Case, Frame, Mode, Response
from medground_bench.lvlms import open_lvlm
from medground_bench.lvlms.engine.local import LocalLvlm
from medground_bench.methods import explain, open_method
from medground_bench.phantom.scene import Scene
from tests.kit.tiny_lvlms import Sizes, save_gemma3
from tests.performance.medfocus_speed import SIDE_PX, deltas, forget, two_questions

LAYERS = 34
WORD_IDS = (20, 300)
"""Ids of the tiny tokenizer that are words, from and to."""

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


def random_lvlm(folder: Path, sizes: Sizes, device: str, dtype: torch.dtype) -> LocalLvlm:
    """Save a random Gemma 3 of these sizes in a folder, and open it as any other."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            save_gemma3(folder, sizes, spread=0.02)
    finally:
        torch.set_default_dtype(usual)
    return cast(LocalLvlm, open_lvlm(str(folder), device=device))


def measure(lvlm: LocalLvlm, device: str, *, turns: int = 5) -> Measured:
    """Time MedFocus on a first and on a second question about a picture: the fastest turn."""
    first, second = two_questions(lvlm)
    cold = deltas(lvlm, second)
    firsts, seconds = [], []
    for _ in range(turns):
        forget(lvlm)
        firsts.append(_wall_clock(lambda: deltas(lvlm, first), device))
        seconds.append(_wall_clock(lambda: deltas(lvlm, second), device))
    difference = float(np.abs(deltas(lvlm, second) - cold).max())
    return Measured(lvlm.loaded.model.num_parameters(), min(firsts), min(seconds), difference)


def method_times(
    lvlm: LocalLvlm, device: str, names: Sequence[str], *, turns: int = 2
) -> Iterator[MeasuredMethod]:
    """Every method on a case of each mode, cold; one that cannot run here, for want of weights, is left out."""
    picture = Scene.sample(3).render(SIDE_PX, ["cardiomegaly"])
    for name, mode in itertools.product(names, Mode):
        ids = np.random.default_rng(0).integers(*WORD_IDS, ANSWER_TOKENS[mode.value])
        response = Response("", tuple(ids.tolist()), ("",) * len(ids))
        question, native = prompt("cardiomegaly", mode), Frame.native(width=SIDE_PX, height=SIDE_PX)
        case = Case(f"a/b/c@random:{mode}", "cardiomegaly", question, response, picture, native)

        def run(name: str = name, case: Case = case) -> None:
            forget(lvlm)
            explain(open_method(name, lvlm), lvlm, case, np.random.default_rng(0))

        try:
            run()
            yield MeasuredMethod(name, mode.value, min(_wall_clock(run, device) for _ in range(turns)))
        except MedgroundError as error:
            Console().print(f"{name}, {mode}: left out. {error}")


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
    """Measure at full size in bfloat16; what the bare machine lacks is not asked for, not even typer's pydantic."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, help="JSON file of the times, for the cards")
    out: Path | None = options.parse_args().out
    if not torch.cuda.is_available():
        sys.exit("This needs a CUDA device with 24 GB of memory; torch sees none.")
    device, times = torch.cuda.get_device_name(), list[MeasuredMethod]()
    with TemporaryDirectory() as folder:
        lvlm = random_lvlm(Path(folder) / "gemma3", GEMMA_4B_WHOLE, "cuda", torch.bfloat16)
        Console().print(f"{device}: {measure(lvlm, 'cuda')}")
        for each in method_times(lvlm, "cuda", [plugin.name for plugin in plugins.available("methods")]):
            Console().print(f"{each.method}, {each.mode}: {each.seconds:.3f} s")
            times.append(each)
            if out is not None:  # after each one: the device may be taken away
                made = Accelerator(device, torch.__version__, version("transformers"), times)
                out.write_text(json.dumps(asdict(made), indent=1) + "\n")


if __name__ == "__main__":
    main()
