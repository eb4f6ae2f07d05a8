"""Models wired by hand to say yes to one bright patch: whoever follows the values must find it.

Every decoder layer attends evenly to everything before. All but the last add nothing; the last one moves one thing, how
bright an image token is, in the direction of "Yes". So the answer hangs on the bright token, and attention weights say
nothing about it.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medground_bench import plugins
from medground_bench.core.types import Case, Frame, Response
from medground_bench.lvlms import open_lvlm
from tests.kit.cells import cell
from tests.kit.rounding import through
from tests.kit.tiny_lvlms import DIRECT, REASON

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 112, 84
FINDERS = (
    "lrp", "attnlrp", "grad_weighted_attention", "gradcam", "gradcam_pp", "integrated_gradients", "occlusion",
)  # fmt: skip


@pytest.fixture(scope="module")
def probes(tiny_folders):
    return {family: _wired(open_lvlm(str(folder), device="cpu")) for family, folder in tiny_folders.items()}


@pytest.fixture
def probe(probes, family):
    return probes[family]


@pytest.mark.parametrize("name", FINDERS)
@pytest.mark.parametrize("prompt", [DIRECT, REASON])
def test_the_planted_patch_is_found(probe, name, prompt):
    grid = probe.token_grid(Frame("study", width=WIDTH, height=HEIGHT))
    for row, column in ((0, grid.columns - 1), (grid.rows - 1, 1)):
        values = _attribute(probe, name, _case(probe, _picture(grid, row, column), prompt))
        assert np.unravel_index(_in_cells(values, grid).argmax(), (grid.rows, grid.columns)) == (row, column)


def test_the_answer_hangs_on_the_patch(probe):
    grid = probe.token_grid(Frame("study", width=WIDTH, height=HEIGHT))
    case = _case(probe, _picture(grid, 1, 1), DIRECT)
    bright, dark = probe.log_probs([case.picture, case.picture * 0], case.prompt, case.response).sum(axis=1)
    assert bright > dark + 0.1


def test_attention_alone_is_blind_to_what_values_carry(probe):
    grid = probe.token_grid(Frame("study", width=WIDTH, height=HEIGHT))
    pictures = (_picture(grid, 1, 1), _picture(grid, 2, 0))
    for name in ("attention_head", "attention_rollout"):
        one, other = (_attribute(probe, name, _case(probe, picture, DIRECT)) for picture in pictures)
        np.testing.assert_allclose(one, other, atol=through(probe, one.max()))


def _attribute(probe, name, case):
    settings = (
        {"cells": 4} if name == "occlusion" else {}
    )  # half a bright token hidden is another picture, not less
    return plugins.load("methods", name)(**settings).attribute(probe, case, RNG).saliency.values


def _case(probe, picture, prompt) -> Case:
    (yes,) = probe.loaded.tokenizer("Yes", add_special_tokens=False)["input_ids"][:1]
    return Case(
        "a/b/c@probe:direct",
        "nodule",
        prompt,
        Response("Yes", (yes,), ("Yes",)),
        picture,
        Frame.native(WIDTH, HEIGHT),
    )


def _picture(grid, row: int, column: int) -> np.ndarray:
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    picture[cell(row, grid.rows, HEIGHT), cell(column, grid.columns, WIDTH)] = 255
    return picture


def _in_cells(values: np.ndarray, grid) -> np.ndarray:
    """Sum of a map of any resolution over each image token's pixels."""
    pixels = np.kron(values, np.ones((HEIGHT // values.shape[0] + 1, WIDTH // values.shape[1] + 1)))
    rows, columns = (
        np.arange(size) * pixels.shape[axis] // size for axis, size in enumerate((HEIGHT, WIDTH))
    )
    pixels = pixels[np.ix_(rows, columns)]
    return np.array(
        [
            [
                pixels[cell(r, grid.rows, HEIGHT), cell(c, grid.columns, WIDTH)].mean()
                for c in range(grid.columns)
            ]
            for r in range(grid.rows)
        ]
    )


@torch.no_grad()
def _wired(lvlm):
    decoder, words = lvlm.loaded.model.model.language_model, lvlm.loaded.model.lm_head.weight
    for layer in decoder.layers:
        layer.self_attn.o_proj.weight.zero_()
        layer.self_attn.q_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
    last = decoder.layers[-1]
    last.self_attn.v_proj.weight.zero_()
    dark, bright, beside = _token_states(lvlm, last.input_layernorm)
    usual, change = torch.linalg.qr(torch.stack([dark, beside - dark], dim=1)).Q.T
    usual = usual * (usual @ dark).sign()
    brightness = bright - (bright @ usual) * usual - (bright @ change) * change
    brightness = torch.nn.functional.normalize(brightness, dim=0)
    last.self_attn.v_proj.weight[0], last.self_attn.v_proj.weight[1] = brightness, usual
    yes = lvlm.loaded.tokenizer("Yes", add_special_tokens=False)["input_ids"][0]
    towards_yes = torch.nn.functional.normalize(words[yes] - words.mean(0), dim=0)
    elsewhere = torch.randn(len(towards_yes), generator=torch.Generator().manual_seed(0))
    last.self_attn.o_proj.weight[:, 0] = towards_yes
    last.self_attn.o_proj.weight[:, 1] = torch.nn.functional.normalize(elsewhere, dim=0)
    return lvlm


def _token_states(lvlm, norm) -> list[torch.Tensor]:
    """What the layer's norm makes, on average, of a dark token in the dark, a bright one, and a dark one beside it."""
    grid = lvlm.token_grid(Frame("study", width=WIDTH, height=HEIGHT))
    cells = list(np.ndindex(grid.rows, grid.columns))
    black = np.zeros((HEIGHT, WIDTH), np.uint8)
    tokens = lvlm.sight.tokens([black, *(_picture(grid, *cell) for cell in cells)])
    width = norm.weight.shape[0]
    states = norm(
        torch.unflatten(tokens, -1, (-1, width)).sum(-2)
    )  # what enters higher up has all been added
    own = torch.eye(len(cells), dtype=torch.bool)
    return [states[0].mean(0), states[1:][own].mean(0), states[1:][~own].mean(0)]
