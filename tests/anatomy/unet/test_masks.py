from __future__ import annotations

import numpy as np

from medground_bench.anatomy.unet.masks import concept_masks
from medground_bench.core.concepts import CONCEPTS


def masks(**planes):
    """Masks of planes of 20 x 20 logits, -3 but for the areas given as (rows, columns, logit)."""
    logits = np.full((len(CONCEPTS), 20, 20), -3.0, np.float32)
    for concept, areas in planes.items():
        for rows, columns, value in areas:
            logits[CONCEPTS.index(concept.replace("_", " ")), rows, columns] = value
    return concept_masks(logits)


def test_of_two_pieces_the_likelier_one_is_kept_though_it_is_smaller():
    big, sure = (slice(0, 5), slice(0, 6), 0.02), (slice(10, 15), slice(10, 15), 6.0)
    lung = masks(left_lung=[big, sure])["left lung"]
    assert lung.sum() == 25 and lung[12, 12]


def test_holes_are_filled_and_bays_are_not():
    hole, bay = (slice(4, 6), slice(4, 6), -1.0), (slice(7, 9), 5, -1.0)
    lung = masks(left_lung=[(slice(2, 9), slice(2, 9), 2.0), hole, bay])["left lung"]
    assert lung[4:6, 4:6].all() and not lung[7:9, 5].any()


def test_a_concept_that_is_nowhere_likely_has_an_empty_mask():
    found = masks(left_lung=[(3, 3, 1.0)])
    assert tuple(found) == CONCEPTS
    assert [concept for concept, mask in found.items() if mask.any()] == ["left lung"]


def test_the_mediastinum_holds_both_its_parts_even_when_they_do_not_touch():
    heart, above, own = (slice(12, 18), 9, 1.0), (slice(2, 6), 9, 1.0), (slice(2, 7), 9, 1.0)
    whole = masks(cardiac_silhouette=[heart], upper_mediastinum=[above], mediastinum=[own, heart])[
        "mediastinum"
    ]
    assert np.flatnonzero(whole.any(axis=1)).tolist() == [2, 3, 4, 5, *range(12, 18)]


def test_a_costophrenic_angle_touches_its_lung_however_sure_another_place_is():
    lung, inside, abdomen = (
        (slice(2, 12), slice(2, 8), 2.0),
        (slice(10, 13), slice(2, 5), 1.0),
        (slice(15, 19), slice(2, 8), 9.0),
    )
    found = masks(right_lung=[lung], right_costophrenic_angle=[inside, abdomen])["right costophrenic angle"]
    assert found.sum() == 9 and found[11, 3]
    assert not masks(right_costophrenic_angle=[abdomen])["right costophrenic angle"].any()
