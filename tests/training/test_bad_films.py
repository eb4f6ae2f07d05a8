"""Every bad film is bad in the way that its name says, and shows every concept that is in view."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from medground_bench.core.concepts import CONCEPTS
from medground_bench.training.bad_films import PLAIN, films
from medground_bench.training.radiograph.chest import shipped_chest

SIDE_PX = 64


@pytest.fixture(scope="module")
def rendered():
    chest = shipped_chest()
    return {name: film.rendered(chest, SIDE_PX) for name, film in films(chest).items()}


def middle(film, concept):
    rows, columns = np.nonzero(film.masks[concept])
    return rows.mean(), columns.mean()


def both_lungs(film):
    return film.masks["left lung"] | film.masks["right lung"]


def grain(film):
    """Grey levels by which a pixel of the abdomen, where few quanta arrive, differs from those around it."""
    below = film.picture[3 * SIDE_PX // 4 :, SIDE_PX // 3 : 2 * SIDE_PX // 3].astype(float)
    return (below - ndimage.median_filter(below, 3)).std()


def grey(film, concept):
    return film.picture[film.masks[concept]].mean()


def wide(mask):
    return np.ptp(np.flatnonzero(mask.any(0))) + 1


def tall(mask):
    return np.ptp(np.flatnonzero(mask.any(1))) + 1


def heart_share(film):
    """Of the width of both lungs: a source from the front and near makes it larger."""
    return wide(film.masks["cardiac silhouette"]) / wide(both_lungs(film))


def to_the_left(film):
    """Column of the heart's middle; the patient's left is on the right."""
    return middle(film, "cardiac silhouette")[1]


def bend(film):
    """How far the spine, the brightest line along the body, wanders from a straight line, pixels."""
    columns = slice(SIDE_PX // 4, 3 * SIDE_PX // 4)
    smooth = ndimage.gaussian_filter(film.picture.astype(float), 2)[:, columns]
    rows, spine = np.arange(SIDE_PX), smooth.argmax(1)
    return np.std(spine - np.polyval(np.polyfit(rows, spine, 1), rows))


def flanks(film):
    """Grey of the picture's sides, which a slim body leaves black."""
    middle_rows = film.picture[SIDE_PX // 3 : 2 * SIDE_PX // 3]
    return middle_rows[:, [0, 1, 2, -3, -2, -1]].mean()


def lean_deg(film):
    """Of a line through the middles of both lungs."""
    (right_y, right_x), (left_y, left_x) = (middle(film, f"{side} lung") for side in ("right", "left"))
    return np.rad2deg(np.arctan2(right_y - left_y, left_x - right_x))


MEASURES = [
    ("portable AP", grain, 2.0, "times"),
    ("portable AP", heart_share, 1.05, "times"),
    ("effusion", lambda film: grey(film, "right costophrenic angle"), 40, "more"),
    ("white lung", lambda film: grey(film, "right lung"), 80, "more"),
    ("after pneumonectomy", lambda film: grey(film, "left lung"), 80, "more"),
    ("after pneumonectomy", to_the_left, 4, "more"),
    ("scoliosis", bend, 2.0, "times"),
    ("obese", flanks, 30, "more"),
    ("obese", grain, 2.0, "times"),
    ("child-sized", lambda film: 1 / tall(film.masks["left lung"]), 1.5, "times"),
    ("turned about the body's length", to_the_left, 1.0, "more"),
    ("turned about the beam", lean_deg, 8, "more"),
    ("cropped", lambda film: both_lungs(film)[0].sum(), 10, "more"),
    ("noisy", grain, 2.5, "times"),
]


@pytest.mark.parametrize(("name", "measure", "least", "how"), MEASURES)
def test_a_film_differs_from_the_plain_one_in_the_way_its_name_says(rendered, name, measure, least, how):
    plain, bad = measure(rendered[PLAIN]), measure(rendered[name])
    assert bad > plain * least if how == "times" else bad > plain + least


def test_every_bad_film_is_measured(rendered):
    assert {name for name, *_ in MEASURES} == set(rendered) - {PLAIN}


def test_every_concept_that_is_in_view_is_there(rendered):
    for name, film in rendered.items():
        absent = {concept for concept in CONCEPTS if not film.masks[concept].any()}
        assert absent == ({"left clavicle", "right clavicle"} if name == "cropped" else set()), name
