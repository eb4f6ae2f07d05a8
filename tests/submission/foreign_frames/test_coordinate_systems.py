"""Every coordinate system gives shares of the picture, and its letterbox is the one of the library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.core.geometry import Letterbox
from medground_bench.core.types import Box, Frame
from medground_bench.submission.foreign_frames.coordinate_systems import (
    BY_OTHER_SIDE,
    DOUBLED,
    LETTERBOXED_Y_FIRST,
    NATIVE_Y_FIRST,
    THOUSAND,
    Letterboxed,
    Square,
    fill,
)
from tests.submission.foreign_frames.frame_files import corners


@given(corners, st.integers(20, 4000), st.integers(20, 4000), st.sampled_from([112, 224, 490, 896, 1024]))
def test_the_letterbox_of_the_advice_is_the_letterbox_of_the_library(box, width, height, side):
    frame = Frame("native", width, height)
    meant = Box(*(np.array(box) * [width, height, width, height]).tolist(), frame)
    inside = Letterbox.fit(frame, side=side).to_study(meant)
    shares = Letterboxed(side).shares(np.array([inside.xyxy]), np.array([[width, height]], float))
    assert shares[0] == pytest.approx(box)


@pytest.mark.parametrize(
    ("system", "numbers"),
    [
        (THOUSAND, [100, 200, 500, 900]),
        (Square(448), [44.8, 89.6, 224, 403.2]),
        (DOUBLED, [40, 160, 200, 720]),
        (NATIVE_Y_FIRST, [80, 20, 360, 100]),
        (LETTERBOXED_Y_FIRST.of(400), [80, 120, 360, 200]),
        (BY_OTHER_SIDE, [40, 40, 200, 180]),
    ],
)
def test_every_system_gives_shares_of_the_picture(system, numbers):
    sizes = np.array([[200.0, 400.0]])
    assert system.shares(np.array([numbers]), sizes)[0] == pytest.approx([0.1, 0.2, 0.5, 0.9])


def test_a_frame_is_filled_as_far_as_its_less_filled_axis_and_not_at_all_when_a_box_leaves_it():
    assert fill(np.array([[0, 0, 0.5, 0.9], [0.1, 0.1, 0.7, 0.3]])) == pytest.approx(0.7)
    assert fill(np.array([[0, 0, 1.2, 0.9]])) == 0 == fill(np.array([[-0.2, 0, 1, 0.9]]))
