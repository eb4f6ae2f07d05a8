"""A rendered radiograph: what a finding changes, what the same seed gives again, and where the patient's sides are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from medground_bench.core.concepts import CONCEPTS
from medground_bench.training.radiograph.changes import PutConsolidation, PutEffusion, PutNodule, PutWhiteLung
from medground_bench.training.radiograph.chest import shipped_chest
from medground_bench.training.radiograph.film import Processing, film
from medground_bench.training.radiograph.patient import ExposedBody, Geometry
from medground_bench.training.radiograph.rays import Rays
from medground_bench.training.radiograph.render import project, radiograph

SIDE_PX = 96
PLAIN = ExposedBody(geometry=Geometry(field_mm=380, centre_mm=(0, -15)))


@pytest.fixture(scope="module")
def plain():
    return radiograph(shipped_chest(), 1, SIDE_PX, patient=PLAIN, changes=())


@pytest.fixture(scope="module")
def right_lung():
    """Where rays meet any of it, also behind the heart and below the dome."""
    met = project(Rays(shipped_chest(), PLAIN, SIDE_PX)).organs["right lung"] > 0
    return ndimage.binary_dilation(met)


def middle(mask):
    return np.array([axis.mean() for axis in np.nonzero(mask)])[::-1]


def findings():
    chest = shipped_chest()
    x, y, z = np.median(chest.places_mm("right lung"), axis=0).tolist()
    return {
        "nodule": PutNodule((x, y, z), 14.0, "right"),
        "consolidation": PutConsolidation((x, y, z), (40.0, 40.0, 40.0), 0.9, "right"),
        "effusion": PutEffusion(z - 20, 30.0, "right"),
        "white lung": PutWhiteLung(0.9, "right"),
    }


@pytest.mark.parametrize("kind", ["nodule", "consolidation", "effusion", "white lung"])
def test_a_finding_changes_its_own_shadow_and_not_a_byte_beside_it(plain, right_lung, kind):
    made = radiograph(shipped_chest(), 1, SIDE_PX, patient=PLAIN, changes=(findings()[kind],))
    assert np.array_equal(made.healthy, plain.picture)
    changed = made.picture != made.healthy
    brighter = made.picture.astype(int) - made.healthy
    assert changed.sum() > 20 and brighter[changed].mean() > 3
    assert middle(changed)[0] < SIDE_PX / 2  # the right lung is on the picture's left
    assert not (changed & ~right_lung).any()
    if kind == "white lung":
        seen = plain.masks["right lung"]
        assert (changed & seen).sum() > 0.9 * seen.sum()


@pytest.mark.parametrize("concept", [each for each in CONCEPTS if each.startswith(("left", "right"))])
def test_the_patients_right_is_on_the_pictures_left(plain, concept):
    column, _row = middle(plain.masks[concept])
    assert (column < SIDE_PX / 2) == concept.startswith("right")


def test_every_concept_is_where_anatomy_has_it(plain):
    masks = plain.masks
    rows = {concept: middle(masks[concept])[1] for concept in CONCEPTS}
    assert rows["left clavicle"] < rows["upper mediastinum"] < rows["cardiac silhouette"]
    assert rows["right hilar structures"] < rows["cardiac silhouette"] < rows["right costophrenic angle"]
    assert middle(masks["cardiac silhouette"])[0] > SIDE_PX / 2
    for side in ("left", "right"):
        angle, lung = masks[f"{side} costophrenic angle"], masks[f"{side} lung"]
        assert not (angle & ~lung).any() and 0 < angle.sum() < 0.2 * lung.sum()
    assert not (masks["left lung"] & masks["right lung"]).any()
    union = masks["cardiac silhouette"] | masks["upper mediastinum"]
    assert np.array_equal(masks["mediastinum"], union)


def test_lungs_are_darker_than_the_heart_and_the_abdomen_is_bright(plain):
    mean = {concept: plain.picture[plain.masks[concept]].mean() for concept in CONCEPTS}
    assert mean["right lung"] < mean["cardiac silhouette"] - 40
    assert plain.picture[-8:, SIDE_PX // 2 - 8 : SIDE_PX // 2 + 8].mean() > mean["right lung"] + 40


def test_the_same_seed_is_the_same_bytes_whatever_the_threads_and_another_is_another_patient():
    threads = torch.get_num_threads()
    made = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            made.append(radiograph(shipped_chest(), 4, 48))
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(made[0].picture, made[1].picture)
    assert all(np.array_equal(made[0].masks[concept], made[1].masks[concept]) for concept in CONCEPTS)
    assert not np.array_equal(made[0].picture, radiograph(shipped_chest(), 5, 48).picture)


def film_of(**processing):
    soft = np.full((SIDE_PX, SIDE_PX), 150, np.float32)
    soft[:, SIDE_PX // 2 :] = 190
    bone = np.zeros_like(soft)
    bone[40:50] = 8
    return film(soft, bone, replace(Processing(), **processing), 3.5, seed=1).astype(float)


def test_more_quanta_make_less_noise_by_their_root():
    spread = [film_of(exposure=quanta, bone=0.0)[5:35, 8:38].std() for quanta in (2e3, 8e3)]
    assert spread[0] / spread[1] == pytest.approx(2, rel=0.2)


def test_scatter_costs_contrast_and_high_voltage_makes_bone_fade():
    quiet = dict(exposure=1e9, low=0.0, high=100.0, flatten=0.0, detail=0.0)

    def edge(**processing):
        """Of log exposure: the grey step over the grey range of the whole picture."""
        made = film_of(**quiet, **processing)
        return made[42:48, 10:30].mean() - made[10:30, 10:30].mean()

    assert edge(bone=1.2) < edge(bone=2.4)
    flat = [film_of(**quiet, scatter=share, bone=2.0) for share in (0.0, 0.5)]
    rib = [each[42:48, 60:80].mean() - each[10:30, 60:80].mean() for each in flat]
    step = [each[10:30, 60:80].mean() - each[10:30, 10:30].mean() for each in flat]
    assert rib[1] / step[1] != pytest.approx(rib[0] / step[0], rel=0.02)
