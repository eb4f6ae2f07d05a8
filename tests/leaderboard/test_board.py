"""The board: pooling, coverage, controls, and the file it is kept in."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from medground_bench import plugins
from medground_bench.core.errors import SourceMissing
from medground_bench.core.protocol import PROTOCOL
from medground_bench.core.ranks import rank_sets
from medground_bench.core.scoring import By, score_cases
from medground_bench.core.types import Prediction
from medground_bench.leaderboard.board import Board, MethodRun, build_board, control_names
from medground_bench.leaderboard.chance import chance_scores
from medground_bench.leaderboard.rows import TunedOn, what_is_apart
from tests.kit import foreign_package
from tests.kit.board_runs import ALL_OF_IT, FACTS, LEFT_HALF, reference, run


@pytest.fixture
def board():
    """Three cases of LVLM a, one of b: medfocus is perfect on a and half right on b; occlusion ran on a only."""
    of_a, of_b = [reference(number) for number in range(3)], [reference(9, "b")]
    runs = [
        run("medfocus", of_a, LEFT_HALF),
        run("medfocus", of_b, ALL_OF_IT),
        run("occlusion", of_a[:2], LEFT_HALF),
    ]
    return build_board(of_a + of_b, runs, [FACTS])


def test_pooled_scores_are_means_over_cases_not_over_lvlms(board):
    (row,) = board.view("direct")
    assert (row.iou, row.cases, row.images) == (pytest.approx((3 * 1 + 0.5) / 4), 4, 4)


def test_a_method_that_did_not_run_on_every_track_of_a_view_is_not_in_it(board):
    assert [row.method for row in board.view("direct")] == ["medfocus"]
    assert [row.method for row in board.view("direct", lvlm="a")] == ["medfocus", "occlusion"]
    assert [row.method for row in board.view("direct", lvlm="b")] == ["medfocus"]


def test_a_case_without_prediction_is_counted_as_failed_and_scores_zero(board):
    occlusion = board.view("direct", source="phantom", lvlm="a")[1]
    assert (occlusion.failed, occlusion.cases, occlusion.iou) == (1, 3, pytest.approx(2 / 3))


def test_a_single_image_has_no_interval(board):
    (row,) = board.view("direct", lvlm="b")
    assert (row.iou_low, row.iou_high) == (None, None)


def test_the_choices_are_those_that_occur(board):
    assert (board.choices(By.MODE), board.choices(By.SOURCE), board.choices(By.LVLM)) == (
        ("direct",),
        ("phantom",),
        ("a", "b"),
    )


def test_a_board_reads_back_equal_and_is_saved_in_the_same_bytes(board, tmp_path):
    board.save(tmp_path)
    first = (tmp_path / "board.json").read_bytes()
    again = Board.read(tmp_path)
    assert again == board
    again.save(tmp_path)
    assert (tmp_path / "board.json").read_bytes() == first


@pytest.mark.parametrize("content", [None, "{", "[]", json.dumps({"rows": [{"method": "x"}], "tracks": []})])
def test_a_missing_or_damaged_board_says_how_to_make_one(tmp_path, content):
    if content is not None:
        (tmp_path / "board.json").write_text(content)
    with pytest.raises(SourceMissing, match="medground demo --out"):
        Board.read(tmp_path)


CONTROLS = {"whole_image", "centre_box", "random_box", "random_map", "anatomy_prior"}


def test_the_controls_are_the_methods_that_declare_it():
    assert control_names() == CONTROLS


@pytest.fixture
def quarter(tmp_path, monkeypatch):
    """Install the method of another package with a text of its own."""

    def forget():
        for name in [name for name in sys.modules if name.split(".")[0] == "someone_elses"]:
            del sys.modules[name]

    def put(text):
        forget()
        monkeypatch.syspath_prepend(str(foreign_package.install_quarter(tmp_path, text)))

    yield put
    forget()


@pytest.mark.parametrize(
    "summary, declared, is_control",
    [
        ("Control: a quarter.", "", False),
        ("Control: a quarter.", "CONTROL = False", False),
        ("Quarter: a quarter.", "CONTROL = True", True),
        ("Quarter: a quarter.", "CONTROL: bool = True", True),
    ],
)
def test_a_description_makes_no_control_and_a_declaration_does_without_an_import(
    quarter, summary, declared, is_control
):
    quarter(
        foreign_package.METHOD.replace("Quarter: one quarter of the picture.", summary) + f"\n{declared}\n"
    )
    assert {each.name: each.summary for each in plugins.available("methods")}["quarter"] == summary
    assert control_names() == (CONTROLS | {"quarter"} if is_control else CONTROLS)
    assert "someone_elses.quarter" not in sys.modules


def many(images, lvlm="a"):
    return [reference(number, lvlm) for number in range(images)]


def mixed(method, references, right, **more):
    """Right on the first so many cases, half right on the others."""
    boxes = [LEFT_HALF if place < right else ALL_OF_IT for place in range(len(references))]
    predictions = tuple(Prediction(each.case_id, (box,)) for each, box in zip(references, boxes, strict=True))
    return MethodRun(method, references[0].track, predictions, **more)


def test_ranks_are_sets_among_what_is_no_control_and_are_those_of_the_core():
    cases = many(40)
    runs = [mixed("lrp", cases, 38), mixed("rise", cases, 36), mixed("occlusion", cases, 4)]
    board = build_board(cases, [*runs, run("whole_image", cases, ALL_OF_IT)])
    rows = {row.method: row for row in board.view("direct")}
    assert {name: str(row.rank) for name, row in rows.items()} == {
        "lrp": "1 to 2", "rise": "1 to 2", "occlusion": "3", "whole_image": "None",
    }  # fmt: skip
    scores = {each.method: score_cases(cases, each.predictions) for each in runs}
    assert {name: rows[name].rank for name in scores} == rank_sets(scores)
    assert rows["lrp"].iou_low < rows["lrp"].iou < rows["lrp"].iou_high


def test_on_few_images_a_row_has_a_spread_and_no_interval_and_every_rank_is_shared():
    cases = many(5)
    rows = build_board(cases, [mixed("lrp", cases, 5), mixed("rise", cases, 3)]).view("direct")
    assert [(row.iou_low, str(row.rank)) for row in rows] == [(None, "1 to 2")] * 2
    assert (rows[1].spread_low, rows[1].spread_high) == (0.5, 1.0)
    assert what_is_apart(rows) == "5 images: too few images to separate any two."


def test_a_view_says_whether_any_two_methods_are_separable():
    cases = many(20)
    close = build_board(cases, [mixed("lrp", cases, 10), mixed("rise", cases, 9)]).view("direct")
    assert what_is_apart(close) == "20 images: no two methods are separable."
    apart = build_board(cases, [mixed("lrp", cases, 19), mixed("rise", cases, 2)]).view("direct")
    assert "a rank is a set" in what_is_apart(apart)


def test_a_method_that_gives_no_box_anywhere_is_not_applicable_and_one_that_failed_scores_zero():
    cases = many(8)
    silent = MethodRun("prompting", cases[0].track, tuple(Prediction(each.case_id, ()) for each in cases))
    failed = MethodRun("lrp", cases[0].track, ())
    rows = {
        row.method: row
        for row in build_board(cases, [silent, failed, mixed("rise", cases, 2)]).view("direct")
    }
    nothing = rows["prompting"]
    assert not nothing.applicable and nothing.rank is nothing.iou is nothing.f1 is nothing.iou_low is None
    assert (nothing.without_boxes, nothing.failed) == (8, 0)
    assert (rows["lrp"].iou, rows["lrp"].failed, rows["lrp"].last_rank) == (0, 8, 2)
    assert list(rows) == ["rise", "lrp", "prompting"]


def test_runs_of_several_seeds_are_averaged_and_their_spread_is_told():
    cases = many(8)
    runs = [mixed("rise", cases, right, seed=seed) for seed, right in enumerate((2, 4, 6))]
    (row,) = build_board(cases, runs).view("direct")
    assert row.iou == pytest.approx(0.75)
    assert (row.seeds, row.seed_sd) == (3, pytest.approx(0.125))
    with pytest.raises(ValueError, match="one run of each of the seeds"):
        build_board(cases, [*runs, runs[0]])
    with pytest.raises(ValueError, match="one run of each of the seeds"):
        build_board(cases + many(8, "b"), [*runs, mixed("rise", many(8, "b"), 1)])


@pytest.mark.parametrize("name", ["random_box", "random_map"])
def test_chance_is_the_mean_of_a_hundred_draws_whatever_was_run(name):
    cases = many(8)
    (row,) = build_board(cases, [run(name, cases, LEFT_HALF)]).view("direct")
    draws = [scores[0].overlap.iou for scores in chance_scores(name, cases[:1])]
    assert row.control and row.seeds == len(draws) == 100 and row.rank is None
    assert row.iou == pytest.approx(sum(draws) / 100, abs=1e-6) and 0 < row.iou < 0.4
    assert row.seed_sd == pytest.approx(np.std(draws, ddof=1), abs=1e-6)


def test_what_a_row_was_tuned_on_and_what_it_did_without_is_data_of_it():
    cases = many(6)
    tuned, plain = TunedOn(cases=24, pictures=8, candidates=20), mixed("medfocus", cases, 1, localizer="uot")
    found = build_board(cases, [mixed("lrp", cases, 3, tuned=tuned), plain]).view("direct")
    rows = {row.method: row for row in found}
    assert (rows["lrp"].tuned_cases, rows["lrp"].tuned_pictures, rows["lrp"].tuned_candidates) == (24, 8, 20)
    assert rows["medfocus"].tuned_cases is None and rows["medfocus"].shown == "medfocus (without MedSAM)"
    (whole,) = build_board(cases, [mixed("medfocus", cases, 1, localizer="uot_medsam")]).view("direct")
    assert whole.shown == "medfocus" and rows["lrp"].shown == "lrp"


def test_a_board_of_another_protocol_is_not_read(board, tmp_path):
    board.save(tmp_path)
    saved = json.loads((tmp_path / "board.json").read_text())
    (tmp_path / "board.json").write_text(json.dumps(saved | {"protocol": PROTOCOL - 1}))
    with pytest.raises(SourceMissing, match=f"protocol {PROTOCOL - 1}, not {PROTOCOL}"):
        Board.read(tmp_path)
