"""Integrated gradients, Grad-CAM++ and LRP as methods, against captum and formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medground_bench import plugins
from medground_bench.lvlms import Rule, open_lvlm
from medground_bench.methods.attnlrp import AttnLrp
from medground_bench.methods.gradcam import GradCam
from medground_bench.methods.gradcam_pp import GradCamPp
from medground_bench.methods.integrated_gradients import Baseline, IntegratedGradients
from medground_bench.methods.lrp import Lrp
from tests.methods.cases import own_case
from tests.tiny_lvlms import radiograph, save_gemma3, save_qwen2_5_vl

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("baseline", list(Baseline))
def test_integrated_gradients_are_captums(tiny_lvlms, raws, baseline):
    """Captum differentiates the raw model; a picture of the tower's own size needs no resizing."""
    captum = pytest.importorskip("captum.attr")
    lvlm, raw = tiny_lvlms["gemma3"], raws["gemma3"]
    case = own_case(lvlm)
    inputs = raw.inputs(case.picture, case.prompt, case.response.token_ids)
    del inputs["pixel_values"]
    answer = torch.tensor(case.response.token_ids)

    def log_prob(grey):
        pixels = ((grey / 255 - 0.5) / 0.5)[:, None].expand(-1, 3, -1, -1)
        batch = {name: tensor.expand(len(grey), -1) for name, tensor in inputs.items()}
        logits = raw.model(**batch, pixel_values=pixels).logits[:, -len(answer) - 1 : -1]
        return logits.log_softmax(-1).gather(-1, answer.expand(len(grey), -1)[..., None]).sum((1, 2))

    grey = torch.from_numpy(case.picture.astype(np.float32))[None]
    start = torch.full_like(grey, 0 if baseline is Baseline.ZERO else float(grey.mean()))
    theirs = captum.IntegratedGradients(log_prob).attribute(
        grey, start, n_steps=36, method="gausslegendre", internal_batch_size=12
    )[0]
    ours = IntegratedGradients(baseline=baseline).attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * float(abs(theirs).max()))


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """Family -> a tiny LVLM with smaller weights, whose log-probability has no cliffs on the way from black."""
    root = tmp_path_factory.mktemp("calm")
    saved = {"gemma3": save_gemma3, "qwen2_5_vl": save_qwen2_5_vl}
    return {
        family: open_lvlm(str(save(root / family, spread=0.1)), device="cpu")
        for family, save in saved.items()
    }


@pytest.mark.parametrize("baseline", list(Baseline))
def test_integrated_gradients_sum_to_the_change_of_the_log_probability(calm, family, baseline):
    lvlm = calm[family]
    case = own_case(lvlm)
    found = IntegratedGradients(baseline=baseline).attribute(lvlm, case, RNG)
    grey = 0 if baseline is Baseline.ZERO else case.picture.mean()
    ends = [case.picture.astype(np.float32), np.full(case.picture.shape, grey, np.float32)]
    picture, start = lvlm.log_probs(ends, case.prompt, case.response).sum(axis=1)
    assert found.saliency.values.sum() == pytest.approx(picture - start, rel=0.01)
    assert found.self_checks["completeness_gap"] < 0.01


def test_fewer_steps_leave_a_wider_gap(calm, family):
    case = own_case(calm[family])
    gaps = [
        IntegratedGradients(steps=steps).attribute(calm[family], case, RNG).self_checks["completeness_gap"]
        for steps in (2, 36)
    ]
    assert gaps[0] > 5 * gaps[1]


def test_black_pixels_get_nothing_from_a_black_baseline_but_something_from_a_grey_one(lvlm):
    picture = np.zeros((56, 84), np.uint8)
    picture[:, 14:70] = np.maximum(radiograph(5), 1)
    case = own_case(lvlm, picture=picture)
    zero, mean = (
        IntegratedGradients(baseline=baseline).attribute(lvlm, case, RNG).saliency.values
        for baseline in Baseline
    )
    assert zero.shape == (56, 84)
    assert not zero[:, :14].any() and not zero[:, 70:].any() and zero[:, 14:70].any()
    assert mean[:, :14].any()


def test_gradcam_pp_is_the_papers_formula_channel_by_channel(lvlm):
    """Signed channels split into their two non-negative parts; then equation 19 with explicit second-order terms."""
    case = own_case(lvlm)
    states = lvlm.layer_gradients(case.picture, case.prompt, case.response, layer=1)
    expected = np.zeros(states.activations.shape[:2])
    for sign in (1, -1):
        for channel in range(states.activations.shape[2]):
            part = np.maximum(sign * states.activations[..., channel].astype(float), 0)
            gradient = sign * states.gradients[..., channel].astype(float)
            alphas = gradient**2 / (2 * gradient**2 + part.sum() * gradient**3)
            expected += (alphas * np.maximum(gradient, 0)).sum() * part
    values = GradCamPp().attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(values, expected, rtol=1e-3)


@pytest.mark.parametrize("method", [GradCam, GradCamPp])
@pytest.mark.parametrize("mode", ["direct", "reason"])
def test_a_class_activation_map_of_a_middle_layer_is_not_constant(lvlm, method, mode):
    values = method().attribute(lvlm, own_case(lvlm, mode=mode), RNG).saliency.values
    assert values.max() > 0 and values.std() > 0


@pytest.mark.parametrize("method, rule", [(Lrp, Rule.CP), (AttnLrp, Rule.ATTNLRP)])
def test_relevance_methods_say_which_share_arrived(lvlm, method, rule):
    case = own_case(lvlm)
    found = lvlm.relevance(case.picture, case.prompt, case.response, rule=rule, layer=1)
    said = method(layer=1).attribute(lvlm, case, RNG)
    assert np.array_equal(said.saliency.values, found.values)
    share = (found.everywhere + found.biases) / found.target
    assert said.self_checks == {"conserved_share": pytest.approx(share)}
    if rule is Rule.CP:
        assert share == pytest.approx(1, abs=1e-4)


@pytest.fixture(scope="module")
def halves(tiny_folders):
    """Family -> the tiny LVLM in bfloat16, as checkpoints saved in it run on a GPU."""
    lvlms = {family: open_lvlm(str(folder), device="cpu") for family, folder in tiny_folders.items()}
    for lvlm in lvlms.values():
        lvlm.loaded.model.to(torch.bfloat16)
    return lvlms


@pytest.mark.parametrize(
    "name", ["attention_rollout", "attnlrp", "grad_weighted_attention", "gradcam", "gradcam_pp", "lrp", "tam"]
)
def test_bfloat16_gives_the_same_map_within_its_precision(lvlm, halves, family, name):
    case = own_case(lvlm)
    exact, rough = (
        plugins.load("methods", name)().attribute(one, case, RNG).saliency.values
        for one in (lvlm, halves[family])
    )
    assert rough.dtype == np.float32
    assert np.corrcoef(exact.ravel(), rough.ravel())[0, 1] > 0.95
