"""Letterbox, areas of unions, saliency map to boxes: by hand, by brute force, and by laws that must hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medground_bench.core.errors import FrameMismatch, MethodFailed
from medground_bench.core.geometry import (
    Letterbox,
    boxes_from_map,
    cover_areas,
    resize_bilinear,
    tight_box,
)
from medground_bench.core.types import Box, Frame, SaliencyMap
from medground_bench.core.unions import CoverAreas

STUDY = Frame("study", width=224, height=224)
SMALL = Frame.native(width=12, height=9)

sizes = st.integers(1, 4000)
natives = st.builds(lambda width, height: Frame.native(width=width, height=height), sizes, sizes)


@st.composite
def whole_pixel_boxes(draw, frame=SMALL):
    x0 = draw(st.integers(0, frame.width - 1))
    y0 = draw(st.integers(0, frame.height - 1))
    return Box(
        x0,
        y0,
        draw(st.integers(x0 + 1, frame.width)),
        draw(st.integers(y0 + 1, frame.height)),
        frame,
    )


def painted(boxes):
    mask = np.zeros((SMALL.height, SMALL.width), dtype=bool)
    for box in boxes:
        mask[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
    return mask


@pytest.mark.parametrize(
    ("width", "height", "content"),
    [
        (2544, 3056, (186, 224, 19, 0)),
        (3056, 2544, (224, 186, 0, 19)),
        (224, 224, (224, 224, 0, 0)),
        (100, 50, (224, 112, 0, 56)),
        (5000, 1, (224, 1, 0, 111)),
    ],
)
def test_the_longer_side_fills_the_square_and_the_rest_is_centred_padding(width, height, content):
    box = Letterbox.fit(Frame.native(width=width, height=height))
    assert (box.content_width, box.content_height, box.left, box.top) == content
    assert box.study == STUDY


@given(natives, st.integers(8, 1024))
def test_the_whole_picture_maps_to_the_content_and_back_to_itself(native, side):
    letterbox = Letterbox.fit(native, side)
    whole = Box(0, 0, native.width, native.height, native)
    content = letterbox.to_study(whole)
    assert content.xyxy == pytest.approx(
        (
            letterbox.left,
            letterbox.top,
            letterbox.left + letterbox.content_width,
            letterbox.top + letterbox.content_height,
        )
    )
    assert content.x0 >= 0 and content.x1 <= side + 1e-9
    assert letterbox.to_native(content).xyxy == pytest.approx(whole.xyxy)


@given(st.data(), natives)
def test_a_box_survives_the_round_trip_through_the_study_frame(data, native):
    box = data.draw(whole_pixel_boxes(native))
    letterbox = Letterbox.fit(native)
    assert letterbox.to_native(letterbox.to_study(box)).xyxy == pytest.approx(box.xyxy, abs=1e-6)


def test_a_study_box_is_clipped_to_the_picture_and_nothing_is_left_of_one_in_the_padding():
    letterbox = Letterbox.fit(Frame.native(width=100, height=200), side=100)
    assert letterbox.to_native(Box(0, 0, 100, 100, letterbox.study)).xyxy == (0, 0, 100, 200)
    assert letterbox.to_native(Box(0, 10, 20, 30, letterbox.study)) is None


def test_a_box_of_another_frame_is_refused():
    letterbox = Letterbox.fit(Frame.native(width=100, height=200))
    with pytest.raises(FrameMismatch):
        letterbox.to_native(Box(0, 0, 1, 1, letterbox.native))
    with pytest.raises(FrameMismatch):
        letterbox.to_study(Box(0, 0, 1, 1, letterbox.study))
    with pytest.raises(FrameMismatch):
        cover_areas([Box(0, 0, 1, 1, letterbox.study), Box(0, 0, 1, 1, letterbox.native)], ())


def test_areas_by_hand():
    first = [Box(0, 0, 4, 4, SMALL), Box(2, 2, 6, 6, SMALL)]
    second = [Box(5, 0, 6, 9, SMALL)]
    assert cover_areas(first, second) == CoverAreas(first=28, second=9, both=4)
    assert cover_areas(first, []) == CoverAreas(first=28, second=0, both=0)


@given(st.lists(whole_pixel_boxes(), max_size=8), st.lists(whole_pixel_boxes(), max_size=8))
def test_areas_equal_the_count_of_painted_pixels(first, second):
    areas = cover_areas(first, second)
    assert areas.first == painted(first).sum()
    assert areas.second == painted(second).sum()
    assert areas.both == (painted(first) & painted(second)).sum()


@given(st.lists(whole_pixel_boxes(), min_size=1, max_size=8))
def test_the_area_does_not_change_when_boxes_are_repeated_or_shuffled(boxes):
    assert cover_areas([*reversed(boxes), *boxes], ()) == cover_areas(boxes, ())


def test_many_boxes_take_rounds_instead_of_memory(monkeypatch):
    rng = np.random.default_rng(0)
    frame = Frame.native(width=1000, height=1000)
    low = rng.uniform(0, 900, size=(60, 2))
    boxes = [
        Box(x, y, x + w, y + h, frame)
        for (x, y), (w, h) in zip(low, rng.uniform(1, 99, size=(60, 2)), strict=True)
    ]
    whole = cover_areas(boxes[:30], boxes[30:])
    monkeypatch.setattr("medground_bench.core.unions.CELLS_AT_ONCE", 500)
    in_rounds = cover_areas(boxes[:30], boxes[30:])
    assert (in_rounds.first, in_rounds.second, in_rounds.both) == pytest.approx(
        (whole.first, whole.second, whole.both)
    )


def spot_map(*spots):
    """A study-sized map, zero but for (x0, y0, x1, y1, value) rectangles."""
    values = np.zeros((224, 224), dtype=np.float32)
    for x0, y0, x1, y1, value in spots:
        values[y0:y1, x0:x1] = value
    return SaliencyMap(values, STUDY)


def test_one_bright_spot_gives_its_tight_box():
    assert [box.xyxy for box in boxes_from_map(spot_map((50, 60, 70, 90, 3.0)))] == [(50, 60, 70, 90)]


def test_diagonal_neighbours_are_one_region_and_a_gap_makes_two():
    joined = boxes_from_map(spot_map((0, 0, 8, 8, 1.0), (8, 8, 16, 16, 1.0)))
    apart = boxes_from_map(spot_map((0, 0, 8, 8, 1.0), (9, 9, 17, 17, 1.0)))
    assert [box.xyxy for box in joined] == [(0, 0, 16, 16)]
    assert len(apart) == 2


def test_regions_under_sixteen_pixels_are_dropped():
    assert boxes_from_map(spot_map((0, 0, 5, 3, 1.0))) == ()
    assert len(boxes_from_map(spot_map((0, 0, 4, 4, 1.0)))) == 1


def test_boxes_come_by_falling_mean_saliency_and_at_most_ten():
    spots = [(20 * i, 0, 20 * i + 4, 4, 1.0 + i / 100) for i in range(11)]
    boxes = boxes_from_map(spot_map(*spots), quantile=0.0)
    assert [box.x0 for box in boxes] == [20.0 * i for i in range(10, 0, -1)]
    assert len(boxes_from_map(spot_map(*spots), quantile=0.0, max_boxes=3)) == 3


def test_the_quantile_is_taken_over_the_non_zero_values_only():
    """A hundredth of the picture is positive: nine tenths of that must go, not nothing."""
    ramp = np.zeros((224, 224), dtype=np.float32)
    ramp[0:10, 0:100] = np.arange(1, 101, dtype=np.float32)
    (box,) = boxes_from_map(SaliencyMap(ramp, STUDY))
    assert box.xyxy == (90, 0, 100, 10)
    (wider,) = boxes_from_map(SaliencyMap(ramp, STUDY), quantile=0.5)
    assert wider.xyxy == (50, 0, 100, 10)


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0, 1e-30])
def test_a_constant_map_holds_no_evidence(value):
    assert boxes_from_map(SaliencyMap(np.full((16, 16), value, dtype=np.float32), STUDY)) == ()


def test_a_map_without_a_positive_value_holds_no_evidence():
    values = np.linspace(-2, 0, 256, dtype=np.float32).reshape(16, 16)
    assert boxes_from_map(SaliencyMap(values, STUDY)) == ()


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_map_that_is_not_finite_is_a_fault_of_the_method(broken):
    values = np.zeros((16, 16), dtype=np.float32)
    values[3, 3] = broken
    with pytest.raises(MethodFailed, match="1 of 256 values"):
        boxes_from_map(SaliencyMap(values, STUDY))


@pytest.mark.parametrize("shape", [(0, 0), (16,), (2, 3, 4)])
def test_a_map_without_rows_and_columns_is_a_fault_of_the_method(shape):
    with pytest.raises(MethodFailed, match="rows and columns"):
        boxes_from_map(SaliencyMap(np.zeros(shape, dtype=np.float32), STUDY))


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(-7, 7), st.floats(0.0, 10))
def test_boxes_do_not_depend_on_the_scale_of_the_map(seed, power, offset):
    """Powers of two scale without rounding: a pixel that is the threshold itself stays so."""
    values = np.random.default_rng(seed).integers(0, 1000, size=(14, 14)) + offset
    assert boxes_from_map(SaliencyMap(values, STUDY)) == boxes_from_map(
        SaliencyMap(values * 2.0**power, STUDY)
    )


def test_a_perfect_coarse_map_of_a_letterboxed_portrait_lands_within_one_cell():
    native = Frame.native(width=1500, height=2000)
    letterbox = Letterbox.fit(native)
    truth = Box(450, 900, 800, 1300, native)
    study = letterbox.to_study(truth)
    edges = (np.arange(28) + 0.5) * 8
    values = np.zeros((28, 28), dtype=np.float32)
    values[np.ix_((edges > study.y0) & (edges < study.y1), (edges > study.x0) & (edges < study.x1))] = 1
    (box,) = boxes_from_map(SaliencyMap(values, STUDY))
    cell_px = 8 * 2000 / 224
    assert letterbox.to_native(box).xyxy == pytest.approx(truth.xyxy, abs=cell_px)


def test_bilinear_resizing_by_hand_and_at_the_identity():
    values = np.array([[0.0, 4.0]])
    assert resize_bilinear(values, width=4, height=2).tolist() == [[0, 1, 3, 4], [0, 1, 3, 4]]
    grid = np.random.default_rng(0).random((5, 7))
    assert np.array_equal(resize_bilinear(grid, width=7, height=5), grid)


def test_bilinear_resizing_equals_torch_without_corner_alignment():
    torch = pytest.importorskip("torch")
    grid = np.random.default_rng(0).random((14, 9))
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(grid)[None, None], size=(224, 100), mode="bilinear", align_corners=False
    )[0, 0]
    assert resize_bilinear(grid, width=100, height=224) == pytest.approx(wanted.numpy(), abs=1e-12)


def test_the_tight_box_of_a_mask_is_half_open_and_none_when_empty():
    mask = np.zeros((9, 12), dtype=bool)
    assert tight_box(mask, SMALL) is None
    mask[2, 3] = mask[5, 7] = True
    assert tight_box(mask, SMALL).xyxy == (3, 2, 8, 6)
    with pytest.raises(FrameMismatch, match="12 x 9"):
        tight_box(mask, STUDY)
