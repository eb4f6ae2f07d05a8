"""Every method on the tiny LVLMs: seconds, passes and memory of one case; and ours against captum and naive calls."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from medground_bench import plugins
from medground_bench.core.types import Case, Frame, Picture, Response
from medground_bench.lvlms import Need, open_lvlm
from medground_bench.lvlms.engine.local import LocalLvlm
from medground_bench.lvlms.engine.passes import Passes
from medground_bench.methods import Method, explain, open_method
from medground_bench.methods.integrated_gradients import IntegratedGradients
from medground_bench.methods.occlusion import Occlusion
from medground_bench.methods.rise import Rise
from tests.kit.tiny_lvlms import DIRECT, radiograph, save_gemma3, save_qwen2_5_vl

SIDE_PX = 56
"""The picture the tiny towers were made for, so that nothing but the model takes time."""

TURNS = 3

SAVED = {"gemma3": save_gemma3, "qwen2_5_vl": save_qwen2_5_vl}


@dataclass(frozen=True)
class MethodCost:
    """One case by one method; `seconds` is the fastest of several runs, `peak_mb` what it adds to the process."""

    method: str
    family: str
    seconds: float
    passes: Passes
    peak_mb: float | None


@dataclass(frozen=True)
class Duel:
    """Ours and another way to the same numbers, timed in turns; both in seconds of processor time."""

    what: str
    family: str
    ours_s: float
    other_s: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.other_s / self.ours_s


def open_tiny(folder: Path) -> dict[str, LocalLvlm]:
    """Family -> tiny random LVLM, on one thread: larger pools wait for each other at this size."""
    torch.set_num_threads(1)
    return {family: open_lvlm(str(save(folder / family)), device="cpu") for family, save in SAVED.items()}


def bench_case(lvlm: LocalLvlm) -> Case:
    """A picture with the LVLM's own response of two tokens."""
    picture = radiograph(1, width=SIDE_PX, height=SIDE_PX)
    response = lvlm.generate([picture], [DIRECT], max_new_tokens=2)[0]
    native = Frame.native(width=SIDE_PX, height=SIDE_PX)
    return Case("a/b/c@tiny:direct", "nodule", DIRECT, response, picture, native)


def method_cost(name: str, lvlm: LocalLvlm, family: str) -> MethodCost:
    """Run a method three times: once to warm up and count, twice to time; prompting is run twice in all."""
    method, case = open_method(name, lvlm), bench_case(lvlm)
    passes = Passes()
    _explain(method, lvlm.counted_by(passes), case)
    peak = peak_memory_mb(lambda: _explain(method, lvlm, case))
    repeats = 1 if Need.TEXT in method.needs else 2
    return MethodCost(name, family, fastest(lambda: _explain(method, lvlm, case), repeats), passes, peak)


def all_costs(lvlms: dict[str, LocalLvlm]) -> list[MethodCost]:
    """Every method on every family."""
    names = [plugin.name for plugin in plugins.available("methods")]
    return [method_cost(name, lvlm, family) for name in names for family, lvlm in lvlms.items()]


@dataclass(frozen=True)
class OneByOne:
    """The same weights called as transformers documents it, one picture a call: no batch, no memory, its own masks."""

    lvlm: LocalLvlm

    @torch.no_grad()
    def log_probs(self, pictures: Sequence[Picture], prompt: str, response: Response) -> NDArray[np.float32]:
        height, width = pictures[0].shape
        row = self.lvlm.rows.of(Frame("study", width=width, height=height), prompt, response)
        answer, family = row.ids[row.answer], self.lvlm.family
        log_probs = []
        for picture in pictures:
            logits = self.lvlm.loaded.model(
                input_ids=row.ids[None],
                **{family.type_ids: row.image_types[None]},
                **family.language_inputs(self.lvlm.sight.tokens_once([picture]), row.frame),
                use_cache=False,
                logits_to_keep=len(answer) + 1,
            ).logits[0, :-1]
            log_probs.append(logits.float().log_softmax(-1).gather(-1, answer[:, None])[:, 0].numpy())
        return np.stack(log_probs)


