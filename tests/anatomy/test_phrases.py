"""What anatomy a phrase names."""

from __future__ import annotations

import pytest

from medground_bench.anatomy.concepts import CONCEPTS
from medground_bench.anatomy.phrases import concepts_named

LUNGS = ("left lung", "right lung")


@pytest.mark.parametrize("concept", CONCEPTS)
def test_every_concept_is_named_by_its_own_name_alone(concept):
    assert concepts_named(concept) == (concept,)
    assert concepts_named(f"The {concept.upper()}.") == (concept,)


@pytest.mark.parametrize(
    "phrase, concepts",
    [
        ("right lower lobe", ("right lung",)),
        ("lung bases", LUNGS),
        ("bilateral pleural spaces", LUNGS),
        ("both lungs, left more than right", LUNGS),
        ("left hilum of the lung", ("left hilar structures",)),
        ("perihilar regions", ("left hilar structures", "right hilar structures")),
        ("blunted left CP angle", ("left costophrenic angle",)),
        ("heart", ("cardiac silhouette",)),
        ("enlarged heart and left lung", ("cardiac silhouette", "left lung")),
        ("superior mediastinum", ("upper mediastinum",)),
        ("cardiomediastinal contour", ("mediastinum",)),
        ("right collarbone", ("right clavicle",)),
        ("shiny spot", ()),
        ("upper right corner", ()),
        ("plunging necklace", ()),
        ("", ()),
    ],
)
def test_reports_words_name_concepts(phrase, concepts):
    assert concepts_named(phrase) == concepts
