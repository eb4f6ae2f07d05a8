"""Files in which some cases, boxes or tracks are in a foreign frame: those are named, the others are left."""

from __future__ import annotations

import re

import numpy as np
import pytest

from medground_bench.core.errors import SHOWN
from medground_bench.submission.problems import Code
from tests.submission.foreign_frames.frame_files import (
    MANY,
    about_findings,
    anywhere,
    conversions,
    drawn,
    every_third,
    file_of,
    follows_to_the_truth,
    grid,
    in_some_boxes,
    lengths,
    letterboxed,
    native,
    of_the_file,
    replace_frame,
)


@pytest.mark.parametrize("size", ["one_film", "films", "phantoms"])
def test_relative_boxes_beside_native_ones_are_named_with_their_lines(size):
    cases = drawn(MANY, size, about_findings(), np.random.default_rng(15))
    result = file_of(cases, grid(1), where=every_third)
    assert result.counts == {Code.LOOKS_RELATIVE: 20}
    assert [problem.line for problem in result.shown] == [place + 1 for place in range(0, MANY, 3)]
    for problem in result.shown:
        case = cases[problem.line - 1]
        width, height = case.reference.native.width, case.reference.native.height
        assert problem.case_id == case.reference.case_id
        assert f"image width {width} and y by the image height {height}." in problem.message


@pytest.mark.parametrize("size", ["one_film", "films", "phantoms"])
@pytest.mark.parametrize("where", [lambda _place: True, every_third, lambda place: place == 6])
def test_a_relative_box_beside_native_ones_of_the_same_case_is_named_with_its_line_and_number(where, size):
    cases = drawn(MANY, size, anywhere(boxes=3), np.random.default_rng(26))
    result = file_of(cases, in_some_boxes(grid(1), lambda number: number == 2), where)
    lines = [place + 1 for place in range(MANY) if where(place)]
    assert result.counts == {Code.LOOKS_RELATIVE: len(lines)}
    assert [problem.line for problem in result.shown] == lines[:SHOWN]
    assert all(problem.message.startswith("box 2: no coordinate exceeds 1") for problem in result.shown)
    assert all("unlike the other boxes of the line" in problem.message for problem in result.shown)


def test_a_case_with_a_native_box_in_a_relative_file_is_told_which_boxes_are_relative():
    cases = drawn(MANY, "films", anywhere(boxes=3), np.random.default_rng(27))
    kept = cases[5].reference.case_id
    result = file_of(
        cases,
        lambda case: in_some_boxes(grid(1), lambda number: case.reference.case_id != kept or number > 1)(
            case
        ),
    )
    of_line = [problem for problem in result.shown if problem.line]
    assert len(of_file := of_the_file(result)) == 1 and "in 59 of 60 cases" in of_file[0].message
    assert [problem.line for problem in of_line] == [6] and of_line[0].message.startswith("boxes 2, 3: ")


def test_native_boxes_beside_relative_ones_are_told_to_be_left():
    cases = drawn(MANY, "films", about_findings(), np.random.default_rng(16))
    result = file_of(cases, grid(1), where=lambda place: place not in {6, 30})
    [problem] = of_the_file(result)
    assert (
        "in 58 of 60 cases" in problem.message
        and "Leave the others (lines 7, 31) as they are." in problem.message
    )


def test_boxes_of_a_grid_that_leave_small_pictures_are_told_apart_from_native_ones():
    cases = drawn(MANY, "phantoms", about_findings(), np.random.default_rng(17))
    result = file_of(cases, grid(1000), where=every_third)
    [problem] = of_the_file(result)
    assert "in 20 of 60 cases boxes reach beyond their pictures" in problem.message
    assert "a grid of 0 to 1000 over each side" in problem.message
    assert "may be native: convert them only if they were made alike" in problem.message
    outside = [problem for problem in result.shown if problem.code is Code.BOX_OUTSIDE]
    assert {problem.line for problem in outside} == {place + 1 for place in range(0, MANY, 3)}
    assert all("letterbox" not in problem.message for problem in outside)


