"""What sureness is, and what a calibration makes of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from medground_bench.anatomy.unet.confidence import IouCalibration, sureness
from medground_bench.anatomy.unet.masks import concept_masks
from medground_bench.core.concepts import CONCEPTS

LUNG = "left lung"


def logits_of(plane):
    logits = np.full((len(CONCEPTS), *plane.shape), -20, np.float32)
    logits[CONCEPTS.index(LUNG)] = plane
    return logits


def sure(plane):
    logits = logits_of(plane)
    return sureness(logits, concept_masks(logits)).get(LUNG)


def blob(inside, outside):
    plane = np.full((64, 64), outside, np.float32)
    plane[16:48, 16:48] = inside
    return plane


def test_it_is_the_soft_overlap_of_probabilities_with_their_own_mask():
    inside, outside = expit(2.0), expit(-3.0)
    expected = inside * 1024 / (1024 + outside * (64**2 - 1024))
    assert sure(blob(2.0, -3.0)) == pytest.approx(expected, rel=1e-5)


def test_faint_maps_and_second_places_make_it_less_sure_and_nothing_found_has_none():
    second = blob(6.0, -20.0)
    second[52:62, 2:60] = 5.0
    assert sure(blob(6.0, -20.0)) > sure(blob(1.0, -20.0)) and sure(blob(6.0, -20.0)) > sure(second)
    assert sure(blob(-1.0, -20.0)) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=30, max_size=200))
def test_whatever_the_pairs_the_curve_rises_and_stays_within_what_was_seen(pairs):
    calibration = IouCalibration.fitted({LUNG: pairs})
    grid = [calibration.expected_iou({LUNG: x})[LUNG] for x in np.linspace(0, 1, 21)]
    assert all(a <= b + 1e-9 for a, b in pairwise(grid))
    found = [iou for _sure, iou in pairs]
    assert min(found) - 1e-3 <= grid[0] and grid[-1] <= max(found) + 1e-3


def test_it_says_the_mean_of_pictures_that_look_as_sure():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 4000)
    pairs = list(zip(x.tolist(), np.clip(x**2 + rng.normal(0, 0.1, 4000), 0, 1).tolist(), strict=True))
    calibration = IouCalibration.fitted({LUNG: pairs})
    for value in (0.3, 0.6, 0.9):
        assert calibration.expected_iou({LUNG: value})[LUNG] == pytest.approx(value**2, abs=0.06)
