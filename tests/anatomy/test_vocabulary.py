"""Vocabularies: regions made from what a localizer found, by hand on a small picture."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from medground_bench.anatomy.regions import regions_of_masks
from medground_bench.anatomy.vocabulary import PAPER, Concept, ConceptGroup, Vocabulary
from medground_bench.anatomy.vocabulary_file import read_vocabulary
from medground_bench.core.concepts import CONCEPTS, GROUPS
from medground_bench.core.errors import UnknownName
from medground_bench.localizers import localize
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import to_study

SIDE = 20


def mask_of(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[y0:y1, x0:x1] = True
    return mask


MASKS = {
    "right lung": mask_of(1, 2, 7, 14),
    "left lung": mask_of(12, 4, 19, 14),
    "cardiac silhouette": mask_of(6, 9, 14, 15),
}
FOUND = regions_of_masks(MASKS)


def one(concept: Concept):
    """The box and the mask of a vocabulary of one concept."""
    regions = Vocabulary("v", (concept,)).regions(FOUND)
    return regions.boxes[concept.name].xyxy, regions.masks[concept.name]


def test_the_papers_vocabulary_gives_back_what_was_found_and_says_what_is_missing():
    regions = PAPER.regions(FOUND)
    assert regions.boxes == FOUND.boxes and all(regions.masks[name] is FOUND.masks[name] for name in MASKS)
    assert list(regions.boxes) == [concept for concept in CONCEPTS if concept in MASKS]
    assert set(regions.missing) == set(CONCEPTS) - set(MASKS)
    assert [(group.name, group.members) for group in PAPER.groups] == list(GROUPS.items())


def test_a_share_of_rows_and_columns_is_cut_from_the_box():
    box, mask = one(Concept("upper", ("right lung",), rows=(0, 0.25)))
    assert box == (1, 2, 7, 5) and mask.sum() == 6 * 3
    box, _mask = one(Concept("corner", ("right lung",), rows=(0.5, 1), columns=(0.5, 1)))
    assert box == (4, 8, 7, 14)


def test_several_sources_are_taken_together_and_shares_are_of_the_box_around_them():
    box, mask = one(Concept("lower", ("right lung", "left lung"), rows=(0.5, 1)))
    assert box == (1, 8, 19, 14)
    assert np.array_equal(mask, (MASKS["right lung"] | MASKS["left lung"]) & mask_of(0, 8, SIDE, SIDE))


def test_the_cardiothoracic_ratio_is_the_thorax_in_the_rows_of_the_heart():
    concept = Concept(
        "ratio", ("cardiac silhouette", "right lung", "left lung"), rows_of="cardiac silhouette"
    )
    box, mask = one(concept)
    assert box == (1, 9, 19, 15)
    assert mask[9:15, 6:14].all() and not mask[:9].any()


@pytest.mark.parametrize("cuts", [(0, 1 / 3, 2 / 3, 1), (0, 0.1, 0.45, 0.46, 1)])
def test_shares_side_by_side_split_a_region_without_gap_or_overlap(cuts):
    lung = MASKS["right lung"]
    spans = list(pairwise(cuts))
    concepts = tuple(Concept(f"{span}", ("right lung",), rows=span, columns=(0, 1)) for span in spans)
    parts = Vocabulary("v", concepts).regions(FOUND).masks.values()
    assert np.array_equal(np.sum(list(parts), axis=0), lung.astype(int))


def test_a_concept_is_missing_when_a_source_is_or_when_nothing_of_the_mask_is_left():
    ring = MASKS["right lung"].copy()
    ring[6:10] = False
    found = regions_of_masks(MASKS | {"right lung": ring})
    concepts = (
        Concept("ratio", ("right lung",), rows_of="mediastinum"),
        Concept("hole", ("right lung",), rows=(0.4, 0.6)),
        Concept("whole", ("right lung",)),
    )
    regions = Vocabulary("v", concepts).regions(found)
    assert regions.missing == ("ratio", "hole") and list(regions.boxes) == ["whole"]


def test_a_name_that_the_localizer_does_not_look_for_is_answered_with_the_near_ones():
    with pytest.raises(UnknownName, match="Did you mean left lung"):
        Vocabulary("v", (Concept("x", ("left lang",)),)).regions(FOUND)


def test_the_repr_changes_with_every_part_of_the_definition():
    first = Concept("a", ("left lung",))
    others = [
        Vocabulary("v", (first,)),
        Vocabulary("w", (first,)),
        Vocabulary("v", (Concept("a", ("right lung",)),)),
        Vocabulary("v", (Concept("a", ("left lung",), rows=(0, 0.5)),)),
        Vocabulary("v", (Concept("a", ("left lung",), columns=(0, 0.5)),)),
        Vocabulary("v", (Concept("a", ("left lung",), rows_of="right lung"),)),
        Vocabulary("v", (first, Concept("b", ("left lung",)))),
        Vocabulary("v", (first, Concept("b", ("left lung",))), (ConceptGroup("g", ("a", "b")),)),
    ]
    assert len({repr(each) for each in others}) == len(others)


def test_the_shipped_zones_are_thirds_of_each_lung_that_split_it():
    picture = to_study(Scene.sample(seeds.TUNE[0]).native()).picture
    found = localize("mean_box", picture)
    zones = read_vocabulary("lung_zones").regions(found)
    assert not zones.missing
    for side in ("left", "right"):
        parts = [zones.masks[f"{side} {level} zone"] for level in ("upper", "middle", "lower")]
        assert np.array_equal(np.sum(parts, axis=0), found.masks[f"{side} lung"].astype(int))
        heights = [zones.boxes[f"{side} {level} zone"].height for level in ("upper", "middle", "lower")]
        assert max(heights) - min(heights) <= 1
