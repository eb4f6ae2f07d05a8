"""What explains a pile of boxes: one box a size of picture decides, and two fits agree where one conversion may do."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.submission.foreign_frames.coordinate_systems import (
    BY_OTHER_SIDE,
    DOUBLED,
    LETTERBOXED,
    LETTERBOXED_Y_FIRST,
    NATIVE_Y_FIRST,
    STRETCHED,
    THOUSAND,
    fill,
)
from medground_bench.submission.foreign_frames.fits import fits
from tests.submission.foreign_frames.frame_files import (
    about_findings,
    anywhere,
    drawn,
    grid,
    letterboxed,
    native,
    pile_of,
    y_first,
)


@pytest.mark.parametrize(
    "system",
    [
        THOUSAND,
        DOUBLED,
        NATIVE_Y_FIRST,
        BY_OTHER_SIDE,
        *(layout.of(700) for layout in (STRETCHED, LETTERBOXED, LETTERBOXED_Y_FIRST)),
    ],
)
def test_the_hull_of_a_pile_is_filled_as_all_its_boxes_are(system):
    for frame in (native, grid(1000), letterboxed(700), y_first(letterboxed(700))):
        cases = drawn(40, "phantoms", anywhere(boxes=3), np.random.default_rng(0))
        pile = pile_of(cases, frame)
        assert fill(system.shares(*pile.hull)) == fill(system.shares(pile.corners, pile.sizes))


def test_fits_of_a_layout_agree_where_they_share_a_side():
    def of_letterbox(side):
        cases = drawn(60, "films", about_findings(), np.random.default_rng(1))
        [fit] = [fit for fit in fits(pile_of(cases, letterboxed(side))) if fit.kind is LETTERBOXED]
        return fit

    assert of_letterbox(448).agrees(of_letterbox(490))
    assert not of_letterbox(224).agrees(of_letterbox(896))
