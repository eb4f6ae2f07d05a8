"""The figure of all concepts: where boxes, tints and numbers are, at any size of picture."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.anatomy.regions import regions_of_boxes
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.geometry import Letterbox
from medground_bench.core.types import Box, Frame
from medground_bench.drawing.concept_figure import LONGER_SIDE_PX, TAG_PX, draw_concepts
from medground_bench.drawing.palette import BRIGHT

NATIVE = Frame.native(width=330, height=440)
ZOOM = LONGER_SIDE_PX / 440


def pixels_of(image, colour) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of one colour on the picture's part of the figure."""
    return np.nonzero((np.asarray(image)[:, : round(330 * ZOOM)] == colour).all(-1))


def drawn(boxes):
    study = Letterbox.fit(NATIVE).study
    assert all(box.frame == study for box in boxes.values())
    return draw_concepts(np.full((440, 330), 90, np.uint8), regions_of_boxes(boxes, study))


def studied(x0, y0, x1, y1) -> Box:
    return Letterbox.fit(NATIVE).to_study(Box(x0, y0, x1, y1, NATIVE))


def test_a_box_of_the_study_frame_is_outlined_at_its_place_in_the_picture_and_tinted_inside():
    image = drawn({"left lung": studied(60, 100, 200, 300)})
    rows, columns = pixels_of(image, BRIGHT[CONCEPTS.index("left lung")])
    edges = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / ZOOM
    assert edges == pytest.approx([60, 100, 200, 300], abs=1)
    inside, outside = image.getpixel((round(130 * ZOOM), round(200 * ZOOM))), image.getpixel((20, 20))
    assert outside == (90, 90, 90) and inside != outside and np.ptp(inside) > 20


def test_every_concept_has_a_tag_in_a_colour_of_its_own_that_no_other_covers():
    boxes = {concept: studied(60, 100, 200, 300) for concept in CONCEPTS}
    image = np.asarray(drawn(boxes))[:, : round(330 * ZOOM)]
    for colour in BRIGHT:
        assert (image == colour).all(-1).sum() > 0.5 * TAG_PX**2


def test_missing_concepts_stand_in_the_legend_alone():
    image = np.asarray(drawn({"left lung": studied(60, 100, 200, 300)}))
    for number, colour in enumerate(BRIGHT):
        there = (image == colour).all(-1)
        assert there[:, round(330 * ZOOM) :].any()
        assert there[:, : round(330 * ZOOM)].any() == (CONCEPTS[number] == "left lung")


@pytest.mark.parametrize("shape", [(16, 16), (40, 3000), (3000, 40), (1200, 900)])
def test_a_picture_of_any_size_gives_a_figure_that_can_be_read(shape):
    study = Letterbox.fit(Frame.native(width=shape[1], height=shape[0])).study
    boxes = {concept: Box(0, 0, 224, 224, study) for concept in CONCEPTS}
    width, height = draw_concepts(np.full(shape, 90, np.uint8), regions_of_boxes(boxes, study)).size
    assert width > 350 and height >= 2 * TAG_PX * len(CONCEPTS)
    assert max(width, height) < 2000
