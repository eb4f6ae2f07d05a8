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
from medground_bench.submission.read import Submission, read_submission
from tests.submission.foreign_frames.frame_files import (
    MANY,
    about_findings,
    anywhere,
    by_the_other_side,
    centres,
    checked,
    conversions,
    drawn,
    every_third,
    file_of,
    follows_to_the_truth,
    grid,
    lengths,
    letterboxed,
    native,
    of_the_file,
    replace_frame,
    scaled,
    y_first,
)


def as_it_is(frame):
    return frame


DRAWS = {"about findings": about_findings(), "anywhere": anywhere(start=(0.05, 0.5), size=(0.3, 0.45))}


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


def few_beyond(frame, size, seed):
    """A file of which so few boxes leave their pictures that sides may be exchanged, and what is said of it."""
    cases = drawn(MANY, size, about_findings(), np.random.default_rng(seed))
    result = file_of(cases, frame)
    [problem] = of_the_file(result)
    assert re.match(r"in \d of 60 cases boxes reach beyond their pictures", problem.message)
    assert follows_to_the_truth(cases, frame, result)
    return problem


def test_a_grid_that_few_boxes_betray_is_not_called_exchanged_where_pictures_of_many_sizes_tell():
    problem = few_beyond(grid(243), "phantoms", 78)
    assert problem.code is Code.LOOKS_RESIZED and "[y0, x0, y1, x1]" not in problem.message


def test_exchanged_sides_are_not_called_a_grid_where_pictures_of_many_sizes_tell():
    problem = few_beyond(y_first(native), "phantoms", 2)
    assert problem.code is Code.LOOKS_SWAPPED and "grid" not in problem.message


@pytest.mark.parametrize("frame", [y_first(letterboxed(320)), y_first(native)], ids=["letterboxed", "native"])
def test_an_input_and_exchanged_sides_are_both_told_where_pictures_of_one_size_cannot_tell(frame):
    problem = few_beyond(frame, "one_phantom", 1)
    assert problem.code is Code.LOOKS_RESIZED
    assert "letterboxed to N x N px and y first" in problem.message
    assert "[y0, x0, y1, x1]: write x before y;" in problem.message


def test_a_slip_or_two_are_no_order_and_no_frame():
    cases = drawn(MANY, "films", about_findings(), np.random.default_rng(14))
    result = file_of(cases, lambda case: case.boxes[:, [2, 1, 0, 3]], where=lambda place: place in {4, 9})
    assert result.counts == {Code.BOX_ORDER: 2}
    result = file_of(cases, lambda case: case.boxes * [1, 1, 9, 1], where=lambda place: place in {4, 9})
    assert result.counts == {Code.BOX_OUTSIDE: 2}
    assert all("a grid of 0 to 1000" in problem.message for problem in result.shown)
    assert all("letterbox.to_native()" in problem.message for problem in result.shown)


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
