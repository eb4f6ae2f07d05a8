from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.concepts import CONCEPTS
from medground_bench.phantom.scene import Scene
from medground_bench.training.unet.patients import AS_IN_THE_BENCHMARK, patient
from medground_bench.training.unet.phantoms import phantoms

SEEDS = range(12)


def test_the_same_seed_gives_the_same_picture_also_after_other_patients():
    first = patient(3).render(56)
    patient(4).render(56)
    assert np.array_equal(patient(3).render(56), first)


def test_about_a_quarter_are_as_in_the_benchmark_and_the_others_vary_more():
    widths = {"benchmark": [], "other": []}
    same = 0
    for seed in range(120):
        scene, plain = patient(seed), Scene.sample(seed)
        same += scene.anatomy == plain.anatomy
        widths["other"].append(scene.anatomy.sides["left"].half_width * scene.pose.scale_x)
        widths["benchmark"].append(plain.anatomy.sides["left"].half_width * plain.pose.scale_x)
    assert same / 120 == pytest.approx(AS_IN_THE_BENCHMARK, abs=0.12)
    assert np.std(widths["other"]) > 2 * np.std(widths["benchmark"])


def test_every_concept_is_on_nearly_every_picture():
    shown = [[mask.any() for mask in patient(seed).concept_masks(56).values()] for seed in SEEDS]
    assert np.mean(shown) > 0.99


def test_rendered_phantoms_hold_their_patients_masks_and_are_rendered_once(tmp_path):
    stored = phantoms(range(2), tmp_path, processes=1)
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    masks = phantoms(range(2), tmp_path, processes=1).masks(slice(1, 2))[0]
    assert file.stat().st_mtime_ns == written
    assert stored.pictures.shape == (2, 224, 224) and len(stored) == 2
    drawn = patient(1).concept_masks(224)
    for concept in ("left lung", "right clavicle"):
        assert np.array_equal(masks[CONCEPTS.index(concept)].astype(bool), drawn[concept])
    cells = masks.reshape(len(CONCEPTS), 112, 2, 112, 2).sum(axis=(2, 4))
    assert np.array_equal(stored.pixels_per_cell()[1], cells)
