"""Occlusion, attention head and Grad-CAM compute what their papers say."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.types import Case, Frame, Response
from medground_bench.lvlms import Need
from medground_bench.methods.attention_head import AttentionHead
from medground_bench.methods.gradcam import GradCam
from medground_bench.methods.occlusion import Occlusion
from tests.kit.rounding import through
from tests.kit.tiny_lvlms import DIRECT, radiograph

RNG = np.random.default_rng(0)


class Lookout:
    """An LVLM whose response hangs on the mean grey of one region, each of its tokens by its own share."""

    key, revision, gives, layers = "lookout", "0", frozenset({Need.LOG_PROBS}), 1

    def __init__(self, rows: slice, columns: slice, shares: tuple[float, ...] = (1.0,)) -> None:
        self.rows, self.columns, self.shares = rows, columns, np.array(shares)

    def log_probs(self, pictures, prompt, response):
        seen = np.array([picture[self.rows, self.columns].mean() / 255 for picture in pictures])
        return (seen[:, None] * self.shares).astype(np.float32)


def _case(picture: np.ndarray, tokens: int = 1) -> Case:
    height, width = picture.shape
    response = Response("x" * tokens, tuple(range(1, tokens + 1)), ("x",) * tokens)
    return Case("a/b/c@tiny:direct", "nodule", DIRECT, response, picture, Frame.native(width, height))


def test_occlusion_finds_the_patch_that_the_answer_hangs_on():
    lookout = Lookout(slice(28, 56), slice(140, 168))
    values = Occlusion().attribute(lookout, _case(np.full((224, 224), 255, np.uint8)), RNG).saliency.values
    assert values.shape == (8, 8)
    assert values[1, 5] == pytest.approx(1)
    assert np.count_nonzero(values) == 1


def test_occlusion_sums_over_the_tokens_of_the_response():
    lookout = Lookout(slice(0, 28), slice(0, 28), shares=(0.5, 2.0, -1.0))
    values = Occlusion().attribute(lookout, _case(np.full((224, 224), 255, np.uint8), 3), RNG).saliency.values
    assert values[0, 0] == pytest.approx(1.5)


def test_hiding_what_spoke_against_the_answer_is_negative_evidence():
    lookout = Lookout(slice(0, 28), slice(0, 28), shares=(-1.0,))
    values = Occlusion().attribute(lookout, _case(np.full((224, 224), 255, np.uint8)), RNG).saliency.values
    assert values[0, 0] == pytest.approx(-1)


@pytest.mark.parametrize("cells", [4, 8, 14])
def test_the_grid_of_occlusion_covers_the_picture_whatever_its_side(cells):
    picture = np.full((100, 100), 255, np.uint8)
    whole = Lookout(slice(0, 100), slice(0, 100))
    values = Occlusion(cells=cells).attribute(whole, _case(picture), RNG).saliency.values
    assert values.shape == (cells, cells)
    assert values.sum() == pytest.approx(1, abs=1e-4)
    assert values.min() > 0


def test_occlusion_equals_one_picture_at_a_time(lvlm):
    case = _own_case(lvlm)
    base = lvlm.log_probs([case.picture], DIRECT, case.response).sum()
    expected = np.empty((4, 4))
    for row, column in np.ndindex(4, 4):
        picture = case.picture.copy()
        picture[row * 14 : row * 14 + 14, column * 14 : column * 14 + 14] = 0
        expected[row, column] = base - lvlm.log_probs([picture], DIRECT, case.response).sum()
    values = Occlusion(cells=4).attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(values, expected, atol=2 * through(lvlm, max(abs(base), 1)))


def test_attention_head_is_the_mean_over_the_answers_rows_of_one_head_or_of_all(lvlm):
    case = _own_case(lvlm)
    weights = lvlm.answer_attention(case.picture, DIRECT, case.response, layers=[0, 1, 2])
    mean = AttentionHead().attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(mean, weights[2].mean(axis=(0, 1)), rtol=1e-5)
    one = AttentionHead(layer=1, head=3).attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(one, weights[1, 3].mean(axis=0), rtol=1e-5)


def test_gradcam_weighs_every_channel_by_its_mean_gradient_and_keeps_the_positive_part(lvlm):
    case = _own_case(lvlm)
    states = lvlm.layer_gradients(case.picture, DIRECT, case.response, layer=1)
    expected = np.zeros(states.activations.shape[:2])
    for channel in range(states.activations.shape[2]):
        expected += states.gradients[..., channel].mean() * states.activations[..., channel]
    values = GradCam().attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(values, np.maximum(expected, 0), atol=through(lvlm, abs(expected).max()))


def test_the_layer_of_gradcam_matters_and_no_layer_is_constant(lvlm):
    case = _own_case(lvlm)
    maps = [GradCam(layer=layer).attribute(lvlm, case, RNG).saliency.values for layer in range(lvlm.layers)]
    assert all(values.std() > 0 for values in maps)
    assert not np.allclose(maps[0], maps[2])


def _own_case(lvlm) -> Case:
    picture = radiograph(11)
    response = lvlm.generate([picture], [DIRECT], max_new_tokens=3)[0]
    return Case("a/b/c@tiny:direct", "nodule", DIRECT, response, picture, Frame.native(56, 56))
