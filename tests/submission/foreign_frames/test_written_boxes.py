"""The numbers of a file before their meaning is known: which are relative, and in which order they stand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.core.types import Frame
from medground_bench.submission.foreign_frames.written_boxes import (
    CENTRES,
    LENGTHS,
    Pile,
    Written,
    in_order,
    is_relative,
)
from medground_bench.submission.problems import Code
from tests.submission.foreign_frames.frame_files import corners

FILM = Frame("native", width=2544, height=3056)


def written(*boxes, line=1, track="tiny direct"):
    numbers = tuple(range(1, len(boxes) + 1))
    return Written(line, f"case {line}", track, "source", "mass", str(line), FILM, numbers, boxes)


@pytest.mark.parametrize(
    ("box", "relative"),
    [
        ((0.1, 0.2, 0.5, 0.9), True),
        ((0, 0, 1, 1), True),
        ((-0.02, 0, 1.04, 0.9), True),
        ((0, 0, 3, 3), False),
        ((0, 0, 2, 2), False),
        ((-0.5, 0, 0.5, 0.5), False),
        ((0, 0, 0, 0), False),
    ],
)
def test_a_box_is_relative_when_it_lies_within_a_pixel_of_the_corner(box, relative):
    assert is_relative(box) is relative


@given(st.lists(corners, min_size=1, max_size=20))
def test_an_order_gives_back_the_corners_that_were_meant(boxes):
    meant = np.array(boxes) * 1000
    sides = meant[:, 2:] - meant[:, :2]
    assert LENGTHS.corners(np.c_[meant[:, :2], sides]) == pytest.approx(meant)
    assert CENTRES.corners(np.c_[(meant[:, :2] + meant[:, 2:]) / 2, sides]) == pytest.approx(meant)


@given(st.lists(corners, min_size=1, max_size=30))
def test_corners_are_never_taken_for_another_order(boxes):
    cases = [written(tuple(1000 * value for value in box), line=i) for i, box in enumerate(boxes, start=1)]
    pile, problems = in_order(Pile.of(cases))
    assert problems == [] and pile.corners.tolist() == Pile.of(cases).corners.tolist()


def test_both_orders_are_told_where_the_boxes_fit_both():
    _pile, [problem] = in_order(Pile.of([written((900, 900, 300, 300), line=i) for i in (1, 2)]))
    assert problem.code is Code.LOOKS_XYWH
    assert problem.message == (
        "in 2 of 2 cases x1 is less than x0 or y1 less than y0, while all boxes fit as [x, y, width, height]: then "
        "write [x, y, x + width, y + height] or as [centre x, centre y, width, height]: then write "
        "[x - width / 2, y - height / 2, x + width / 2, y + height / 2]."
    )


def test_the_order_of_one_track_is_told_of_that_track_and_the_other_keeps_its_corners():
    cases = [written((2000, 2000, 300, 300), line=i, track=f"lvlm{i % 2} direct") for i in range(1, 9)]
    cases += [written((1000, 1000, 2400, 3000), line=i, track="lvlm0 direct") for i in range(9, 40)]
    cases = [case for case in cases if case.track == "lvlm1 direct" or case.line > 8]
    pile, [problem] = in_order(Pile.of(cases))
    assert problem.message.startswith("track lvlm1 direct: in 4 of 4 cases")
    assert {tuple(box) for box in pile.corners.tolist()} == {
        (2000, 2000, 2300, 2300),
        (1000, 1000, 2400, 3000),
    }


def test_corners_in_the_wrong_order_leave_the_rest_to_speak():
    pile, problems = in_order(
        Pile.of([written((0, 0, 9, 9), (9, 9, 2000, 1), line=1), written((1, 2, 1, 9), line=2)])
    )
    assert problems == [] and pile.corners.tolist() == [[0, 0, 9, 9]] and len(pile.cases) == 1


def test_numbers_beyond_all_frames_are_left_out():
    pile = Pile.of([written((0, 0, 9, 9), (0, 0, 1e300, 9)), written((-1e308, 0, 1, 1), line=2)])
    assert pile.corners.tolist() == [[0, 0, 9, 9]] and len(pile.cases) == 1
    assert not Pile.of([]).cases
