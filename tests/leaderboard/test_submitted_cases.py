"""Submissions in the book of cases: boxes and scores as the store has them, and nothing of what is hidden."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.board import build_board
from medground_bench.leaderboard.case_book import CaseBook
from medground_bench.leaderboard.case_choice import choice_of
from medground_bench.leaderboard.case_views import nothing_sentence, opened, withheld_sentence
from medground_bench.leaderboard.comparing import RowPair, comparable, compared, fitting
from medground_bench.leaderboard.joining import joined
from medground_bench.leaderboard.published import board_of
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.truth import Truth
from medground_bench.leaderboard.unseen_sources import unseen_sources
from medground_bench.leaderboard.watching import WatchedBook, WatchedStore
from tests.kit.case_books import book_of, book_on, runs_on, with_harm
from tests.kit.desks import Place, boxes, truth, truth_of_both
from tests.kit.joint_boards import (
    OURS,
    SENT,
    our_board,
    our_runs,
    send_for_direct,
    sent_for_direct,
    sent_to,
)

pytestmark = pytest.mark.usefixtures("scored_here")


@pytest.fixture(scope="module")
def ours(built) -> CaseBook:
    return with_harm(book_of(built)).for_everybody()


@pytest.fixture(scope="module")
def of_phantoms(built) -> Truth:
    return Truth.of(open_benchmark(built.path))


@pytest.fixture
def place(of_phantoms, tmp_path) -> Place:
    return sent_for_direct(tmp_path / "store", of_phantoms)


@pytest.fixture
def both(ours, place, tmp_path) -> CaseBook:
    ours.save(tmp_path / "results")
    return WatchedBook(lambda: tmp_path / "results", WatchedStore(place.store)).now()


def test_a_submission_is_a_method_beside_ours_with_its_boxes_and_the_scores_of_the_board(both, ours, place):
    assert set(both.methods) - set(ours.methods) == {"Mine", "occlusion (scored)"}
    references = place.truth.references
    board = joined(build_board(references, runs_on(references)), board_of(place.store.look()))
    rows = {(row.method, row.badge.value): row for row in board.table(BoardQuery(mode="direct")).rows}
    for name, key in (("Mine", ("Mine", "scored")), ("occlusion (scored)", ("occlusion", "scored"))):
        scores = both.scores(name).values()
        assert {score.mode for score in scores} == {"direct"}
        mean = sum(score.overlap.iou for score in scores) / len(scores)
        assert rows[key].number("iou") == pytest.approx(mean, abs=1e-6)
    direct = next(case for case in both.cases if case.mode == "direct")
    assert both.run_on("Mine", direct.track).boxes[direct.case_id] == ((1, 2, 124, 140),)


def test_it_can_be_chosen_in_a_case_and_compared_with_a_method_of_ours(both):
    direct = next(case for case in both.cases if case.mode == "direct")
    choice, case = choice_of(both, f"tab=cases&methods=Mine,occlusion&case={direct.case_id}")
    views = opened(both, choice, case).view.methods
    assert (views[0].method, views[0].boxes) == ("Mine", ((1, 2, 124, 140),))
    pair = RowPair(first="medfocus", second="Mine", mode="direct")
    assert {"Mine", "occlusion (scored)"} <= set(comparable(both, pair))
    assert "Mine" not in comparable(both, replace(pair, mode="reason"))
    found = compared(both, pair)
    assert len(found.cases) == sum(case.mode == "direct" for case in both.cases)
    assert found.first_mean == 1 and found.difference.low > 0
    assert found.verdict == "medfocus is better than Mine on these cases"


def test_a_store_of_other_cases_adds_nothing(ours, place, tmp_path):
    few = CaseBook(ours.cases[1:], ours.runs)
    few.without(()).save(tmp_path / "results")
    found = WatchedBook(lambda: tmp_path / "results", WatchedStore(place.store)).now()
    shared = {run.track for run in found.runs if run.method == "Mine"}
    assert ours.cases[0].track not in shared


@pytest.fixture
def of_both(tmp_path) -> Place:
    """A store with submissions to phantoms and to a source whose boxes are hidden; our results on the same cases."""
    of = truth_of_both()
    book_on(of, our_runs(of)).save(tmp_path / "results")
    return sent_to(tmp_path / "store", of)


HIDDEN = {"vindr_cxr": len(truth().references)}
"""As many cases as of phantoms."""


def test_whoever_has_the_expert_boxes_sees_them_against_four_rows_on_a_frame_of_the_right_size(
    of_both, tmp_path
):
    found = WatchedBook(lambda: tmp_path / "results", WatchedStore(of_both.store)).now()
    assert {case.source for case in found.cases} == {"phantom", "vindr_cxr"} and not found.counts()
    reference = next(each for each in of_both.truth.references if each.source == "vindr_cxr")
    choice, case = choice_of(found, f"methods=medfocus,occlusion,Mine,Other&case={reference.case_id}")
    view = opened(found, choice, case).view
    assert view.picture is None and view.case.boxes == tuple(box.xyxy for box in reference.boxes)
    native = reference.native
    assert view.notes[0].endswith(f"the frame has the picture's size, {native.width} x {native.height} px.")
    seeds = [*OURS.values(), *SENT.values()]
    wanted = [((*boxes(of_both.truth, seed)[reference.case_id][0],),) for seed in seeds]
    assert [method.boxes for method in view.methods] == wanted
    assert all(
        method.score.overlap.iou == found.scores(method.method)[case].overlap.iou for method in view.methods
    )


@pytest.mark.parametrize("is_there", [True, False], ids=["store", "store away"])
def test_where_anybody_looks_a_hidden_source_is_a_number_and_a_reason(of_both, tmp_path, is_there):
    if not is_there:
        of_both.store.folder.rename(tmp_path / "moved")
    for store in (None, WatchedStore(of_both.store)):
        found = WatchedBook(lambda: tmp_path / "results", store, for_everybody=True).now()
        assert {case.source for case in found.cases} == {"phantom"} and found.hidden == HIDDEN
        assert not any(case.startswith("vindr") for run in found.runs for case in (*run.scores, *run.boxes))
        choice, case = choice_of(found, "source=vindr_cxr")
        assert choice.source == "vindr_cxr" and opened(found, choice, case).view is None
        told = nothing_sentence(found, "vindr_cxr")
        assert told.startswith(
            "There is nothing to see of vindr_cxr: 24 cases. Their expert boxes, against which"
        )
        assert "24 of vindr_cxr" in withheld_sentence(found) and not nothing_sentence(found, "phantom")


def test_cases_that_a_store_alone_has_are_counted(of_both, tmp_path):
    of = truth()
    book_on(of, our_runs(of)).save(tmp_path / "results")
    found = WatchedBook(lambda: tmp_path / "results", WatchedStore(of_both.store)).now()
    assert found.hidden == HIDDEN and "Mine" in found.methods


def test_of_a_hidden_source_the_difference_is_that_of_the_means_on_the_board(of_both, tmp_path):
    ours, theirs = our_board(of_both.truth), board_of(of_both.store.look())
    found = WatchedBook(lambda: tmp_path / "results", WatchedStore(of_both.store), for_everybody=True).now()
    pair = RowPair(first="medfocus", second="Mine", mode="direct", lvlm="a")
    board = joined(ours, theirs)
    rows = {
        row.method: row for row in board.table(BoardQuery(mode="direct", lvlm="a", source="vindr_cxr")).rows
    }
    told = unseen_sources(found, board, pair)["vindr_cxr"]
    assert (told.first, told.second) == tuple(rows[name].number("iou") for name in ("medfocus", "Mine"))
    assert (told.cases, told.images) == (12, 12)
    assert (
        unseen_sources(found, ours.for_everybody(), pair)
        == unseen_sources(found, None, pair)
        == {"vindr_cxr": None}
    )
    assert unseen_sources(found, board, replace(pair, source="phantom")) == {}
    with pytest.raises(MedgroundError, match="nothing to see of vindr_cxr: 24 cases"):
        compared(found, replace(pair, source="vindr_cxr"))
    assert fitting(found, replace(pair, source="vindr_cxr")) == replace(pair, source="vindr_cxr")


def test_a_submission_that_comes_while_it_is_watched_is_there_at_the_next_look(ours, place, tmp_path):
    ours.save(tmp_path / "results")
    watched = WatchedBook(lambda: tmp_path / "results", WatchedStore(place.store))
    assert watched.now() is watched.now() and "New" not in watched.now().methods
    send_for_direct(place, "cid", "New", [5, 5, 50, 60])
    assert "New" in watched.now().methods


def test_names_say_what_a_method_had_to_do_without_as_on_the_board(built):
    benchmark = open_benchmark(built.path)
    runs = [
        replace(run, localizer="uot") if run.method == "medfocus" else run
        for run in runs_on(benchmark.references())
    ]
    book, board = CaseBook.of(benchmark, runs), build_board(benchmark.references(), runs)
    assert book.shown == {entry.method: entry.shown for entry in board.scores.entries}
    assert book.shown["medfocus"] == "medfocus (without MedSAM)"
    found = compared(book, RowPair(first="medfocus", second="occlusion", mode="direct"))
    assert found.names == ("medfocus (without MedSAM)", "occlusion") and "without MedSAM" in found.verdict
