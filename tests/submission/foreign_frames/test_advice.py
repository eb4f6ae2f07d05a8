"""Advice that is followed gives the boxes that were meant, and a file that is then accepted."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from medground_bench.submission.read import Problems, Submission
from tests.submission.foreign_frames.frame_files import (
    Habit,
    about_findings,
    anywhere,
    by_the_other_side,
    checked,
    conversions,
    drawn,
    grid,
    letterboxed,
    native,
    scaled,
    y_first,
)

SIDES = st.integers(150, 1400)
FRAMES = st.one_of(
    st.sampled_from([grid(1), grid(100), grid(1000), grid(999, whole=True), grid(1000, whole=True)]),
    st.sampled_from([scaled(2), native, by_the_other_side]),
    SIDES.map(grid),
    SIDES.map(letterboxed),
)
DRAWS = st.sampled_from([about_findings(), about_findings(0.08), anywhere(), anywhere(boxes=3)])


@example(
    grid(243), False, about_findings(), "phantoms", 78
)  # 3 cases leave their pictures, as if y stood first
@example(grid(420), True, anywhere(boxes=3), "phantoms", 79)  # about as likely as with x first
@example(grid(382), True, anywhere(boxes=3), "phantoms", 143)
@settings(max_examples=100, deadline=None)
@given(
    FRAMES, st.booleans(), DRAWS, st.sampled_from(["one_film", "films", "phantoms"]), st.integers(0, 10_000)
)
def test_whoever_follows_the_advice_for_what_made_the_boxes_is_accepted_with_the_boxes_that_were_meant(
    frame, exchanged, draw, size, seed
):
    written = y_first(frame) if exchanged else frame
    cases = drawn(60, size, draw, np.random.default_rng(seed))
    result = checked(cases, written)
    assume(isinstance(result, Problems))
    of_file = [problem for problem in result.shown if problem.line is None]
    assume(of_file)
    told = [
        Habit(lambda case, way=way: np.clip(way(written(case), case.reference.native), 0, case.size))
        for problem in of_file
        for way in conversions(problem, frame.side)
    ]
    true = [way for way in told if all(_lie_together(way(case), case) for case in cases)]
    assert true, of_file
    assert all(isinstance(checked(cases, way), Submission) for way in true)


def _lie_together(boxes, case):
    return np.abs((boxes - case.boxes) / case.size).max() <= 0.006
