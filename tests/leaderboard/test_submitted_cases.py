"""Submissions in the book of cases: boxes and scores as the store has them, and nothing of what is hidden."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medground_bench.benchmark.opening import open_benchmark
from medground_bench.leaderboard.board import build_board
from medground_bench.leaderboard.case_book import CaseBook
from medground_bench.leaderboard.case_choice import choice_of
from medground_bench.leaderboard.case_views import opened, withheld_sentence
from medground_bench.leaderboard.comparing import RowPair, comparable, compared
from medground_bench.leaderboard.joining import joined
from medground_bench.leaderboard.published import board_of
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.truth import Truth
from medground_bench.leaderboard.watching import WatchedBook, WatchedStore
from tests.kit.case_books import book_of, runs_on, with_harm
from tests.kit.desks import Place, folder_place
from tests.kit.joint_boards import send_for_direct, sent_for_direct

pytestmark = pytest.mark.usefixtures("scored_here")


@pytest.fixture(scope="module")
def ours(built) -> CaseBook:
    return with_harm(book_of(built)).of_source("phantom")


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


def test_expert_boxes_that_submissions_are_scored_against_are_not_in_the_book(built, of_phantoms, tmp_path):
    whole = with_harm(book_of(built))
    whole.save(tmp_path / "results")
    [foreign] = [case for case in whole.cases if case.source == "vindr_cxr"]
    place = folder_place(tmp_path / "store")
    place.truth = replace(of_phantoms, references=(*of_phantoms.references, foreign.reference()))
    place.open()
    found = WatchedBook(lambda: tmp_path / "results", WatchedStore(place.store)).now()
    assert {case.source for case in found.cases} == {"phantom"}
    assert all(foreign.case_id not in run.scores and foreign.case_id not in run.boxes for run in found.runs)
    assert "1 of vindr_cxr. Their expert boxes, against which submissions are scored" in withheld_sentence(
        found
    )


def test_of_a_store_that_never_could_be_read_only_phantoms_are_shown(built, place, tmp_path):
    with_harm(book_of(built)).save(tmp_path / "results")
    place.store.folder.rename(tmp_path / "moved")
    found = WatchedBook(lambda: tmp_path / "results", WatchedStore(place.store)).now()
    assert {case.source for case in found.cases} == {"phantom"} and found.hidden == {"vindr_cxr": 1}


def test_where_anybody_looks_only_phantoms_are_shown_with_a_store_or_without(built, place, tmp_path):
    with_harm(book_of(built)).save(tmp_path / "results")
    for store in (None, WatchedStore(place.store)):
        found = WatchedBook(lambda: tmp_path / "results", store, for_everybody=True).now()
        assert {case.source for case in found.cases} == {"phantom"} and found.hidden == {"vindr_cxr": 1}
    on_ones_own = WatchedBook(lambda: tmp_path / "results").now()
    assert {case.source for case in on_ones_own.cases} == {"phantom", "vindr_cxr"}


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