@pytest.mark.parametrize("size", ["films", "phantoms"])
def test_boxes_of_a_grid_beside_native_ones_of_the_same_case_are_told_where_they_leave_the_picture(size):
    cases = drawn(MANY, size, anywhere(boxes=3), np.random.default_rng(30))
    cases = [replace_frame(case, 700, 1400) for case in cases] if size == "films" else cases
    frame = in_some_boxes(grid(1000), lambda number: number == 2)
    result = file_of(cases, frame)
    [problem] = of_the_file(result)
    assert "a grid of 0 to 1000 over each side" in problem.message
    assert re.search(
        r"Boxes inside their pictures( \(all of lines? [\w, ]+\))? may be native", problem.message
    )
    outside = [problem for problem in result.shown if problem.code is Code.BOX_OUTSIDE]
    assert outside and all(problem.message.startswith("box 2: ") for problem in outside)


@pytest.mark.parametrize("size", ["one_film", "films"])
@pytest.mark.parametrize("where", [lambda _place: True, lambda place: place % 2 == 0])
def test_a_box_in_percent_beside_native_ones_of_the_same_case_is_named_with_its_line_and_number(where, size):
    draw = anywhere(start=(0.1, 0.7), size=(0.1, 0.4), boxes=3)
    cases = drawn(MANY, size, draw, np.random.default_rng(31))
    result = file_of(cases, in_some_boxes(grid(100), lambda number: number == 3), where)
    lines = [place + 1 for place in range(MANY) if where(place)]
    assert result.counts == {Code.LOOKS_RESIZED: len(lines)}
    assert [problem.line for problem in result.shown] == lines[:SHOWN]
    assert all(problem.message.startswith("box 3: in the upper left corner") for problem in result.shown)
    assert all("a grid of 0 to 100 over each side" in problem.message for problem in result.shown)


@pytest.mark.parametrize("frame", [grid(100), letterboxed(224)], ids=["percent", "letterboxed"])
def test_a_crowd_in_a_corner_where_nothing_is_to_be_seen_is_named_with_its_lines(frame):
    cases = drawn(MANY, "films", about_findings(), np.random.default_rng(18))
    result = file_of(cases, frame, where=every_third)
    assert result.counts == {Code.LOOKS_RESIZED: 20}
    assert {problem.line for problem in result.shown} == {place + 1 for place in range(0, MANY, 3)}
    shown = [cases[problem.line - 1] for problem in result.shown]
    assert all(
        any(
            np.abs(way(frame(case), case.reference.native) - case.boxes).max() < 1
            for way in conversions(problem, frame.side)
        )
        for case, problem in zip(shown, result.shown, strict=True)
    )


@pytest.mark.parametrize("frame", [grid(1000), letterboxed(224), lengths(native)])
def test_a_track_in_another_frame_than_the_rest_is_named(frame):
    cases = drawn(2 * MANY, "films", about_findings(), np.random.default_rng(19), tracks=2)
    result = file_of(cases, frame, where=lambda place: place % 2 == 1)
    [problem] = of_the_file(result)
    assert problem.message.startswith("track lvlm1 direct: ")
    assert follows_to_the_truth(cases[1::2], frame, result)


def test_two_tracks_in_two_frames_are_each_told_their_own():
    cases = drawn(2 * MANY, "films", about_findings(), np.random.default_rng(20), tracks=2)
    track = {
        case.reference.case_id: (grid(1000), letterboxed(224))[place % 2] for place, case in enumerate(cases)
    }
    first, second = of_the_file(file_of(cases, lambda case: track[case.reference.case_id](case)))
    assert first.message.startswith("track lvlm0 direct: ") and "0 to 1000" in first.message
    assert second.message.startswith("track lvlm1 direct: ")
    assert re.search(r"letterboxed to N x N px, N is \d+ or more, such as 224", second.message)
