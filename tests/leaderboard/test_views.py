"""The one function that makes a table: which cases and rows, which numbers, which ranks, in which order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medground_bench.core.comparison import compare
from medground_bench.core.errors import UnknownName
from medground_bench.core.scoring import By, score_cases, table
from medground_bench.leaderboard.columns import COLUMNS
from medground_bench.leaderboard.query import FILTERS, BoardQuery
from medground_bench.leaderboard.views import NONE_PASSES
from tests.kit.made_boards import LVLMS, WARMTH, made_board, made_references, made_runs, with_warmth


@pytest.fixture(scope="module")
def board():
    return made_board()


@pytest.fixture(scope="module")
def few():
    """Of four pictures."""
    return made_board(4)


def row_of(found, method):
    [row] = [row for row in found.rows if row.method == method]
    return row


def column(key):
    return next(each for each in COLUMNS if each.key == key)


def test_numbers_of_a_row_are_those_of_the_scorer_on_the_same_cases(board):
    references = [each for each in made_references() if (each.lvlm, each.mode) == (LVLMS[0], "direct")]
    [run] = [
        run
        for run in made_runs(references)
        if run.method == "occlusion" and (run.track.lvlm, run.track.mode) == (LVLMS[0], "direct")
    ]
    for finding in ("all", "nodule"):
        of_finding = [each for each in references if finding in ("all", each.finding)]
        ids = {each.case_id for each in of_finding}
        scores = score_cases(of_finding, [each for each in run.predictions if each.case_id in ids])
        [wanted] = table(scores, by=(By.LVLM,))
        row = row_of(board.table(BoardQuery(mode="direct", lvlm=LVLMS[0], finding=finding)), "occlusion")
        for score in ("iou", "f1", "precision", "recall"):
            assert row.values[score] == pytest.approx(getattr(wanted.mean, score), abs=1e-6)
            ends = (row.values[f"{score}_low"], row.values[f"{score}_high"])
            assert ends == pytest.approx(
                (wanted.intervals[score].low, wanted.intervals[score].high), abs=1e-6
            )
        assert row.values["boxes"] == wanted.boxes
        assert row.values["covered"] == pytest.approx(wanted.covered, abs=1e-6)
        assert row.values["seconds"] == pytest.approx(3 / 8)


def test_coverage_failures_and_cases_without_a_box_add_up_to_all_cases(board):
    found = board.table(BoardQuery(mode="direct"))
    for row in found.ours:
        shares = [row.values[name] or 0 for name in ("coverage", "failure_rate", "without_box")]
        assert sum(shares) == pytest.approx(1, abs=2e-6)
    assert row_of(found, "gradcam").values["failure_rate"] == pytest.approx(2 / 32, abs=1e-6)
    assert row_of(found, "prompting").values["without_box"] == 1
    assert row_of(found, "whole_image").values["whole_image"] == 1


def test_what_an_lvlm_cannot_answer_is_not_applicable_and_not_zero(board):
    row = row_of(board.table(BoardQuery(mode="direct")), "prompting")
    assert (row.applicable, row.rank, row.values["iou"], row.text(column("iou"))) == (
        False,
        None,
        None,
        "n/a",
    )
    assert {row.text(column(key)) for key in ("coverage", "whole_image", "covered", "boxes")} == {"n/a"}
    assert {row.values[key] for key in ("coverage", "whole_image", "covered", "boxes")} == {None}
    assert (row.text(column("failure_rate")), row.text(column("without_box"))) == ("0.0", "100.0")


def test_ranks_are_sets_and_agree_with_the_pairwise_comparison(board):
    found = board.table(BoardQuery(mode="direct"))
    ranks = {row.method: str(row.rank) for row in found.ours if row.rank}
    assert ranks == {"medfocus": "1", "occlusion": "2 to 3", "rise": "2 to 3", "gradcam": "4"}
    references = made_references()
    runs = made_runs(references)

    def scores(method):
        given = [each for run in runs if run.method == method for each in run.predictions]
        return [score for score in score_cases(references, given) if score.mode == "direct"]

    best, next_best = scores("medfocus"), scores("occlusion")
    assert compare(best, next_best).p_value * 6 < 0.05
    assert "a rank is a set" in found.caption


def test_controls_stand_among_the_rows_without_a_rank(board):
    controls = [row for row in board.table(BoardQuery(mode="direct")).ours if row.family == "control"]
    assert {row.method for row in controls} == {"whole_image", "random_box"}
    assert all(row.rank is None and row.values["iou"] is not None for row in controls)


def test_a_board_on_few_images_gives_a_spread_for_an_interval_and_says_that_nothing_is_separable(few):
    found = few.table(BoardQuery(mode="direct"))
    assert "4 images: too few images to separate any two" in found.caption
    assert {str(row.rank) for row in found.ours if row.rank} == {"1 to 4"}
    row = row_of(found, "occlusion")
    assert (row.values["iou_low"], row.values["iou_high"]) == (None, None)
    least, greatest = row.spread
    assert row.interval(column("iou")) == f"spread {100 * least:.1f} to {100 * greatest:.1f}"
    assert least <= row.values["iou"] <= greatest


def test_family_and_badge_leave_rows_out_and_change_no_number_and_no_rank(board):
    everything = {row.method: row for row in board.table(BoardQuery(mode="direct")).rows}
    for choice in ({"family": "control"}, {"badge": "scored"}, {"badge": "reproduced", "family": "control"}):
        shown = board.table(BoardQuery(mode="direct", **choice)).rows
        assert 0 < len(shown) < len(everything)
        assert all(row == everything[row.method] for row in shown)


@pytest.mark.parametrize("choice", [{"badge": "reported"}, {"badge": "scored", "family": "control"}])
def test_where_the_filters_of_rows_leave_none_that_is_said_and_not_that_we_scored_none(board, choice):
    found = board.table(BoardQuery(mode="direct", **choice))
    assert (found.ours, found.cases) == ((), 32) and found.caption == NONE_PASSES


def test_rows_that_answered_one_lvlm_alone_are_named_with_where_they_stand(board):
    was_run, lvlm = board.scores.was_run.copy(), board.scores.facts["lvlm"]
    methods = [entry.method for entry in board.scores.entries]
    for method in ("rise", "medfocus"):
        was_run[methods.index(method), lvlm == LVLMS[1]] = False
    was_run[methods.index("gradcam"), lvlm == LVLMS[0]] = False
    partly = replace(board, scores=replace(board.scores, was_run=was_run))
    assert partly.table(BoardQuery(mode="direct")).elsewhere == (
        f"2 rows answered {LVLMS[0]} alone: choose it as LVLM to see them (medfocus, rise).",
        f"1 row answered {LVLMS[1]} alone: choose it as LVLM to see it (gradcam).",
    )
    assert partly.table(BoardQuery(mode="direct", lvlm=LVLMS[0])).elsewhere == ()
    assert board.table(BoardQuery(mode="direct")).elsewhere == ()


def test_box_size_is_a_class_of_the_experts_boxes(board):
    sizes = {case.finding: case.size for case in board.scores.cases}
    assert sizes == {"nodule": "small", "cardiomegaly": "large"}
    assert board.offered["size"] == ("small", "large")
    by_size, by_finding = (
        board.table(BoardQuery(mode="direct", **choice))
        for choice in ({"size": "small"}, {"finding": "nodule"})
    )
    assert by_size.rows == by_finding.rows and by_size.cases == 16


def test_the_known_cause_is_one_for_the_true_region_and_zero_for_chance(board):
    found = board.table(BoardQuery(mode="direct"))
    floor = row_of(found, "random_box").values["iou"]
    assert row_of(found, "random_box").values["known_cause"] == 0
    for row in found.ours:
        if row.applicable:
            assert row.values["known_cause"] == pytest.approx(
                (row.values["iou"] - floor) / (1 - floor), abs=1e-5
            )


def test_chance_has_the_spread_of_its_seeds(board):
    row = row_of(board.table(BoardQuery(mode="direct")), "random_box")
    [seeds] = board.scores.seeds.values()
    direct = board.scores.facts["mode"] == "direct"
    assert seeds.shape[0] == 100
    assert row.values["seed_sd"] == pytest.approx(np.std(seeds[:, direct].mean(axis=1), ddof=1), abs=1e-6)


def test_what_a_row_was_tuned_on_is_told_of_the_tracks_shown(board):
    row = row_of(board.table(BoardQuery(mode="direct")), "occlusion")
    assert row.values["tuned_on"] == "20 cases, 8 pictures, 4 candidates"
    assert row_of(board.table(BoardQuery(mode="direct")), "rise").values["tuned_on"] is None


def test_the_papers_rows_stand_apart_where_exactly_their_cases_are_asked_for(board):
    found = board.table(BoardQuery(mode="direct", source="vindr_cxr"))
    [row] = found.reported
    assert (row.badge, row.rank, row.text(column("iou")), found.ours) == ("reported", None, "21.5", ())
    assert "scored no row" in found.caption
    assert not board.table(BoardQuery(mode="direct")).reported
    assert not board.table(BoardQuery(mode="direct", source="vindr_cxr", size="small")).reported


@pytest.mark.parametrize("key", ["method", *(each.key for each in COLUMNS)])
def test_every_column_sorts_both_ways_with_empty_cells_last(board, key):
    for sort in (key, f"-{key}"):
        rows = board.table(BoardQuery(mode="direct", sort=sort)).rows
        values = [row.method if key == "method" else row.values[key] for row in rows]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=sort.startswith("-"))
        assert all(value is None for value in values[len(known) :])


def test_a_row_that_lacks_a_case_is_not_in_the_table(board):
    was_run = board.scores.was_run.copy()
    row = [entry.method for entry in board.scores.entries].index("medfocus")
    nodule = board.scores.facts["finding"] == "nodule"
    was_run[row, np.flatnonzero(nodule)[0]] = False
    lacking = replace(board, scores=replace(board.scores, was_run=was_run))
    shown = {
        finding: {row.method for row in lacking.table(BoardQuery(mode="direct", finding=finding)).rows}
        for finding in ("all", "nodule", "cardiomegaly")
    }
    assert {finding: "medfocus" in methods for finding, methods in shown.items()} == {
        "all": False, "nodule": False, "cardiomegaly": True,
    }  # fmt: skip


def test_a_column_that_is_added_is_in_the_table_with_its_interval(board):
    row = row_of(with_warmth(board).table(BoardQuery(mode="direct")), "medfocus")
    assert row.values["warmth"] == pytest.approx(row.values["iou"] / 2, abs=1e-6)
    assert row.values["warmth_low"] < row.values["warmth"] < row.values["warmth_high"]
    assert row.text(WARMTH) == f"{50 * row.values['iou']:.1f}"
    plain = row_of(made_board().table(BoardQuery(mode="direct", sort="-iou")), "medfocus")
    assert "warmth" not in plain.values


def test_an_address_is_read_and_written_the_same_and_a_wrong_one_names_the_near_choices(board):
    params = {"mode": "direct", "lvlm": LVLMS[0], "size": "small", "sort": "f1"}
    assert board.query(params).as_params() == params
    assert board.query({}).as_params() == {"mode": "direct"}
    assert board.query({"utm": "x"}) == board.query({})
    for name in (*FILTERS, "sort"):
        with pytest.raises(UnknownName, match=f"no {name} is called 'nodul'"):
            board.query({name: "nodul"})


def told_as(board, source, images=None):
    """The board with some of its images, or all, as of another source."""
    cases = [
        replace(case, source=source) if images is None or case.image_id in images else case
        for case in board.scores.cases
    ]
    return replace(board, scores=replace(board.scores, cases=tuple(cases)))


def test_fewer_images_than_an_interval_takes_show_no_score_but_of_phantoms(board, few):
    direct = BoardQuery(mode="direct")
    for made, source, withheld in (
        (few, "vindr_cxr", True),
        (few, "phantom", False),
        (board, "vindr_cxr", False),
    ):
        found = told_as(made, source).table(direct)
        assert (found.withheld, bool(found.ours)) == (withheld, not withheld)
    found = told_as(few, "vindr_cxr").table(direct)
    assert (found.cases, found.images, found.ranks) == (16, 4, ())
    assert found.caption.startswith("16 cases on 4 images: the expert boxes are hidden")


def test_few_hidden_images_are_not_shown_among_open_ones_either_for_these_can_be_taken_off_again(board):
    """Of eight pictures two are of another source, whose boxes are hidden."""
    mixed = told_as(board, "vindr_cxr", ("0", "1"))
    direct = BoardQuery(mode="direct")
    assert mixed.table(direct).withheld and not mixed.table(direct).ours
    assert mixed.table(replace(direct, source="vindr_cxr")).withheld
    assert mixed.table(replace(direct, source="phantom")).ours
    assert all(row.method == "medfocus" for row in mixed.table(replace(direct, source="vindr_cxr")).rows)


def test_scores_against_hidden_boxes_are_told_to_a_tenth_of_a_percent_and_ranked_as_they_are(board):
    direct = BoardQuery(mode="direct")
    exact, told = board.table(direct), told_as(board, "vindr_cxr").table(direct)
    mixed = told_as(board, "vindr_cxr", ("0", "1", "2", "3", "4", "5")).table(direct)
    scored = {field for column in COLUMNS if column.is_of_scores for field in column.fields} - {"known_cause"}
    for row in told.ours:
        [known] = [one for one in exact.ours if (one.method, one.badge) == (row.method, row.badge)]
        assert row.rank == known.rank
        for field, value in row.values.items():
            if field in scored and value is not None:
                assert value == round(value, 3) == pytest.approx(known.values[field], abs=0.000501)
            elif field != "known_cause":
                assert value == known.values[field]
    assert any(row.values["iou"] != round(row.values["iou"], 3) for row in exact.ours if row.applicable)
    assert [row.values["iou"] for row in mixed.ours] == [row.values["iou"] for row in told.ours]
