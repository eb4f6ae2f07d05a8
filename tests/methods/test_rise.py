"""RISE, in the paper's setting and as published."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.errors import MedgroundError
from medground_bench.core.geometry import boxes_from_map
from medground_bench.methods.rise import Masks, Rise
from tests.kit.probes import PatchLvlm, bright_case


def evidence(method: Rise, lvlm: PatchLvlm | None = None, seed: int = 0) -> np.ndarray:
    found = method.attribute(lvlm or PatchLvlm(), bright_case(), np.random.default_rng(seed))
    return found.saliency.values


def inside(values: np.ndarray) -> np.ndarray:
    x0, y0, x1, y1 = PatchLvlm().patch
    return values[y0:y1, x0:x1]


@pytest.mark.parametrize("kind", Masks)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_map(kind):
    method = Rise(kind=kind, masks=32)
    assert evidence(method).tobytes() == evidence(method).tobytes()
    assert not np.array_equal(evidence(method), evidence(method, seed=1))


@pytest.mark.parametrize("method", [Rise(), Rise(masks=64), Rise(kind=Masks.SMOOTH, masks=300)])
def test_the_patch_that_the_response_rests_on_is_the_strongest(method):
    values = evidence(method)
    assert np.median(inside(values)) > np.quantile(values, 0.95)
    row, column = np.unravel_index(values.argmax(), values.shape)
    x0, y0, x1, y1 = PatchLvlm().patch
    assert x0 - 14 <= column < x1 + 14 and y0 - 14 <= row < y1 + 14


def test_the_best_box_of_the_paper_setting_is_the_patch_itself():
    found = Rise().attribute(PatchLvlm(), bright_case(), np.random.default_rng(0))
    boxes = boxes_from_map(found.saliency, quantile=0.985)
    assert boxes[0].xyxy == PatchLvlm().patch


def test_hard_masks_are_whole_patches_half_of_them_visible_in_every_mask():
    [masks] = Rise()._visible((224, 224), np.random.default_rng(0))
    assert masks.shape == (64, 224, 224) and set(np.unique(masks)) == {0, 1}
    assert (masks.reshape(64, 8, 28, 8, 28).std(axis=(2, 4)) == 0).all()
    assert (masks.mean(axis=(1, 2)) == 0.5).all()
    assert len(np.unique(masks.reshape(64, -1), axis=0)) == 64


def test_smooth_masks_are_soft_shifted_and_visible_with_the_keep_probability():
    masks = np.concatenate(
        list(Rise(kind=Masks.SMOOTH, masks=600, keep=0.3)._visible((224, 224), np.random.default_rng(0)))
    )
    assert masks.min() >= 0 and masks.max() <= 1
    assert masks.mean() == pytest.approx(0.3, abs=0.02)
    assert np.abs(masks.mean(axis=0) - 0.3).max() < 0.1, "no place is covered more than another"
    assert ((masks > 0) & (masks < 1)).mean() > 0.5
    steps = np.abs(np.diff(masks, axis=2))
    assert steps.max() < 2 / 28, "bilinear between cells of 28 px"
    assert len({tuple(np.flatnonzero(np.diff(np.sign(np.diff(row))))) for row in masks[:50, 100]}) > 25


def test_real_rise_gives_another_and_a_finer_map_than_the_paper_setting():
    coarse, fine = evidence(Rise()), evidence(Rise(kind=Masks.SMOOTH))
    assert not np.allclose(coarse, fine)
    assert len(np.unique(coarse)) <= 64 < len(np.unique(fine))


def test_the_level_of_the_log_probability_does_not_matter():
    near, far = (evidence(Rise(), PatchLvlm(constant=constant)) for constant in (0.0, -500.0))
    assert np.allclose(near, far, atol=1e-4)


def test_hidden_patches_are_black_and_the_estimate_is_the_textbook_sum():
    seen: list[np.ndarray] = []

    class Recording(PatchLvlm):
        def log_probs(self, pictures, prompt, response):
            seen.extend(pictures)
            return super().log_probs(pictures, prompt, response)

    values = evidence(Rise(), Recording())
    masks = np.stack(seen) / 128
    assert set(np.unique(masks)) == {0, 1}
    scores = PatchLvlm().log_probs(seen, "", None)[:, 0].astype(float)
    by_hand = sum(m * (s - scores.mean()) for m, s in zip(masks, scores, strict=True)) / (64 * 0.5)
    assert np.allclose(values, by_hand, atol=1e-5)


def test_all_masks_go_in_one_call_until_they_are_too_many():
    lvlm = PatchLvlm()
    evidence(Rise(), lvlm)
    evidence(Rise(masks=300), lvlm)
    assert lvlm.batches == [64, 256, 44]


@pytest.mark.parametrize("broken", [{"masks": 1}, {"keep": 0.0}, {"keep": 1.0}, {"cells": 0}])
def test_settings_that_make_no_masks_are_refused(broken):
    with pytest.raises(MedgroundError, match="at least 2 masks"):
        evidence(Rise(**broken))
