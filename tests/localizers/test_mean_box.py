"""The control of the localizers: the same relative boxes whatever the picture shows."""

import numpy as np

from medground_bench.anatomy.atlas import Atlas, phantom_atlas
from medground_bench.anatomy.regions import touched_pixels
from medground_bench.core.concepts import CONCEPTS
from medground_bench.localizers.mean_box import MeanBox


def test_the_control_copies_the_mean_boxes_whatever_the_picture() -> None:
    atlas = phantom_atlas()
    regions = MeanBox().localize(atlas.pictures[0])
    assert dict(regions.boxes) == atlas.mean_boxes() == dict(MeanBox().localize(atlas.pictures[7]).boxes)
    assert tuple(regions.boxes) == CONCEPTS and not regions.missing


def test_boxes_are_scaled_to_the_side_of_the_picture() -> None:
    regions, half = (MeanBox().localize(np.zeros((side, side), np.uint8)) for side in (224, 112))
    for concept, box in regions.boxes.items():
        assert half.boxes[concept].xyxy == tuple(value / 2 for value in box.xyxy)
        assert np.array_equal(half.masks[concept], touched_pixels(half.boxes[concept]))
    assert (half.frame.width, half.frame.height) == (112, 112)


def test_the_boxes_are_those_of_its_own_atlas() -> None:
    shipped = phantom_atlas()
    shifted = np.roll(shipped.masks[:1], 8, axis=-1)
    boxes = MeanBox(atlas=Atlas(shipped.names[:1], CONCEPTS, shipped.pictures[:1], shifted))
    own = MeanBox(atlas=shipped.first(1)).localize(shipped.pictures[0]).boxes["cardiac silhouette"]
    moved = boxes.localize(shipped.pictures[0]).boxes["cardiac silhouette"]
    assert (moved.x0 - own.x0, moved.y0 - own.y0) == (8, 0)