def one_at_a_time(method: Method, lvlm: LocalLvlm, family: str) -> Duel:
    """A perturbation method against the same method on the same model, one picture a call."""
    case = bench_case(lvlm)

    def ours() -> None:
        method.attribute(lvlm, case, np.random.default_rng(0))

    def other() -> None:
        method.attribute(OneByOne(lvlm), case, np.random.default_rng(0))  # type: ignore[arg-type]

    return duel(f"{type(method).__name__}: one picture a call", family, ours, other)


def against_captum(lvlm: LocalLvlm) -> list[Duel]:
    """Occlusion and integrated gradients by captum on the same Gemma 3, with batches as large as ours.

    Both sides check completeness: ours always does, captum by `return_convergence_delta`.
    """
    from captum.attr import IntegratedGradients as CaptumGradients
    from captum.attr import Occlusion as CaptumOcclusion

    case, batch = bench_case(lvlm), lvlm.sight.batch_size
    row = lvlm.rows.of(case.study, case.prompt, case.response)
    values = lvlm.sight.pixels.of_levels([case.picture], width=SIDE_PX, height=SIDE_PX)
    answer = row.ids[row.answer]

    def summed_log_prob(pixels: torch.Tensor) -> torch.Tensor:
        ids = row.ids.expand(len(pixels), -1)
        out = lvlm.loaded.model(
            input_ids=ids,
            pixel_values=pixels,
            token_type_ids=(ids == lvlm.loaded.model.config.image_token_id).long(),
            use_cache=False,
            logits_to_keep=len(answer) + 1,
        )
        chosen = out.logits[:, :-1].log_softmax(-1).gather(-1, answer.expand(len(pixels), -1)[..., None])
        return chosen.sum(dim=(1, 2))

    def occlusion() -> None:
        step = (3, SIDE_PX // 8, SIDE_PX // 8)
        with torch.no_grad():
            CaptumOcclusion(summed_log_prob).attribute(
                values, sliding_window_shapes=step, strides=step, baselines=-1.0, perturbations_per_eval=batch
            )

    def gradients() -> None:
        CaptumGradients(summed_log_prob).attribute(
            values,
            baselines=-1.0,
            n_steps=IntegratedGradients().steps,
            internal_batch_size=lvlm.gradients.batch_size,
            return_convergence_delta=True,
        )

    rng = np.random.default_rng(0)
    return [
        duel("Occlusion: captum", "gemma3", lambda: Occlusion().attribute(lvlm, case, rng), occlusion),
        duel(
            "IntegratedGradients: captum",
            "gemma3",
            lambda: IntegratedGradients().attribute(lvlm, case, rng),
            gradients,
        ),
    ]


def all_duels(lvlms: dict[str, LocalLvlm]) -> list[Duel]:
    """Everything that ours is measured against."""
    perturbing = (Occlusion(), Rise())
    duels = [one_at_a_time(method, lvlm, family) for method in perturbing for family, lvlm in lvlms.items()]
    return duels + against_captum(lvlms["gemma3"])


def fastest(action: Callable[[], object], repeats: int) -> float:
    """Seconds of processor time of the run that the machine disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def peak_memory_mb(action: Callable[[], object]) -> float | None:
    """How far the process grows above where it was; None where Linux does not tell."""
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what earlier runs left in the heap would hide this one
        before = _status_mb(status, "VmRSS")
        reset.write_text("5")
        action()
        return max(0.0, _status_mb(status, "VmHWM") - before)
    except OSError:
        return None


def _status_mb(status: Path, name: str) -> float:
    line = next(line for line in status.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def duel(what: str, family: str, ours: Callable[[], object], other: Callable[[], object]) -> Duel:
    """In turns, so that a busy spell of the machine meets both."""
    ours(), other()
    times = [(fastest(ours, 1), fastest(other, 1)) for _ in range(TURNS)]
    return Duel(what, family, *(min(side) for side in zip(*times, strict=True)))


def _explain(method: Method, lvlm: LocalLvlm, case: Case) -> None:
    """A cold case: nothing is remembered of the one before, which was the same."""
    lvlm.memory.forget()
    explain(method, lvlm, case, np.random.default_rng(0))
