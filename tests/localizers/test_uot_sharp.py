"""Transport as a registration: references follow a picture that was moved, turned or exposed differently."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from medground_bench.anatomy.atlas import Atlas, phantom_atlas
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import BadAtlas, BadPicture
from medground_bench.core.geometry import box_iou, tight_box
from medground_bench.core.types import Box, Picture
from medground_bench.localizers.mean_box import MeanBox
from medground_bench.localizers.uot import Uot
from medground_bench.localizers.uot_sharp import UotSharp
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import to_study

SEED = 6_000_300
LUNGS_AND_HEART = ("left lung", "right lung", "cardiac silhouette")
Moved = tuple[Picture, dict[str, Box]]


def moved(seed: int, matrix: NDArray[np.float64], shift: tuple[float, float], gamma: float) -> Moved:
    """A phantom that is in no atlas, moved (pixels, rows first) and exposed differently, and its true boxes."""
    scene = Scene.sample(seed)
    offset = np.array([112, 112]) - matrix @ (np.array([112, 112]) + shift)
    picture = ndimage.affine_transform(
        scene.render(224).astype(float), matrix, offset, order=1, mode="nearest"
    )
    picture = (255 * (np.clip(picture, 0, 255) / 255) ** gamma).astype(np.uint8)
    boxes = {}
    for concept, mask in scene.concept_masks(224).items():
        there = ndimage.affine_transform(mask.astype(float), matrix, offset, order=1) > 0.5
        box = tight_box(there, phantom_atlas().frame)
        if box is not None:
            boxes[concept] = box
    return picture, boxes


def mean_iou(localizer: Uot | UotSharp | MeanBox, picture: Picture, truth: dict[str, Box]) -> float:
    found = localizer.localize(picture).boxes
    return float(np.mean([box_iou(found[concept], truth[concept]) for concept in LUNGS_AND_HEART]))


@pytest.mark.parametrize(
    ("matrix", "shift", "gamma"),
    [
        (np.eye(2), (0, 0), 1.0),
        (np.eye(2), (14, -16), 0.6),
        (np.diag([1.3, 1.25]), (0, 8), 1.7),
        (np.array([[0.99, 0.1], [-0.1, 0.99]]), (-6, 4), 1.0),
    ],
    ids=["as it is", "shifted and bright", "small and dark", "turned"],
)
def test_it_follows_the_picture_better_than_the_control_and_the_papers_localizer(
    matrix: NDArray[np.float64], shift: tuple[float, float], gamma: float
) -> None:
    picture, truth = moved(SEED, matrix, shift, gamma)
    sharp = mean_iou(UotSharp(), picture, truth)
    assert sharp > 0.75
    assert sharp > mean_iou(Uot(), picture, truth) and sharp > mean_iou(MeanBox(), picture, truth)


def test_every_concept_is_found_with_the_tight_box_of_its_mask() -> None:
    regions = UotSharp().localize(phantom_atlas().pictures[9])
    assert tuple(regions.boxes) == CONCEPTS and not regions.missing
    for concept, mask in regions.masks.items():
        assert regions.boxes[concept] == tight_box(mask, regions.frame)


def test_the_same_picture_gives_the_same_regions() -> None:
    localizer, picture = UotSharp(references=1), phantom_atlas().pictures[7]
    assert localizer.localize(picture).boxes == localizer.localize(picture).boxes


def test_the_number_of_references_changes_the_vote() -> None:
    picture = phantom_atlas().pictures[9]
    assert UotSharp(references=1).localize(picture).boxes != UotSharp(references=2).localize(picture).boxes


def test_a_concept_that_lies_beyond_the_picture_is_missing() -> None:
    picture, _ = moved(SEED, np.diag([0.8, 0.8]), (-80, 0), 1.0)
    regions = UotSharp().localize(picture)
    assert set(regions.missing) == {"left clavicle", "right clavicle"}
    assert set(regions.boxes) | set(regions.missing) == set(CONCEPTS)


@pytest.mark.parametrize("kind", ["noise", "dots", "black left half"])
def test_pictures_of_no_chest_give_regions_and_no_crash(kind: str) -> None:
    picture = np.zeros((224, 224), np.uint8)
    if kind == "noise":
        picture = np.random.default_rng(0).integers(0, 256, (224, 224)).astype(np.uint8)
    elif kind == "dots":
        picture[100, 100] = picture[120, 130] = 255
    else:
        picture[:, 112:] = 200
        picture[:9, 112:] = 190
    regions = UotSharp(references=1).localize(picture)
    assert set(regions.boxes) | set(regions.missing) == set(CONCEPTS)


def test_a_blank_picture_and_an_atlas_without_lungs_are_refused() -> None:
    for shape in ((224, 224), (224, 160)):
        with pytest.raises(BadPicture, match="blank"):
            UotSharp().localize(to_study(np.full(shape, 9, np.uint8)).picture)
    shipped = phantom_atlas()
    without = Atlas(shipped.names[:1], CONCEPTS[:1], shipped.pictures[:1], shipped.masks[:1, :1])
    with pytest.raises(BadAtlas, match="left lung and no right lung"):
        UotSharp(atlas=without)
