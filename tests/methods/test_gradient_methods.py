"""Integrated gradients, Grad-CAM++ and LRP as methods, against captum and formulas written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from medground_bench import plugins
from medground_bench.core.errors import MedgroundError
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Case, Frame, Mode, Response
from medground_bench.lvlms import Rule, open_lvlm
from medground_bench.methods.attnlrp import AttnLrp
from medground_bench.methods.gradcam import GradCam
from medground_bench.methods.gradcam_pp import GradCamPp
from medground_bench.methods.integrated_gradients import (
    Baseline,
    IntegratedGradients,
    cut_where_it_changes,
)
from medground_bench.methods.lrp import Lrp
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import to_study
from tests.kit.method_cases import own_case
from tests.kit.rounding import through
from tests.kit.tiny_lvlms import radiograph, save_gemma3, save_qwen2_5_vl, save_qwen3_vl

RNG = np.random.default_rng(0)
FRAME = Frame.native(width=8, height=8)


@pytest.mark.parametrize("baseline", list(Baseline))
def test_integrated_gradients_are_captums(tiny_lvlms, raws, baseline):
    """Captum differentiates the raw model, cell by cell; a picture of the tower's own size needs no resizing."""
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

    def on_line(share):
        return start + float(share) * (grey - start)

    def score(shares):
        return np.array([float(log_prob(on_line(share)).detach()) for share in shares])

    edges, _scores = cut_where_it_changes(score, 9)
    integral = captum.IntegratedGradients(log_prob)
    theirs = sum(
        integral.attribute(on_line(end), on_line(begin), n_steps=4, method="gausslegendre")[0]
        for begin, end in itertools.pairwise(edges)
    )
    ours = IntegratedGradients(baseline=baseline).attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(ours, theirs, atol=through(lvlm, abs(theirs).max(), back=True))


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """Family -> a tiny LVLM with smaller weights, whose log-probability has no cliffs on the way from black."""
    root = tmp_path_factory.mktemp("calm")
    saved = {"gemma3": save_gemma3, "qwen2_5_vl": save_qwen2_5_vl, "qwen3_vl": save_qwen3_vl}
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
        for steps in (4, 36)
    ]
    assert gaps[0] > 5 * gaps[1]


@pytest.mark.parametrize("steps", [0, 2, 35])
def test_steps_that_do_not_fill_the_cells_are_refused(lvlm, steps):
    with pytest.raises(MedgroundError, match="a multiple of 4"):
        IntegratedGradients(steps=steps).attribute(lvlm, own_case(lvlm), RNG)


class Cliff:
    """An LVLM that becomes sure within a hundredth of the way from black, at `place`; gradient in closed form."""

    def __init__(self, place: float) -> None:
        self.place, self.sharpness, self.counted = place, 400.0, 0

    def log_probs(self, pictures, prompt, response):
        away = [self.sharpness * (picture.mean() / 100 - self.place) for picture in pictures]
        return -np.logaddexp(0, -np.array(away))[:, None]

    def pixel_gradients(self, pictures, prompt, response):
        self.counted += len(pictures)
        behind = [self.sharpness * (self.place - picture.mean() / 100) for picture in pictures]
        slope = self.sharpness * np.exp(-np.logaddexp(0, -np.array(behind))) / 100 / pictures[0].size
        return np.stack([np.full(pictures[0].shape, each, np.float32) for each in slope])


@pytest.mark.parametrize("place", [0.03, 0.1, 0.31, 0.62, 0.97])
def test_steps_gather_where_the_log_probability_jumps(place):
    lvlm, picture = Cliff(place), np.full((8, 8), 100, np.uint8)
    case = Case("a/b/c@cliff:direct", "nodule", "", Response("Yes", (1,), ("Yes",)), picture, FRAME)
    found = IntegratedGradients().attribute(lvlm, case, RNG)
    assert lvlm.counted == 36
    assert found.self_checks["completeness_gap"] < 0.01
    assert found.saliency.values.sum() == pytest.approx(np.logaddexp(0, 400 * place), rel=0.01)


@pytest.mark.parametrize("key", ["phantom_gemma3", "phantom_qwen2_5_vl"])
def test_an_lvlm_that_is_sure_of_its_answer_leaves_a_gap_of_a_few_percent_at_most(key):
    lvlm, picture = (
        open_lvlm(key, device="cpu"),
        to_study(Scene.sample(seeds.EXAMPLES[4]).native(["pacemaker"])).picture,
    )
    asked = prompt("pacemaker", Mode.DIRECT)
    [response] = lvlm.generate([picture], [asked], max_new_tokens=4)
    case = Case("a/b/c@phantom:direct", "pacemaker", asked, response, picture, FRAME)
    assert IntegratedGradients().attribute(lvlm, case, RNG).self_checks["completeness_gap"] < 0.03


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
    np.testing.assert_allclose(values, expected, atol=through(lvlm, expected.max(), back=True))


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
        assert share == pytest.approx(1, abs=through(lvlm, back=True))


@pytest.fixture(scope="module")
def halves(tiny_folders):
    """Family -> the tiny LVLM in bfloat16, as checkpoints saved in it run on a GPU."""
    lvlms = {family: open_lvlm(str(folder), device="cpu") for family, folder in tiny_folders.items()}
    for lvlm in lvlms.values():
        lvlm.loaded.model.to(torch.bfloat16)
    return lvlms


@pytest.mark.parametrize(
    "name",
    [
        *("attention_rollout", "attnlrp", "grad_attention", "grad_weighted_attention"),
        *("gradcam", "gradcam_pp", "lrp", "tam"),
    ],
)
def test_bfloat16_gives_the_same_map_within_its_precision(lvlm, halves, family, name):
    case = own_case(lvlm)
    exact, rough = (
        plugins.load("methods", name)().attribute(one, case, RNG).saliency.values
        for one in (lvlm, halves[family])
    )
    assert rough.dtype == np.float32
    assert np.corrcoef(exact.ravel(), rough.ravel())[0, 1] > 0.95
