"""The quickened towers of the Qwen families against transformers' own, which take one window a call."""

from __future__ import annotations

import pytest
import torch

from medground_bench.core.types import Frame
from tests.kit.rounding import through
from tests.kit.tiny_lvlms import radiograph


@pytest.fixture(params=["qwen2_5_vl", "qwen3_vl"])
def qwen(request):
    return request.param


def features_of(own, rows, grid) -> torch.Tensor:
    """Those of transformers (pictures, tokens, channels), of every depth that enters the decoder."""
    found = own.get_image_features(rows, image_grid_thw=grid)
    depths = [found.pooler_output, *getattr(found, "deepstack_features", [])]
    return torch.cat([torch.stack(list(depth)) for depth in depths], dim=-1)


@pytest.mark.parametrize("width, height", [(56, 56), (224, 224), (84, 140), (196, 112), (100, 75)])
def test_windows_at_once_give_what_one_at_a_time_gives(tiny_lvlms, raws, qwen, width, height):
    lvlm, own = tiny_lvlms[qwen], raws[qwen].model.model
    tower = lvlm.family.tower_frame(Frame("study", width=width, height=height))
    pictures = [radiograph(seed, width=width, height=height) for seed in range(3)]
    values = lvlm.sight.pixels.of_levels(pictures, width=tower.width, height=tower.height)
    rows, grid = lvlm.family.pictures.patches(values)
    with torch.no_grad():
        ours = lvlm.family.image_features(values)
        theirs = features_of(own, rows, grid)
    scale = float(theirs.abs().max())
    assert ours.shape == theirs.shape and scale > 0.1
    torch.testing.assert_close(ours, theirs, atol=through(lvlm, scale), rtol=0)


def test_gradients_flow_through_the_windows(tiny_lvlms, raws, qwen):
    lvlm, own = tiny_lvlms[qwen], raws[qwen].model.model
    tower = lvlm.family.tower_frame(Frame("study", width=84, height=140))
    values = lvlm.sight.pixels.of_levels(
        [radiograph(1, width=84, height=140)], width=tower.width, height=tower.height
    )
    gradients = []
    for features in (
        lvlm.family.image_features,
        lambda values: features_of(own, *lvlm.family.pictures.patches(values)),
    ):
        leaf = values.clone().requires_grad_()
        gradients.append(torch.autograd.grad(features(leaf).square().sum(), leaf)[0])
    near = through(lvlm, gradients[1].abs().max(), back=True)
    torch.testing.assert_close(*gradients, atol=near, rtol=0)


@pytest.mark.parametrize(
    "qwen, windows", [("qwen2_5_vl", [(64, 2, 16), (16, 2, 64)]), ("qwen3_vl", [(16, 2, 64)] * 3)]
)
def test_64_windows_of_a_batch_are_one_call_a_layer(tiny_lvlms, monkeypatch, qwen, windows):
    from medground_bench.lvlms.engine import qwen_tower

    calls = []
    attend = qwen_tower.scaled_dot_product_attention
    monkeypatch.setattr(
        qwen_tower,
        "scaled_dot_product_attention",
        lambda query, *rest, **named: calls.append(tuple(query.shape[:3])) or attend(query, *rest, **named),
    )
    lvlm = tiny_lvlms[qwen]
    with torch.no_grad():
        lvlm.sight.tokens_once([radiograph(seed, width=112, height=112) for seed in range(16)])
    assert calls == windows, (
        "in Qwen2.5-VL windows of 4 x 4 patches, then a layer over each whole picture; in Qwen3-VL whole pictures"
    )
