"""On the embedded LVLMs, whose nodule is known: methods that follow what the answer rests on point at it."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench import plugins
from medground_bench.core.answers import read_answer
from medground_bench.core.geometry import Letterbox, resize_bilinear
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Answer, Box, Case, Frame, Mode
from medground_bench.lvlms import open_lvlm
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import to_study

SEEDS = seeds.DEVELOPMENT[:5]
HALF_A_TOKEN_PX = 14


@pytest.fixture(scope="module", params=["phantom_gemma3", "phantom_qwen2_5_vl"])
def phantom(request):
    return open_lvlm(request.param, device="cpu")


@pytest.fixture(scope="module")
def nodules(phantom) -> list[tuple[Case, Box]]:
    """Pictures whose nodule the LVLM sees, and the nodule's box in the study frame."""
    return [case for case in (_case(phantom, seed) for seed in SEEDS) if case is not None]


@pytest.mark.parametrize(
    "name, share",
    [
        ("attention_rollout", 0.75),
        ("lrp", 0.75),
        ("attnlrp", 0.75),
        # a random peak lies on 1 nodule of 16
        ("grad_attention", 0.3),
        ("grad_weighted_attention", 0.2),
    ],
)
def test_the_peak_of_the_map_lies_on_the_nodule(phantom, nodules, name, share):
    assert len(nodules) >= 4
    hits = [_peak_on(nodule, _map(phantom, name, case)) for case, nodule in nodules]
    assert np.mean(hits) >= share


def _case(phantom, seed: int) -> tuple[Case, Box] | None:
    scene, asked = Scene.sample(seed), prompt("nodule", Mode.DIRECT)
    native = scene.native(["nodule"])
    frame = Frame.native_of(native)
    picture = to_study(native).picture
    response = phantom.generate([picture], [asked], max_new_tokens=8)[0]
    if read_answer(response.text, "nodule") is not Answer.YES:
        return None
    (box,) = scene.native_boxes("nodule", ["nodule"])
    nodule = Letterbox.fit(frame).to_study(Box(*box, frame))
    return Case(f"phantom/{seed}/nodule@phantom:direct", "nodule", asked, response, picture, frame), nodule


def _map(phantom, name: str, case: Case) -> np.ndarray:
    found = plugins.load("methods", name)().attribute(phantom, case, np.random.default_rng(0)).saliency
    return resize_bilinear(found.values, width=found.frame.width, height=found.frame.height)


def _peak_on(box: Box, values: np.ndarray) -> bool:
    y, x = np.unravel_index(values.argmax(), values.shape)
    return (
        box.x0 - HALF_A_TOKEN_PX <= x < box.x1 + HALF_A_TOKEN_PX
        and box.y0 - HALF_A_TOKEN_PX <= y < box.y1 + HALF_A_TOKEN_PX
    )
