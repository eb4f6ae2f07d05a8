"""A grey picture lands in the study frame where its letterbox says, and so does a mask."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.errors import BadPicture
from medground_bench.core.geometry import tight_box
from medground_bench.core.types import Box, Frame
from medground_bench.pictures import mask_to_study, to_study


@pytest.mark.parametrize(
    "array", [np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9)), np.zeros((0, 9), np.uint8)]
)
def test_an_array_that_is_no_grey_picture_of_8_bits_is_refused(array):
    with pytest.raises(BadPicture, match="read_picture"):
        to_study(array)


@pytest.mark.parametrize(("height", "width"), [(300, 200), (200, 300), (100, 100), (61, 224), (3056, 2544)])
def test_the_content_lies_where_the_letterbox_says_and_the_bars_are_black(height: int, width: int) -> None:
    study = to_study(np.full((height, width), 140, np.uint8))
    box = study.letterbox.to_study(Box(0, 0, width, height, Frame.native(width, height)))
    x0, y0, x1, y1 = (round(value) for value in box.xyxy)
    assert (study.picture[y0:y1, x0:x1] == 140).all()
    assert np.count_nonzero(study.picture) == (x1 - x0) * (y1 - y0)


def test_a_square_in_the_native_picture_is_found_where_the_letterbox_maps_it() -> None:
    picture = np.zeros((600, 450), np.uint8)
    picture[150:300, 90:210] = 255
    study = to_study(picture)
    rows, columns = np.nonzero(study.picture > 127)
    box = study.letterbox.to_study(Box(90, 150, 210, 300, study.letterbox.native))
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert found == pytest.approx(box.xyxy, abs=1)


def test_a_picture_that_fills_the_study_frame_is_not_touched() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (224, 224), np.uint8)
    assert np.array_equal(to_study(picture).picture, picture)


def test_resizing_never_leaves_the_range_of_the_picture_and_is_antialiased() -> None:
    stripes = np.zeros((896, 896), np.uint8)
    stripes[:, ::2] = 200
    study = to_study(stripes)
    assert study.picture.min() >= 90
    assert study.picture.max() <= 110
    step = np.full((500, 500), 50, np.uint8)
    step[:, 250:] = 180
    assert set(np.unique(to_study(step).picture)) <= set(range(50, 181))


def test_a_mask_lands_in_the_study_frame_where_its_box_does_and_never_in_the_bars() -> None:
    mask = np.zeros((900, 500), bool)
    mask[120:480, 75:301] = True
    letterbox = to_study(np.zeros(mask.shape, np.uint8)).letterbox
    box = tight_box(mask_to_study(mask), letterbox.study)
    assert box is not None
    assert box.xyxy == pytest.approx(
        letterbox.to_study(Box(75, 120, 301, 480, letterbox.native)).xyxy, abs=0.5
    )
    everything = mask_to_study(np.ones(mask.shape, bool), 112)
    assert everything.shape == (112, 112)
    assert everything.sum() == 112 * to_study(np.zeros(mask.shape, np.uint8), 112).letterbox.content_width


def test_a_mask_keeps_a_pixel_that_is_at_least_half_covered_and_no_other() -> None:
    mask = np.zeros((448, 448), bool)
    mask[:, :101] = True  # to the middle of study pixel 50
    assert mask_to_study(mask)[:, :51].all() and not mask_to_study(mask)[:, 51:].any()
    mask[:, 100] = False
    assert mask_to_study(mask)[:, :50].all() and not mask_to_study(mask)[:, 50:].any()
