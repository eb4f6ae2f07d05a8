"""Overlays keep the picture's size, draw where they should, and bring the study frame to the picture."""

import numpy as np
import pytest

from medground_bench.core.errors import FrameMismatch
from medground_bench.core.geometry import Letterbox
from medground_bench.core.types import Box, Frame, Picture, SaliencyMap
from medground_bench.drawing.overlays import draw_boxes, draw_saliency
from medground_bench.drawing.palette import BRIGHT, INK

NATIVE = Frame.native(300, 400)


@pytest.fixture
def picture() -> Picture:
    return np.full((400, 300), 90, np.uint8)


def coloured(image: object) -> np.ndarray:
    rgb = np.asarray(image).astype(int)
    return np.ptp(rgb, axis=2) > 0


def test_a_box_is_outlined_on_its_own_pixels_in_the_first_colour(picture: Picture) -> None:
    image = draw_boxes(picture, {"": [Box(40, 60, 140, 200, NATIVE)]})
    assert image.size == (300, 400)
    rows, columns = np.nonzero(coloured(image))
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (40, 60, 140, 200)
    assert image.getpixel((40, 130)) == BRIGHT[0]
    assert image.getpixel((90, 130)) == (90, 90, 90)


def test_labels_differ_in_colour_are_written_and_do_not_cover_each_other(picture: Picture) -> None:
    box = Box(40, 60, 140, 200, NATIVE)
    image = draw_boxes(picture, {"radiologist": [box], "medfocus": [box]})
    rgb = np.asarray(image).reshape(-1, 3)
    above = np.asarray(image)[40:60].astype(int)
    assert (above[..., 0] - above[..., 2]).max() > 80, "the first label, orange, stands above its box"
    assert (rgb == BRIGHT[1]).all(1).any()


def test_a_box_of_the_study_frame_is_brought_to_the_picture(picture: Picture) -> None:
    box = Box(30, 50, 120, 200, NATIVE)
    study = Letterbox.fit(NATIVE).to_study(box)
    ours, theirs = draw_boxes(picture, {"": [box]}), draw_boxes(picture, {"": [study]})
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_a_box_in_the_padding_draws_nothing_and_another_picture_s_box_is_refused(picture: Picture) -> None:
    padding = Box(0, 0, 10, 224, Frame("study", 224, 224))
    assert not coloured(draw_boxes(picture, {"x": [padding]})).any()
    with pytest.raises(FrameMismatch, match="300 x 400"):
        draw_boxes(picture, {"x": [Box(0, 0, 10, 10, Frame.native(999, 400))]})


def test_saliency_is_lightest_where_evidence_is_strongest(picture: Picture) -> None:
    values = np.zeros((8, 8), np.float32)
    values[5, 2] = 1
    image = draw_saliency(picture, SaliencyMap(values, NATIVE))
    light = np.asarray(image).sum(2)
    row, column = np.unravel_index(light.argmax(), light.shape)
    assert (row * 8 // 400, column * 8 // 300) == (5, 2)
    assert image.getpixel((280, 10)) == (90, 90, 90)


def test_saliency_of_the_study_frame_lands_on_the_picture_without_its_bars(picture: Picture) -> None:
    letterbox = Letterbox.fit(NATIVE)
    values = np.zeros((224, 224), np.float32)
    target = letterbox.to_study(Box(150, 100, 200, 160, NATIVE))
    values[int(target.y0) : int(target.y1), int(target.x0) : int(target.x1)] = 1
    found = coloured(draw_saliency(picture, SaliencyMap(values, letterbox.study)))
    rows, columns = np.nonzero(found)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert box == pytest.approx((150, 100, 200, 160), abs=4)


def test_a_constant_map_leaves_the_picture_and_boxes_can_be_added(picture: Picture) -> None:
    flat = SaliencyMap(np.ones((4, 4), np.float32), NATIVE)
    assert not coloured(draw_saliency(picture, flat)).any()
    assert coloured(draw_saliency(picture, flat, {"a": [Box(5, 50, 50, 90, NATIVE)]})).any()


def test_labels_never_cover_each_other_even_at_the_lower_edge(picture: Picture) -> None:
    box = Box(20, 380, 200, 399, NATIVE)
    names = [f"label {number}" for number in range(8)]
    image = np.asarray(draw_boxes(picture, {name: [box] for name in names})).astype(int)
    labelled = (image == INK).all(axis=2).any(axis=1)
    assert labelled.sum() >= 8 * 10, "eight labels, each on rows of its own"
    for colour in BRIGHT[:8]:
        assert (np.abs(image - colour) < 60).all(2).sum() > 20
