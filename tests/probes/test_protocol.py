"""Protocol sensitivity: the paper's variant is the prediction file, and the others move as they must."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medground_bench.core.geometry import boxes_from_map
from medground_bench.core.scoring import overlap
from medground_bench.core.types import SaliencyMap
from medground_bench.methods import explain
from medground_bench.methods.centre_box import CentreBox
from medground_bench.probes.protocol import PREDICTED, VARIANTS, CutVariant, measure
from medground_bench.probes.subjects import Look
from tests.kit.planted_methods import FixedMap
from tests.kit.spot_lvlm import SpotLvlm


def ious(shown, method, boxes=()):
    return measure(SpotLvlm(), shown, [Look("method", tuple(boxes), method, SpotLvlm(), shown.case)])[0]


def signed_map(seed):
    values = np.random.default_rng(seed).normal(size=(8, 8))
    return FixedMap(np.kron(values, np.ones((2, 2))))


@pytest.mark.parametrize("sign", ["signed", "clamped"])
@pytest.mark.parametrize("seed", range(4))
def test_what_predict_writes_is_the_variant_that_the_method_names(shown_cases, seed, sign):
    shown, method = shown_cases[0], replace(signed_map(seed), clamped=sign == "clamped")
    written = explain(method, SpotLvlm(), shown.case, np.random.default_rng(0)).boxes
    found = ious(shown, method)
    assert found[f"{sign}, .9"] == found[PREDICTED] == overlap(written, shown.reference.boxes).iou


def test_every_variant_is_cut_as_it_says(shown_cases):
    case, values = shown_cases[0].case, signed_map(5).values.astype(np.float32)
    saliency = SaliencyMap(values, case.study)
    assert [variant.name for variant in VARIANTS] == [
        "signed, .8", "signed, .9", "signed, .95", "clamped, .8", "clamped, .9", "clamped, .95",
    ]  # fmt: skip
    for variant in VARIANTS:
        cut = values if variant.sign == "signed" else np.where(values > 0, values, 0)
        wanted = boxes_from_map(SaliencyMap(cut, case.study), quantile=variant.quantile)
        assert len(variant.boxes(saliency, case)) == len(wanted) > 0
    assert len({CutVariant(sign, 0.9).boxes(saliency, case) for sign in ("signed", "clamped")}) == 2


def test_maps_without_a_negative_value_do_not_feel_the_sign_and_small_regions_shrink(shown_cases):
    shown = shown_cases[0]
    found = ious(shown, FixedMap(np.abs(signed_map(1).values)))
    for quantile in (".8", ".9", ".95"):
        assert found[f"signed, {quantile}"] == found[f"clamped, {quantile}"]


def test_boxes_that_a_method_chose_stay_and_without_the_method_nothing_is_known(shown_cases):
    shown = shown_cases[0]
    truth = shown.reference.boxes
    assert set(ious(shown, CentreBox(), truth).values()) == {1.0}
    assert set(ious(shown, None, truth).values()) == {None}
