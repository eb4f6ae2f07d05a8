"""Insertion and deletion: an LVLM that counts how much of a finding it sees makes every curve known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from medground_bench.core.errors import Unsupported
from medground_bench.core.geometry import resize_bilinear
from medground_bench.core.types import Box, SaliencyMap
from medground_bench.lvlms import Need
from medground_bench.probes.insertion import (
    SHARES,
    Curve,
    curves,
    first_boxes,
    first_cells,
    measure,
    order_gain,
)
from medground_bench.probes.pointing import pixels_within
from medground_bench.probes.removal import editing_of, without_finding
from medground_bench.probes.subjects import Look
from tests.kit.fakes import RuleLvlm
from tests.kit.phantom_cases import answered
from tests.kit.planted_methods import FixedMap


@dataclass
class Sees(RuleLvlm):
    """Log-probability of a token: minus `loss` nats times the share of what the finding changes that is normal."""

    gives: frozenset[Need] = frozenset({Need.TEXT, Need.LOG_PROBS})
    loss: float = 3.0
    present: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    absent: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    def log_probs(self, pictures, prompt, response):
        differs = self.present != self.absent
        normal = np.array([(picture[differs] == self.absent[differs]).mean() for picture in pictures])
        return np.repeat(-self.loss * normal[:, None] / 2, 2, axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def shown():
    return answered(RuleLvlm(), "4000001")


@pytest.fixture(scope="module")
def normal(shown):
    native = shown.reference.native
    whole = Box(0, 0, native.width, native.height, native)
    return without_finding(shown, [whole], editing_of(shown.editor))


@pytest.fixture
def lvlm(shown, normal):
    return Sees(present=shown.case.picture, absent=normal)


def look(shown, lvlm, values=None, boxes=()):
    method = None if values is None else FixedMap(values)
    return Look("method", tuple(boxes), method, lvlm, shown.case)


def test_both_curves_are_what_a_loop_over_cells_makes_of_them(shown, normal, lvlm):
    values = np.random.default_rng(3).normal(size=(14, 14))
    saliency = SaliencyMap(values.astype(np.float32), shown.case.study)
    deletion, insertion = curves(lvlm, shown, normal, first_cells(saliency))
    pixels = resize_bilinear(saliency.values, width=224, height=224)
    means = [pixels[y : y + 16, x : x + 16].mean() for y in range(0, 224, 16) for x in range(0, 224, 16)]
    order = np.argsort(-np.array(means), kind="stable")
    differs = shown.case.picture != normal
    for number, share in enumerate((0.0, *SHARES)):
        picture = shown.case.picture.copy()
        for cell in order[: round(share * 196)]:
            y, x = divmod(int(cell), 14)
            picture[y * 16 : y * 16 + 16, x * 16 : x * 16 + 16] = normal[
                y * 16 : y * 16 + 16, x * 16 : x * 16 + 16
            ]
        gone = (picture[differs] == normal[differs]).mean()
        assert deletion.shares[number] == pytest.approx(round(share * 196) / 196)
        assert deletion.log_probs[number] == pytest.approx(-3 * gone, abs=1e-5)
        assert insertion.log_probs[number] == pytest.approx(-3 * (1 - gone), abs=1e-5)


def test_the_true_map_is_best_its_opposite_worst_and_an_even_one_of_no_use(shown, normal, lvlm):
    differs = np.abs(shown.case.picture.astype(float) - normal)
    true = measure(lvlm, shown, [look(shown, lvlm, differs)])[0]["order"]
    opposite = measure(lvlm, shown, [look(shown, lvlm, -differs)])[0]["order"]
    even = measure(lvlm, shown, [look(shown, lvlm, np.ones((8, 8)))])[0]["order"]
    assert true > 0.6 and opposite < -0.6 and even == pytest.approx(0, abs=1e-6)


def test_boxes_go_in_their_own_order_and_none_are_of_no_use(shown, lvlm):
    truth = look(shown, lvlm, boxes=shown.reference.boxes)
    found, nothing = measure(lvlm, shown, [truth, look(shown, lvlm)])
    assert found["order"] > 0.5 and nothing["order"] == pytest.approx(0, abs=1e-6)
    assert found["deletion"] < nothing["deletion"] and found["insertion"] > nothing["insertion"]
    study = shown.case.study
    boxes = [Box(0, 0, 50, 50, study), Box(25, 25, 100, 100, study)]
    masks = first_boxes(boxes, study)
    assert [int(mask.sum()) for mask in masks] == [2500, int(pixels_within(boxes, study).sum()), 224 * 224]


def test_a_finding_that_is_worth_nothing_to_the_response_orders_nothing(shown, lvlm):
    blind = replace(lvlm, loss=0.01)
    (numbers,) = measure(blind, shown, [look(shown, blind, np.eye(8))])
    assert (numbers["order"], numbers["deleted"], numbers["inserted"]) == (None, None, None)
    assert numbers["deletion"] == pytest.approx(-0.005, abs=0.005)


def test_areas_are_those_of_trapezes_and_the_gain_is_theirs_over_the_drop():
    shares = np.array([0.0, 0.25, 1.0])
    deletion, insertion = (
        Curve(shares, np.array([0.0, -4.0, -4.0])),
        Curve(shares, np.array([-4.0, 0.0, 0.0])),
    )
    assert (deletion.area, insertion.area) == (-3.5, -0.5)
    assert order_gain(deletion, insertion) == 0.75


def test_an_lvlm_without_log_probabilities_is_told(shown, lvlm):
    with pytest.raises(Unsupported, match="rule_lvlm does not give"):
        measure(RuleLvlm(), shown, [look(shown, lvlm, np.eye(8))])


def test_only_phantoms_have_exact_normal_content(shown, lvlm):
    elsewhere = replace(shown, reference=replace(shown.reference, source="vindr_cxr"))
    with pytest.raises(Unsupported, match="insertion needs exact normal content"):
        measure(lvlm, elsewhere, [look(shown, lvlm, np.eye(8))])
