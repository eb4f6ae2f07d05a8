"""The paper's localizer, on pictures whose anatomy is known."""

import warnings

import numpy as np
import ot
import pytest
from numpy.typing import NDArray

from medground_bench.anatomy.atlas import Atlas, phantom_atlas
from medground_bench.anatomy.transport import TransportSettings
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import BadPicture, UnknownName
from medground_bench.core.geometry import box_iou, tight_box
from medground_bench.localizers import localize, open_localizer
from medground_bench.localizers.uot import Uot
from medground_bench.pictures import to_study


def dense_cost(reference: NDArray[np.uint8], target: NDArray[np.uint8]) -> float:
    """Transport cost at the 14-grid with POT's dense solver, written out."""
    places, masses = [], []
    for picture in (reference, target):
        grid = picture.reshape(14, 16, 14, 16).mean((1, 3))
        grid = (grid - grid.min()) / (grid.max() - grid.min())
        places.append(np.argwhere(grid > 0.02))
        masses.append(grid[grid > 0.02] / grid[grid > 0.02].sum())
    distances = ((places[0][:, None] - places[1][None]) ** 2).sum(-1)
    scaled = distances / np.percentile(distances, 90)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = ot.unbalanced.sinkhorn_unbalanced(*masses, scaled, 0.05, 0.1, reg_type="entropy", stopThr=1e-9)
    return float((plan * distances).sum())


def test_the_reference_with_the_lowest_transport_cost_is_chosen() -> None:
    shipped = phantom_atlas()
    picture = np.ascontiguousarray(shipped.pictures[6][:, ::-1])
    costs = [dense_cost(reference, picture) for reference in shipped.pictures]
    assert Uot().localize(picture).reference == shipped.names[int(np.argmin(costs))]


def test_all_concepts_are_found_on_a_normal_picture_with_the_lungs_on_their_sides() -> None:
    atlas = phantom_atlas()
    regions = Uot().localize(atlas.pictures[9])
    assert tuple(regions.boxes) == CONCEPTS
    assert not regions.missing
    for concept in ("left lung", "right lung"):
        truth = tight_box(atlas.masks[9][CONCEPTS.index(concept)], atlas.frame)
        assert truth is not None
        assert box_iou(regions.boxes[concept], truth) > 0.45
    assert regions.boxes["right lung"].x0 < regions.boxes["left lung"].x0


def test_a_sharp_transport_of_a_reference_to_itself_gives_its_own_boxes_back() -> None:
    atlas = phantom_atlas()
    sharp = Uot(transport=TransportSettings(epsilon=0.0005, marginal_weight=1.0), core_share=0.95)
    regions = sharp.localize(atlas.pictures[3])
    for concept in ("left lung", "right lung", "cardiac silhouette"):
        truth = tight_box(atlas.masks[3][CONCEPTS.index(concept)], atlas.frame)
        assert truth is not None
        assert box_iou(regions.boxes[concept], truth) > 0.8


def test_every_box_is_the_tight_box_of_its_mask_in_the_study_frame() -> None:
    regions = Uot().localize(phantom_atlas().pictures[0])
    for concept, mask in regions.masks.items():
        assert regions.boxes[concept] == tight_box(mask, regions.frame)


@pytest.mark.parametrize(
    "changed",
    [
        {"selection_cells": 7},
        {"transfer_cells": 28},
        {"core_share": 0.5},
        {"transport": TransportSettings(epsilon=0.5)},
    ],
)
def test_every_setting_changes_the_regions(changed: dict) -> None:
    pictures = phantom_atlas().pictures
    blend = ((pictures[2].astype(int) + pictures[11].T) // 2).astype(np.uint8)
    plain, other = Uot().localize(blend), Uot(**changed).localize(blend)
    assert plain.boxes != other.boxes or plain.reference != other.reference


def test_only_the_first_references_are_candidates() -> None:
    picture = phantom_atlas().pictures[6]
    first = phantom_atlas().names[:3]
    assert Uot().localize(picture).reference not in first
    assert Uot(references=3).localize(picture).reference in first
    with pytest.raises(ValueError, match="at least one reference"):
        Uot(references=0).localize(picture)


def test_its_settings_are_told_in_a_line() -> None:
    assert len(repr(Uot())) < 400 and "16 references" in repr(Uot())


def test_a_concept_that_receives_no_mass_is_reported_missing() -> None:
    shipped = phantom_atlas()
    pictures, masks = shipped.pictures[:1].copy(), shipped.masks[:1].copy()
    corner = np.zeros((224, 224), bool)
    corner[-16:, :8] = True
    pictures[0][corner] = 0
    masks[0, CONCEPTS.index("left clavicle")] = corner
    atlas = Atlas(shipped.names[:1], shipped.concepts, pictures, masks)
    regions = Uot(atlas=atlas).localize(shipped.pictures[5])
    assert regions.missing == ("left clavicle",)
    assert "left clavicle" not in regions.boxes
    assert len(regions.boxes) == 10


@pytest.mark.parametrize("grey", [0, 77, 255])
def test_a_blank_picture_is_refused(grey: int) -> None:
    for shape in ((224, 224), (224, 160)):
        study = to_study(np.full(shape, grey, np.uint8)).picture
        with pytest.raises(BadPicture, match="blank"):
            Uot().localize(study)


def test_other_sides_than_the_atlas_work() -> None:
    picture = phantom_atlas().pictures[0]
    large = np.kron(picture, np.ones((2, 2), np.uint8))
    small_boxes, large_boxes = Uot().localize(picture).boxes, Uot().localize(large).boxes
    for concept in CONCEPTS:
        assert large_boxes[concept].xyxy == tuple(2 * value for value in small_boxes[concept].xyxy)


def test_localizers_open_by_name_and_keep_the_last_pictures() -> None:
    picture = phantom_atlas().pictures[4]
    assert isinstance(open_localizer("uot"), Uot)
    assert localize("uot", picture) is localize("uot", picture.copy())
    assert localize("uot", picture).boxes == Uot().localize(picture).boxes
    with pytest.raises(UnknownName, match="mean_box"):
        open_localizer("meanbox")
