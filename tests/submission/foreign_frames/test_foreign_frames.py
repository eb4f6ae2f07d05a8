"""Boxes in a foreign frame are told with advice that mends them, and native boxes are left in peace."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from medground_bench.core.errors import SHOWN
from medground_bench.core.types import Box
from medground_bench.submission.problems import Code
from medground_bench.submission.read import Problems, Submission, read_submission
from tests.submission.foreign_frames.frame_files import (
    about_findings,
    always,
    anywhere,
    by_the_other_side,
    centres,
    checked,
    conversions,
    drawn,
    follows_to_the_truth,
    grid,
    in_some_boxes,
    lengths,
    letterboxed,
    native,
    scaled,
    y_first,
)

MANY = 60


def as_it_is(frame):
    return frame


DRAWS = {"about findings": about_findings(), "anywhere": anywhere(start=(0.05, 0.5), size=(0.3, 0.45))}


def file_of(cases, frame, where=lambda _place: True):
    result = checked(cases, frame, where)
    assert isinstance(result, Problems), "the file was accepted"
    return result


def of_the_file(result):
    return [problem for problem in result.shown if problem.line is None]


# Files that are all in one frame.

FRAMES = {
    "relative": grid(1),
    "percent": grid(100),
    "0 to 255": grid(255, whole=True),
    "0 to 999": grid(999, whole=True),
    "0 to 1000": grid(1000, whole=True),
    "0 to 1023": grid(1023, whole=True),
    "letterboxed to 112": letterboxed(112),
    "letterboxed to 448": letterboxed(448),
    "letterboxed to 896": letterboxed(896),
    "stretched to 448": grid(448),
    "stretched to 512": grid(512),
}


UNTOLD = {("one_phantom", "0 to 255"), ("one_phantom", "letterboxed to 112")}
"""On pictures of one size that are not much larger than the frame nothing tells."""


@pytest.mark.parametrize(
    ("size", "frame"),
    [
        (size, frame)
        for size in ("one_film", "films", "phantoms", "one_phantom")
        for frame in FRAMES
        if (size, frame) not in UNTOLD
    ],
)
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("order", [as_it_is, y_first])
def test_a_file_in_a_foreign_frame_is_told_and_its_advice_gives_the_true_boxes(order, frame, draw, size):
    written = order(FRAMES[frame])
    cases = drawn(MANY, size, DRAWS[draw], np.random.default_rng(3))
    result = file_of(cases, written)
    [problem] = of_the_file(result)
    assert problem.code is (Code.LOOKS_RELATIVE if frame == "relative" else Code.LOOKS_RESIZED)
    assert follows_to_the_truth(cases, written, result)


@pytest.mark.parametrize("size", ["films", "phantoms"])
@pytest.mark.parametrize(
    "frame", [letterboxed(224), grid(224), grid(256)], ids=["letterboxed", "stretched", "grid"]
)
def test_boxes_left_in_a_small_input_are_told_by_pictures_of_many_sizes(size, frame):
    for seed in range(3):
        cases = drawn(MANY, size, about_findings(), np.random.default_rng(seed))
        result = file_of(cases, frame)
        assert result.shown[0].code is Code.LOOKS_RESIZED
        assert follows_to_the_truth(cases, frame, result)


@pytest.mark.parametrize("scale", [100, 1000])
def test_a_grid_is_called_a_grid_and_never_the_input_of_a_model(scale):
    cases = drawn(MANY, "one_film", DRAWS["anywhere"], np.random.default_rng(5))
    [problem] = of_the_file(file_of(cases, grid(scale)))
    assert f"They fit a grid of 0 to {scale} over each side: multiply x by width / {scale}" in problem.message
    for other in ("input", "Letterbox", "896"):
        assert other not in problem.message


def test_every_frame_that_fits_is_told_where_the_numbers_cannot_say_which_it_was():
    cases = drawn(MANY, "one_film", about_findings(), np.random.default_rng(6))
    frame = letterboxed(896)
    [problem] = of_the_file(file_of(cases, frame))
    assert len(conversions(problem, 896)) > 1
    assert "no native pixels. They fit" in problem.message
    assert "another gives boxes that pass but lie elsewhere" in problem.message


@pytest.mark.parametrize("frame", [grid(896), letterboxed(896), grid(640), letterboxed(980)])
@pytest.mark.parametrize("size", ["one_film", "films", "phantoms"])
def test_thousandths_are_always_told_where_the_numbers_allow_them(size, frame):
    for draw in DRAWS.values():
        cases = drawn(MANY, size, draw, np.random.default_rng(25))
        [problem] = of_the_file(file_of(cases, frame))
        assert "a grid of 0 to 1000 over each side" in problem.message


UNLISTED = (490, 504, 700, 980, 1120)


@pytest.mark.parametrize("order", [as_it_is, y_first])
@pytest.mark.parametrize("side", UNLISTED)
@pytest.mark.parametrize("frame", [grid, letterboxed])
def test_an_input_that_nobody_listed_is_told_by_the_edges_that_boxes_meet(frame, side, order):
    draw = anywhere(start=(0, 0.8), size=(0.05, 0.5))
    for size in ("one_film", "films", "phantoms"):
        cases = drawn(MANY, size, draw, np.random.default_rng(28))
        result = file_of(cases, order(frame(side)))
        [problem] = of_the_file(result)
        assert f"N is about {side}" in problem.message
        assert set(re.findall(r"N is (?:about )?(\d+)", problem.message)) == {str(side)}
        assert follows_to_the_truth(cases, order(frame(side)), result)


@pytest.mark.parametrize("side", [224, 448, 896])
def test_an_input_that_boxes_fill_to_its_edges_is_told_with_its_side(side):
    cases = drawn(MANY, "one_film", anywhere(start=(0, 0.8), size=(0.05, 0.5)), np.random.default_rng(28))
    [problem] = of_the_file(file_of(cases, letterboxed(side)))
    assert f"letterboxed to N x N px, N is about {side}: Letterbox.fit" in problem.message
    assert "stretched to N" not in problem.message


def test_sides_are_examples_where_boxes_stay_away_from_the_edges_and_three_at_most_are_told():
    cases = drawn(12, "phantoms", anywhere(start=(0.1, 0.3), size=(0.4, 0.5)), np.random.default_rng(29))
    [problem] = of_the_file(file_of(cases, grid(490)))
    assert re.search(r"N is \d+ or more, such as \d+, \d+ or \d+: multiply", problem.message)


@pytest.mark.parametrize("side", [1, 100])
def test_whoever_writes_y_first_in_shares_or_percent_is_told_to_exchange_them(side):
    cases = drawn(MANY, "films", about_findings(), np.random.default_rng(7))
    result = file_of(cases, y_first(grid(side)))
    assert follows_to_the_truth(cases, y_first(grid(side)), result)
    result = file_of(cases, y_first(grid(side)), where=every_third)
    assert all("x written before y" in problem.message for problem in result.shown)


def test_a_little_overshoot_of_relative_boxes_changes_nothing():
    rng = np.random.default_rng(8)
    cases = drawn(MANY, "films", about_findings(0.1), rng)
    frame = {case.reference.case_id: case.shares + rng.uniform(-0.02, 0.02, 4) for case in cases}
    result = file_of(cases, lambda case: frame[case.reference.case_id])
    assert result.counts == {Code.LOOKS_RELATIVE: 1}
    assert "no coordinate exceeds 1.0" in result.shown[0].message


@pytest.mark.parametrize("frame", [grid(1), grid(1000), grid(1024), letterboxed(896), scaled(2)])
def test_three_cases_are_enough_where_boxes_are_relative_or_leave_small_pictures(frame):
    cases = drawn(3, "phantoms", anywhere(start=(0.1, 0.3), size=(0.4, 0.6)), np.random.default_rng(9))
    assert follows_to_the_truth(cases, frame, file_of(cases, frame))


def test_boxes_of_a_picture_twice_as_large_are_told():
    cases = drawn(MANY, "films", about_findings(), np.random.default_rng(10))
    result = file_of(cases, scaled(2))
    assert "divide every number by 2" in result.shown[0].message
    assert follows_to_the_truth(cases, scaled(2), result)


def test_boxes_of_a_picture_half_as_large_could_be_meant_so_they_are_remarked_not_refused():
    cases = drawn(MANY, "films", about_findings(), np.random.default_rng(11))
    result = checked(cases, scaled(0.5))
    assert isinstance(result, Submission)
    assert "upper left quarter" in result.remark and "width / W" in result.remark
    assert checked(cases, native).remark is None


# The order of the four numbers.


@pytest.mark.parametrize("size", ["one_film", "phantoms"])
@pytest.mark.parametrize("frame", [native, grid(1), grid(1000)], ids=["native", "relative", "thousandths"])
@pytest.mark.parametrize("order", [lengths, centres])
def test_lengths_instead_of_corners_are_told_in_any_frame(order, frame, size):
    cases = drawn(MANY, size, about_findings(), np.random.default_rng(12))
    result = file_of(cases, order(frame))
    assert result.shown[0].code is Code.LOOKS_XYWH
    assert follows_to_the_truth(cases, order(frame), result)


@pytest.mark.parametrize("frame", [y_first(native), by_the_other_side])
def test_exchanged_sides_are_told_when_boxes_leave_their_pictures_and_only_then(frame):
    cases = drawn(MANY, "one_film", about_findings(), np.random.default_rng(13))
    result = file_of(cases, frame)
    assert result.shown[0].code is Code.LOOKS_SWAPPED
    assert follows_to_the_truth(cases, frame, result)
    square = [replace_frame(case, 3000, 3000) for case in cases]
    assert isinstance(checked(square, frame), Submission)


def replace_frame(case, width, height):
    frame = replace(case.reference.native, width=width, height=height)
    shares = case.shares * [width, height, width, height]
    return replace(case, reference=replace(case.reference, native=frame), boxes=shares)


def test_a_slip_or_two_are_no_order_and_no_frame():
    cases = drawn(MANY, "films", about_findings(), np.random.default_rng(14))
    result = file_of(cases, lambda case: case.boxes[:, [2, 1, 0, 3]], where=lambda place: place in {4, 9})
    assert result.counts == {Code.BOX_ORDER: 2}
    result = file_of(cases, lambda case: case.boxes * [1, 1, 9, 1], where=lambda place: place in {4, 9})
    assert result.counts == {Code.BOX_OUTSIDE: 2}
    assert all("a grid of 0 to 1000" in problem.message for problem in result.shown)
    assert all("letterbox.to_native()" in problem.message for problem in result.shown)


# Files that are in a foreign frame in part.


def every_third(place):
    return place % 3 == 0


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


# Files that are native.


def beside_the_letter_of_the_side(rng):
    """A finding, and a small box in the upper left corner, where a letter for the side of the patient stands."""
    finding, shares = about_findings()(rng)
    corner = rng.uniform(0, 0.02, 2)
    return finding, np.vstack([shares, np.r_[corner, corner + rng.uniform(0.01, 0.03, 2)]])


def on_cells(per_side):
    """Boxes of whole cells of a coarse map, so that many end at the same pixel."""

    def draw(rng):
        finding, shares = anywhere(boxes=3)(rng)
        return finding, np.c_[
            np.floor(shares[:, :2] * per_side), np.ceil(shares[:, 2:] * per_side)
        ] / per_side

    return draw


NATIVE = {
    "beside the letter of the side": beside_the_letter_of_the_side,
    "on coarse cells": on_cells(14),
    "about findings": about_findings(),
    "far about findings": about_findings(0.12),
    "anywhere": anywhere(),
    "up to ten boxes": anywhere(boxes=8),
    "tiny": anywhere(start=(0, 0.98), size=(0.002, 0.01)),
    "whole": always(0, 0, 1, 1),
    "centre": always(0.25, 0.25, 0.75, 0.75),
    "upper left": always(0, 0, 0.25, 0.25),
    "upper left quarter": always(0, 0, 0.5, 0.5),
    "lower right": always(0.5, 0.5, 1, 1),
    "near the upper left corner": anywhere(start=(0, 0.05), size=(0.15, 0.2)),
    "in the upper left quarter": anywhere(start=(0, 0.3), size=(0.05, 0.2)),
    "in the lower right corner": anywhere(start=(0.8, 0.9), size=(0.02, 0.1)),
}


@pytest.mark.parametrize("size", ["one_film", "films", "phantoms", "one_phantom"])
@pytest.mark.parametrize("draw", NATIVE)
def test_native_files_are_never_refused(draw, size):
    rng = np.random.default_rng(21)
    for count in (1, 3, 10, 12, 25, 60, 60):
        cases = drawn(count, size, NATIVE[draw], rng, tracks=int(rng.integers(1, 4)))
        assert isinstance(checked(cases, native), Submission), count
        assert isinstance(checked(cases, lambda case: np.clip(outwards(case), 0, case.size)), Submission), (
            count
        )


def outwards(case):
    return np.c_[np.floor(case.boxes[:, :2]), np.ceil(case.boxes[:, 2:])]


# Laws.


def test_the_expert_boxes_change_nothing_that_is_said():
    cases = drawn(MANY, "films", about_findings(), np.random.default_rng(22))
    lines = [{"case_id": case.reference.case_id, "boxes": grid(1000)(case).tolist()} for case in cases]
    upload = "\n".join(map(json.dumps, lines)).encode()
    for shares in ((0, 0, 1, 1), (0.4, 0.4, 0.5, 0.5)):
        references = [
            replace(case.reference, boxes=(Box(*(case.size * shares).tolist(), case.reference.native),))
            for case in cases
        ]
        assert read_submission(upload, references) == read_submission(upload, [c.reference for c in cases])


@pytest.mark.parametrize("frame", [grid(1000), letterboxed(224), y_first(native), lengths(native)])
def test_the_order_of_the_lines_changes_no_word(frame):
    cases = drawn(MANY, "films", about_findings(), np.random.default_rng(23))
    there, back = file_of(cases, frame), file_of(cases[::-1], frame)
    assert [problem.message for problem in of_the_file(there)] == [
        problem.message for problem in of_the_file(back)
    ]


def test_lines_are_told_in_file_order_and_the_first_fifty_of_them():
    cases = drawn(200, "films", about_findings(), np.random.default_rng(24))
    result = file_of(cases, grid(1), where=lambda place: place % 2 == 0)
    assert result.counts == {Code.LOOKS_RELATIVE: 100}
    assert [problem.line for problem in result.shown] == list(range(1, 2 * SHOWN, 2))
