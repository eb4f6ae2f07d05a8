"""Whatever a method does to an LVLM or to the process is undone when it ends, by its result or by an error."""

from __future__ import annotations

import hashlib
import random  # noqa: TID251, to see that nobody used it
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from medground_bench import plugins
from medground_bench.lvlms import open_lvlm
from medground_bench.lvlms.engine import attention
from medground_bench.lvlms.engine.passes import Passes
from medground_bench.methods import explain
from tests.kit.method_cases import brief, own_case

NAMES = [plugin.name for plugin in plugins.available("methods")]


def state_of(lvlm) -> dict[str, object]:
    """What must be the same before and after, by name: of the model's modules and weights, and of the process."""
    model, state = lvlm.loaded.model, {}
    for name, module in (("every module", torch.nn.modules.module), *model.named_modules()):
        hooks = {slot: list(here) for slot, here in vars(module).items() if slot.endswith("hooks") and here}
        state[f"{name} hooks"] = hooks
        state[f"{name} forward"] = vars(module).get("forward")
        state[f"{name} training"] = getattr(module, "training", False)
        state[f"{name} attention"] = getattr(getattr(module, "config", None), "_attn_implementation", None)
    for part in model.config.sub_configs:
        state[f"{part} attention"] = getattr(model.config, part)._attn_implementation
    for name, weight in model.named_parameters():
        state[f"{name} weight"] = (weight.requires_grad, weight.grad, weight.dtype, _digest(weight))
    state["generation"] = model.generation_config.to_dict()
    state["watcher"] = attention._watcher.get()
    state["held alone"] = lvlm.engine.alone._is_owned()
    return state | _of_process()


def _of_process() -> dict[str, object]:
    numpy_state = np.random.get_state()  # noqa: NPY002, to see that nobody used it
    return {
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "torch rng": torch.get_rng_state().numpy().tobytes(),
        "numpy rng": (numpy_state[1].tobytes(), numpy_state[2:]),
        "python rng": random.getstate(),
    }


def _digest(weight: torch.Tensor) -> str:
    return hashlib.sha256(weight.detach().numpy().tobytes()).hexdigest()


def changed(before: dict[str, object], after: dict[str, object]) -> list[str]:
    return [name for name in before | after if before.get(name, 0) != after.get(name, 0)]


class MidwayError(Exception):
    pass


@dataclass
class Failing(Passes):
    """Raises when the `last`-th thing is counted, which is while hooks and watchers are in place; `counted` so far."""

    last: int | None = None
    counted: int = field(default=0, compare=False)

    def encode(self, *counts, **what):
        self._count()

    look = differentiate = read = write = encode

    def _count(self):
        self.counted += 1
        if self.counted == self.last:
            raise MidwayError


def run(method, lvlm, case) -> None:
    explain(method, lvlm, case, np.random.default_rng(3))


@pytest.mark.parametrize("mode", ["direct", "reason"])
@pytest.mark.parametrize("name", NAMES)
def test_after_a_method_model_and_process_are_as_they_were(name, mode, lvlm):
    method, case = brief(name, lvlm), own_case(lvlm, mode=mode)
    before = state_of(lvlm)
    run(method, lvlm, case)
    assert changed(before, state_of(lvlm)) == []


@pytest.mark.parametrize("name", NAMES)
def test_after_a_method_that_failed_at_any_of_its_passes_they_are_too(name, lvlm):
    method, case, whole = brief(name, lvlm), own_case(lvlm), Failing()
    run(method, lvlm.counted_by(whole), case)
    assert bool(whole.counted) == bool(method.needs), "whoever needs an LVLM asks it"
    before = state_of(lvlm)
    for last in sorted({1, 2, 3, whole.counted // 2, whole.counted} & {*range(1, whole.counted + 1)}):
        with pytest.raises(MidwayError):
            run(method, lvlm.counted_by(Failing(last=last)), case)
        assert changed(before, state_of(lvlm)) == []


@pytest.mark.parametrize("name", NAMES)
def test_after_a_method_that_failed_inside_the_last_layer_they_are_too(name, lvlm, monkeypatch):
    method, case = brief(name, lvlm), own_case(lvlm)

    def fail(*_, **named):
        raise MidwayError

    monkeypatch.setattr(lvlm.loaded.model.model.language_model.layers[-1], "forward", fail)
    before = state_of(lvlm)
    if method.needs:
        with pytest.raises(MidwayError):
            run(method, lvlm.counted_by(Passes()), case)
    assert changed(before, state_of(lvlm)) == []


def leaves_a_hook(lvlm):
    lvlm.loaded.model.lm_head.register_forward_hook(lambda *_: None)


def leaves_a_hook_for_the_way_back(lvlm):
    lvlm.loaded.model.lm_head.register_full_backward_hook(lambda *_: None)


def leaves_its_own_forward(lvlm):
    lvlm.loaded.model.lm_head.forward = lambda states: states


def leaves_the_slow_attention(lvlm):
    lvlm.loaded.model.set_attn_implementation({"text_config": "eager"})


def leaves_weights_that_are_differentiated(lvlm):
    lvlm.loaded.model.lm_head.weight.requires_grad_()


def leaves_a_gradient(lvlm):
    weight = lvlm.loaded.model.lm_head.weight.requires_grad_()
    weight.sum().backward()
    weight.requires_grad_(False)


def leaves_another_weight(lvlm):
    lvlm.loaded.model.lm_head.weight[0, 0] += 1


def leaves_dropout_on(lvlm):
    lvlm.loaded.model.model.language_model.layers[1].train()


def leaves_gradients_off(_lvlm):
    torch.set_grad_enabled(False)


def leaves_another_precision(_lvlm):
    torch.set_default_dtype(torch.float64)


def leaves_a_number_drawn(_lvlm):
    torch.rand(1)


def leaves_a_number_drawn_by_numpy(_lvlm):
    np.random.rand()  # noqa: NPY002


LITTER = {
    leaves_a_hook: "lm_head hooks",
    leaves_a_hook_for_the_way_back: "lm_head hooks",
    leaves_its_own_forward: "lm_head forward",
    leaves_the_slow_attention: "text_config attention",
    leaves_weights_that_are_differentiated: "lm_head.weight weight",
    leaves_a_gradient: "lm_head.weight weight",
    leaves_another_weight: "lm_head.weight weight",
    leaves_dropout_on: "model.language_model.layers.1 training",
    leaves_gradients_off: "gradients",
    leaves_another_precision: "dtype",
    leaves_a_number_drawn: "torch rng",
    leaves_a_number_drawn_by_numpy: "numpy rng",
}


@pytest.fixture
def one_to_spoil(tiny_folders, family):
    """An LVLM of its own; what it does to the process is undone."""
    numpy_state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        yield open_lvlm(str(tiny_folders[family]), device="cpu")
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    np.random.set_state(numpy_state)  # noqa: NPY002


@pytest.mark.parametrize("litter", LITTER, ids=lambda litter: litter.__name__)
def test_a_trace_would_be_seen(litter, one_to_spoil):
    before = state_of(one_to_spoil)
    litter(one_to_spoil)
    assert LITTER[litter] in changed(before, state_of(one_to_spoil))
