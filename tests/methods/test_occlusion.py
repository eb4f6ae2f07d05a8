"""Occlusion against captum, on the raw transformers model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medground_bench.core.geometry import Letterbox, boxes_from_map
from medground_bench.core.types import Case, Frame, SaliencyMap
from medground_bench.methods import explain
from medground_bench.methods.occlusion import Occlusion
from tests.kit.probes import PatchLvlm, bright_case
from tests.kit.rounding import through
from tests.kit.tiny_lvlms import DIRECT, open_raw, radiograph


def test_occlusion_equals_captum_on_the_raw_model(tiny_lvlms, tiny_folders):
    attr = pytest.importorskip("captum.attr")
    picture, lvlm = radiograph(5), tiny_lvlms["gemma3"]  # 56 px, the tower's own size: no resizing in between
    response = lvlm.generate([picture], [DIRECT], max_new_tokens=3)[0]
    case = Case("a/b/c@tiny:direct", "nodule", DIRECT, response, picture, Frame.native(56, 56))
    ours = Occlusion().attribute(lvlm, case, np.random.default_rng(0)).saliency.values

    raw = open_raw(tiny_folders["gemma3"], "gemma3")
    inputs = raw.inputs(picture, DIRECT, response.token_ids)
    pixels = inputs.pop("pixel_values")
    ids = torch.tensor(response.token_ids)

    @torch.no_grad()
    def summed_log_prob(values):
        logits = raw.model(**inputs, pixel_values=values).logits[0, -len(ids) - 1 : -1]
        return logits.log_softmax(-1)[torch.arange(len(ids)), ids].sum()[None]

    black = (torch.zeros(1) - 0.5) / 0.5
    theirs = attr.Occlusion(summed_log_prob).attribute(
        pixels, sliding_window_shapes=(3, 7, 7), strides=(3, 7, 7), baselines=float(black)
    )[0, 0, 3::7, 3::7]
    assert np.abs(ours).max() > 0.01
    whole = float(abs(lvlm.log_probs([picture], DIRECT, response)).sum())
    assert ours == pytest.approx(theirs.numpy(), abs=2 * through(lvlm, max(whole, 1)))


def test_the_patch_that_the_response_rests_on_is_found():
    found = Occlusion().attribute(PatchLvlm(), bright_case(), np.random.default_rng(0))
    values = found.saliency.values
    assert values[2, 5] == pytest.approx(2.0) and np.count_nonzero(values) == 1
    [box] = boxes_from_map(found.saliency)
    x0, y0, x1, y1 = PatchLvlm().patch
    assert (box.x0 + box.x1, box.y0 + box.y1) == (x0 + x1, y0 + y1)


def test_boxes_are_cut_from_positive_falls_and_the_map_keeps_its_signs():
    """Two patches hold the answer up, the others down: signed, half of the range lies below 0."""
    falls = np.full((8, 8), -3.0)
    falls[1, 1:7] = [0.2, 0.4, 0.6, 0.8, 1.0, 1.2]

    class Falls:
        def log_probs(self, pictures, prompt, response):
            return -np.array([0, *falls.ravel()], np.float32)[:, None]

    case = bright_case()
    found = explain(Occlusion(), Falls(), case, np.random.default_rng(0))
    np.testing.assert_allclose(found.attribution.saliency.values, falls, rtol=1e-6)
    letterbox = Letterbox.fit(case.native, case.study.width)
    clamped = SaliencyMap(falls.clip(0).astype(np.float32), case.study)
    assert found.boxes == tuple(map(letterbox.to_native, boxes_from_map(clamped)))
    assert found.boxes != tuple(map(letterbox.to_native, boxes_from_map(found.attribution.saliency)))


def test_finer_cells_give_a_finer_map():
    found = Occlusion(cells=16).attribute(PatchLvlm(), bright_case(), np.random.default_rng(0))
    assert found.saliency.values.shape == (16, 16)
    assert np.count_nonzero(found.saliency.values) == 4


def test_all_patches_go_in_one_call():
    lvlm = PatchLvlm()
    Occlusion().attribute(lvlm, bright_case(), np.random.default_rng(0))
    assert lvlm.batches == [65]
