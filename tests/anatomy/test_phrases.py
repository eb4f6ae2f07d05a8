"""What anatomy a phrase names."""

from __future__ import annotations

import pytest

from medground_bench.anatomy.phrases import concepts_named
from medground_bench.core.concepts import CONCEPTS

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
        ("left/right hilum", ("left hilar structures", "right hilar structures")),
        ("left, right hilum", ("left hilar structures", "right hilar structures")),
        ("left and right lungs", LUNGS),
        ("left and right lungs; heart", (*LUNGS, "cardiac silhouette")),
        ("right upper and lower lobes", ("right lung",)),
        ("right hilum, left lung", ("right hilar structures", "left lung")),
        ("right hilum and left lower lobe", ("right hilar structures", "left lung")),
        ("left costophrenic angle and right lung", ("left costophrenic angle", "right lung")),
        ("right clavicle; left lung / heart", ("right clavicle", "left lung", "cardiac silhouette")),
        ("enlarged cardiac silhouette, mediastinum", ("cardiac silhouette", "mediastinum")),
        ("left lower lobe and costophrenic angle", ("left lung", "left costophrenic angle")),
        ("costophrenic angle and base, left", ("left costophrenic angle", "left lung")),
        ("right perihilar and basilar opacities", ("right hilar structures", "right lung")),
        ("right hilum and lung bases", ("right hilar structures", *LUNGS)),
        ("cardiac apex", ("cardiac silhouette",)),
        ("heart base", ("cardiac silhouette",)),
        ("heart and left base", ("cardiac silhouette", "left lung")),
        ("cardiac apex over the left lung", ("cardiac silhouette", "left lung")),
        ("right apex", ("right lung",)),
        ("shiny spot", ()),
        ("left and right", ()),
        ("upper right corner", ()),
        ("plunging necklace", ()),
        ("", ()),
    ],
)
def test_reports_words_name_concepts(phrase, concepts):
    assert concepts_named(phrase) == concepts
