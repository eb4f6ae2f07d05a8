"""Pointing game and energy, against maps that can be worked out by hand and a count pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.geometry import resize_bilinear
from medground_bench.core.types import Box, Frame, SaliencyMap
from medground_bench.probes.pointing import energy, measure, pixels_within, pointing
from medground_bench.probes.subjects import Look
from tests.kit.planted_methods import FixedMap
from tests.kit.probes import PatchLvlm

STUDY = Frame("study", width=28, height=28)


def of(values):
    return SaliencyMap(np.array(values, np.float32), STUDY)


@pytest.mark.parametrize(
    ("values", "share"),
    [
        ([[9, 0], [0, 1]], 1.0),
        ([[0, 9], [0, 1]], 0.0),
        ([[9, 9], [0, 9]], 1 / 3),
        ([[-1, -5], [-5, -5]], 1.0),
        ([[2, 2], [2, 2]], None),
    ],
)
def test_the_highest_cell_has_to_lie_in_the_boxes_and_ties_share(values, share):
    truth = pixels_within([Box(0, 0, 14, 14, STUDY)], STUDY)
    assert pointing(of(values), truth) == (None if share is None else pytest.approx(share))


def test_energy_is_the_share_of_the_positive_pixels_counted_one_by_one():
    rng = np.random.default_rng(0)
    boxes = [Box(3.2, 4.6, 11.5, 20, STUDY), Box(8, 15, 27.9, 22, STUDY)]
    saliency = of(rng.normal(size=(7, 7)))
    pixels = resize_bilinear(saliency.values, width=28, height=28)
    whole = inside = 0.0
    for y in range(28):
        for x in range(28):
            value = max(0.0, pixels[y, x])
            whole += value
            if any(box.x0 <= x + 0.5 < box.x1 and box.y0 <= y + 0.5 < box.y1 for box in boxes):
                inside += value
    assert energy(saliency, pixels_within(boxes, STUDY)) == pytest.approx(inside / whole)


def test_a_map_without_a_positive_value_has_no_energy_and_an_even_one_has_the_boxes_share():
    truth = pixels_within([Box(0, 0, 7, 28, STUDY)], STUDY)
    assert energy(of([[-1, -2], [0, -1]]), truth) is None
    assert energy(of([[3, 3], [3, 3]]), truth) == pytest.approx(0.25)


def test_scale_changes_neither_number():
    rng = np.random.default_rng(1)
    values, truth = rng.normal(size=(8, 8)), pixels_within([Box(2, 3, 19, 25, STUDY)], STUDY)
    for factor in (1e-3, 7.0, 1e4):
        assert energy(of(values * factor), truth) == pytest.approx(energy(of(values), truth), rel=1e-4)
        assert pointing(of(values * factor), truth) == pointing(of(values), truth)


def test_a_method_that_makes_no_map_has_no_number(shown_cases):
    shown = shown_cases[0]
    truth = pixels_within(shown.truth, shown.case.study)
    looks = [
        Look("true map", (), FixedMap(truth.astype(np.float32)), PatchLvlm(), shown.case),
        Look("boxes", (), None, PatchLvlm(), shown.case),
    ]
    with_map, without = measure(PatchLvlm(), shown, looks)
    assert (with_map["pointing"], with_map["energy"]) == (1, 1)
    assert without == {"pointing": None, "energy": None, "even": pytest.approx(truth.mean())}
