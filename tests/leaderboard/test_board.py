"""The board: pooling, coverage, controls, and the file it is kept in."""

from __future__ import annotations

import json
import sys

import pytest

from medground_bench import plugins
from medground_bench.core.errors import SourceMissing
from medground_bench.core.scoring import By
from medground_bench.leaderboard.board import Board, build_board, control_names
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


CONTROLS = {"whole_image", "centre_box", "random_box", "anatomy_prior"}


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
