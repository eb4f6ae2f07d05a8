"""Concepts in words, and the two standards on a pair of lungs that was made by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from medground_bench.anatomy.definitions import (
    DEFINITIONS,
    DRAWN_MARGINS,
    FIRST_RIB_MM,
    LUNG_MM,
    RIB_MM,
    SOURCES,
    STANDARDS,
    Margins,
    convex_hull,
    of_standard,
    standard_called,
    without_slivers,
)
from medground_bench.anatomy.regions import regions_of_masks
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import UnknownName
from medground_bench.core.types import Box, Frame
from medground_bench.training.radiograph.chest import PACKED
from medground_bench.training.radiograph.pack import MEASURES

STUDY = Frame("study", width=100, height=100)
FILM = np.full((100, 100), 90, np.uint8)
NONE = Margins(medial=0, lateral=0, upper=0, lower=0)
RIGHT, LEFT = (20, 30, 40, 80), (60, 30, 80, 80)
"""Boxes of the lungs, 20 x 50 px; the patient's right is on the picture's left."""


def filled(x0, y0, x1, y1):
    mask = np.zeros((100, 100), bool)
    mask[y0:y1, x0:x1] = True
    return mask


@pytest.fixture(scope="module")
def chest():
    """Each clavicle reaches 8 px into the top of its lung from the side, and 10 px beyond it."""
    masks = {"right lung": filled(*RIGHT), "left lung": filled(*LEFT)}
    masks |= {"right clavicle": filled(10, 32, 28, 36), "left clavicle": filled(72, 32, 90, 36)}
    return regions_of_masks(masks)


def lungs(regions):
    return regions.boxes["right lung"].xyxy, regions.boxes["left lung"].xyxy


def test_every_concept_has_words_a_box_a_mask_and_known_sources_and_every_source_is_used():
    assert tuple(DEFINITIONS) == CONCEPTS
    for definition in DEFINITIONS.values():
        assert len(definition.words.split()) >= 15 and definition.words.endswith(".")
        assert definition.drawn and definition.mask and definition.sources
    assert {source for each in DEFINITIONS.values() for source in each.sources} == set(SOURCES)


@pytest.mark.parametrize(
    ("margin", "right", "left"),
    [
        ("medial", (20, 30, 42, 80), (58, 30, 80, 80)),
        ("lateral", (18, 30, 40, 80), (60, 30, 82, 80)),
        ("upper", (20, 25, 40, 80), (60, 25, 80, 80)),
        ("lower", (20, 30, 40, 85), (60, 30, 80, 85)),
    ],
)
def test_each_margin_moves_its_own_edge_outwards_by_a_share_of_the_lung(chest, margin, right, left):
    drawn = of_standard(chest, FILM, "drawn", replace(NONE, **{margin: 0.1}))
    assert lungs(drawn) == (right, left)


def test_drawn_boxes_leave_a_few_percent_and_masks_and_clavicles_as_they_are(chest):
    drawn = of_standard(chest, FILM, "drawn")
    assert all(
        0 < share < 0.1 for share in (DRAWN_MARGINS.medial, DRAWN_MARGINS.lateral, DRAWN_MARGINS.upper)
    )
    expected = (20 - 20 * 7 / 134, 30 - 50 * 14 / 241, 40 + 20 * 5 / 134, 80 + 50 * 7 / 241)
    assert lungs(drawn)[0] == pytest.approx(expected)
    assert drawn.masks is chest.masks and drawn.missing == chest.missing
    assert drawn.boxes["left clavicle"] == chest.boxes["left clavicle"] == Box(72, 32, 90, 36, STUDY)


def test_a_drawn_box_ends_with_the_picture_and_never_lies_inside_its_mask(chest):
    portrait = FILM.copy()
    portrait[:, :19] = portrait[:, 70:] = 0  # the right bar even lies over the left lung
    wide = of_standard(chest, portrait, "drawn", Margins(medial=0.5, lateral=0.5, upper=2, lower=2))
    assert lungs(wide) == ((19, 0, 50, 100), (50, 0, 80, 100))
    assert lungs(of_standard(chest, np.zeros_like(FILM), "drawn")) == (RIGHT, LEFT)


def test_the_mask_standard_keeps_of_a_clavicle_what_lies_within_its_lung(chest):
    cut = of_standard(chest, FILM, "mask")
    assert lungs(cut) == (RIGHT, LEFT)
    assert cut.boxes["right clavicle"].xyxy == (20, 32, 28, 36)
    assert cut.boxes["left clavicle"].xyxy == (72, 32, 80, 36)
    assert np.array_equal(cut.masks["left clavicle"], filled(72, 32, 80, 36))


def test_a_clavicle_outside_its_lung_or_without_one_is_missing(chest):
    masks = {**chest.masks, "left clavicle": filled(72, 5, 90, 9)}
    del masks["right lung"]
    lost = of_standard(regions_of_masks(masks), FILM, "mask")
    assert set(lost.boxes) == set(lost.masks) == {"left lung"}
    assert set(lost.missing) == set(CONCEPTS) - {"left lung"}


def test_a_picture_without_any_concept_stays_so_by_both_standards():
    nothing = regions_of_masks({"left lung": np.zeros((100, 100), bool)})
    for standard in ("drawn", "mask"):
        found = of_standard(nothing, FILM, standard)
        assert not found.boxes and found.missing == CONCEPTS


def test_the_convex_hull_fills_the_notch_of_the_heart_and_adds_next_to_nothing_outside():
    notched = filled(10, 10, 40, 90)
    notched[40:60, 30:40] = False
    assert np.array_equal(convex_hull(notched), filled(10, 10, 40, 90))
    radius = np.hypot(*(np.indices((100, 100)) - 50))
    hull = convex_hull(radius < 30)
    assert hull[radius < 30].all() and not hull[radius > 30.5].any()


def test_an_unknown_standard_is_told_with_both_that_there_are(chest):
    for ask in (standard_called, lambda name: of_standard(chest, FILM, name)):
        with pytest.raises(UnknownName, match=r"no standard of boxes \(drawn or mask\) is called 'tight'"):
            ask("tight")


def test_by_masks_a_lung_ends_where_heart_and_upper_mediastinum_cover_it(chest):
    heart = filled(35, 60, 75, 80) | filled(37, 30, 58, 60)
    covered = regions_of_masks({**chest.masks, "cardiac silhouette": heart})
    by_masks = of_standard(covered, FILM, "mask")
    assert lungs(by_masks) == ((20, 30, 37, 80), (60, 30, 80, 80))
    assert not (by_masks.masks["right lung"] & heart).any()
    assert lungs(of_standard(covered, FILM, "drawn", NONE)) == lungs(chest)


def test_a_sliver_of_lung_thinner_than_a_rib_counts_in_neither_standard():
    """A lung of 67 px is half as wide as that of 134 mm, so a rib is 3.5 px."""
    lung = np.zeros((200, 200), bool)
    lung[20:120, 10:77] = True
    sliver = lung.copy()
    sliver[120:150, 10:12] = True
    firm = lung.copy()
    firm[120:150, 10:18] = True
    picture = np.full(lung.shape, 90, np.uint8)
    for standard in STANDARDS:
        boxes = [
            of_standard(regions_of_masks({"right lung": each}), picture, standard, NONE).boxes["right lung"]
            for each in (lung, sliver, firm)
        ]
        assert boxes[0] == boxes[1]
        assert boxes[2].y1 - boxes[0].y1 == pytest.approx(30, abs=1)


def test_a_lung_of_few_pixels_is_left_as_it_is():
    small = np.zeros((20, 20), bool)
    small[5:9, 5:8] = True
    assert np.array_equal(without_slivers(small), small)


def test_the_margins_of_drawn_boxes_are_what_was_measured_on_the_ct():
    """`make ct` measures again; both sides are averaged and rounded to a millimetre."""
    measured = json.loads((PACKED.parent / MEASURES).read_text("utf-8"))
    mean = {
        name: np.mean([measured[side][name] for side in ("right", "left")], axis=0)
        for name in measured["right"]
    }
    assert tuple(np.round(mean["size"])) == LUNG_MM
    assert (round(float(mean["lateral"][0])), round(float(mean["upper"][0]))) == (RIB_MM, FIRST_RIB_MM)
