"""What Qwen3-VL brings that no other family has: image features that are added to the states of later layers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor

from medground_bench import plugins
from medground_bench.commands.listing import listing
from medground_bench.core.types import Frame
from medground_bench.lvlms import Rule, checkpoints
from medground_bench.lvlms.engine.engine import Engine
from medground_bench.methods.lrp import Lrp
from tests.kit.method_cases import own_case
from tests.kit.rounding import through
from tests.kit.tiny_lvlms import DIRECT, radiograph


@pytest.fixture
def qwen3(tiny_lvlms):
    return tiny_lvlms["qwen3_vl"]


@pytest.fixture
def response(qwen3):
    return qwen3.generate([radiograph()], [DIRECT], max_new_tokens=3)[0]


def test_a_family_without_pinned_keys_is_opened_by_its_location_alone(qwen3):
    assert plugins.literal("lvlms", "qwen3_vl", "KEYS") == {}
    assert "qwen3_vl" not in {known.family for known in checkpoints().values()}
    assert {entry["name"] for entry in listing("lvlms")} == set(checkpoints())
    assert qwen3.key == "tiny_qwen3_vl"


@pytest.mark.parametrize("width, height", [(56, 56), (84, 140), (224, 224), (300, 100)])
def test_a_picture_takes_as_many_tokens_as_its_own_processor_writes(qwen3, raws, width, height):
    """The joint processor needs torchvision; the one method of it that is needed does not."""
    raw = raws["qwen3_vl"]
    rgb = Image.fromarray(radiograph(width=width, height=height)).convert("RGB")
    image = dict(raw.processor(images=rgb, return_tensors="pt"))
    joint = SimpleNamespace(image_processor=raw.processor, image_token=qwen3.family.placeholder())
    grid = qwen3.token_grid(Frame("study", width=width, height=height))
    written = Qwen3VLProcessor.replace_image_token(joint, image, 0)
    assert qwen3.family.expanded(grid.rows * grid.columns) == written


def test_log_probs_and_the_pictures_gradient_are_those_of_the_raw_model_in_one_pass(qwen3, raws, response):
    """Autograd through transformers' own tower and decoder, slow attention and all, from the same pixels."""
    model, picture = raws["qwen3_vl"].model, radiograph(2, width=84, height=112)
    inputs = raws["qwen3_vl"].inputs(picture, DIRECT, response.token_ids)
    grey = torch.from_numpy(picture.astype(np.float32))[None].requires_grad_()
    tower = qwen3.family.tower_frame(Frame("study", width=84, height=112))
    values = qwen3.sight.pixels.of_floats(grey, width=tower.width, height=tower.height)
    inputs["pixel_values"] = qwen3.family.pictures.patches(values)[0]
    told = torch.tensor(response.token_ids)
    log_probs = model(**inputs).logits[0, -len(told) - 1 : -1].log_softmax(-1).gather(-1, told[:, None])[:, 0]
    (expected,) = torch.autograd.grad(log_probs.sum(), grey)
    floats = [picture.astype(np.float32)]
    ours = qwen3.log_probs(floats, DIRECT, response)[0]
    np.testing.assert_allclose(ours, log_probs.detach(), atol=through(qwen3, abs(ours).max()))
    gradient = qwen3.pixel_gradients(floats, DIRECT, response)
    near = through(qwen3, expected.abs().max(), back=True)
    np.testing.assert_allclose(gradient, expected.numpy(), atol=near)


def test_what_enters_each_layer_is_seen_in_the_answer(qwen3, response):
    """Features stand depth behind depth, and none is lost on its way."""
    row = qwen3.rows.of(Frame("study", width=56, height=56), DIRECT, response)
    tokens = qwen3.sight.tokens([radiograph(1)])
    assert tokens.shape[-1] == 3 * 64, "the embeddings, and what enters layers 1 and 2"
    whole = _log_probs(qwen3, tokens, row)
    for depth in range(3):
        without = tokens.clone()
        without[..., 64 * depth : 64 * (depth + 1)] = 0
        assert (_log_probs(qwen3, without, row) - whole).abs().max() > 0.01


def test_features_enter_above_the_layers_below_the_last_of_them(qwen3):
    tokens = qwen3.sight.tokens([radiograph(1)])
    assert [qwen3.engine.enter_above(tokens, layer) for layer in range(3)] == [True, True, False]


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_relevance_that_left_them_out_would_not_add_up(qwen3, monkeypatch, layer):
    case = own_case(qwen3)
    share = Lrp(layer=layer).attribute(qwen3, case, np.random.default_rng(0)).self_checks["conserved_share"]
    assert share == pytest.approx(1, abs=1e-3)
    with_them = qwen3.relevance(case.picture, case.prompt, case.response, rule=Rule.CP, layer=layer)
    monkeypatch.setattr(Engine, "enter_above", lambda *_: False)
    found = qwen3.relevance(case.picture, case.prompt, case.response, rule=Rule.CP, layer=layer)
    lost = with_them.values - found.values
    assert with_them.everywhere - found.everywhere == pytest.approx(float(lost.sum()), abs=1e-3)
    assert (abs(lost).sum() > 0.01 * abs(found.values).sum()) == (layer < 2)


@torch.no_grad()
def _log_probs(lvlm, tokens, row):
    return lvlm.engine.token_log_probs(lvlm.engine.read(row, tokens)[:, row.predicting], row)
