"""Two rows compared: against `compare` and plain sums, the view they share, addresses, and the CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from medground_bench.core.comparison import compare
from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.case_book import CaseBook
from medground_bench.leaderboard.comparing import (
    RowPair,
    comparable,
    compared,
    fitting,
    missing,
    pair_of,
    views_of,
)
from tests.kit.case_books import HARMFUL_METHOD, book_of, with_harm


@pytest.fixture(scope="module")
def book(built):
    return book_of(built)


PAIR = RowPair(first="medfocus", second="occlusion", mode="direct")


def test_the_difference_is_that_of_compare_on_the_cases_of_the_view(book):
    for mode in ("reason", "direct"):
        found = compared(book, replace(PAIR, mode=mode))
        one, other = (
            [score for score in book.scores(name).values() if score.mode == mode]
            for name in ("medfocus", "occlusion")
        )
        assert found.difference == compare(one, other)
        assert found.first_mean == pytest.approx(np.mean([score.overlap.iou for score in one]))
        assert found.difference.mean == pytest.approx(found.first_mean - found.second_mean)
        assert len(found.cases) == len(one)


def test_the_other_way_round_everything_has_the_other_sign(book):
    there, back = (
        compared(book, pair) for pair in (PAIR, replace(PAIR, first="occlusion", second="medfocus"))
    )
    assert back.difference.mean == -there.difference.mean
    assert (back.difference.low, back.difference.high) == (-there.difference.high, -there.difference.low)
    assert back.difference.p_value == there.difference.p_value
    assert not back.better_first and back.better_second and not there.better_second


def test_cases_stand_by_falling_change_and_the_most_changed_lead_both_lists(book):
    found = compared(book, replace(PAIR, first="occlusion", second="whole_image"))
    changes = [each.change for each in found.cases]
    assert changes == sorted(changes, reverse=True)
    assert [each.change for each in found.better_first] == [change for change in changes[:8] if change > 0]
    assert [each.change for each in found.better_second] == [
        change for change in changes[::-1][:8] if change < 0
    ]


def test_findings_and_sources_are_parts_of_the_whole(book):
    found = compared(book, PAIR)
    assert sum(group.difference.cases for group in found.by_finding) == len(found.cases)
    weighed = sum(group.difference.mean * group.difference.cases for group in found.by_finding)
    assert weighed / len(found.cases) == pytest.approx(found.difference.mean)
    (source,) = found.by_source
    assert (source.name, source.difference) == ("phantom", found.difference)
    for group in found.by_finding:
        assert (group.p_corrected is None) == (group.difference.p_value is None)
        assert group.p_corrected is None or group.p_corrected >= group.difference.p_value


def test_few_images_are_said_to_be_too_few_and_no_winner_is_named(book):
    few = {case.case_id for case in book.cases if case.image_id == book.cases[0].image_id}
    runs = tuple(
        replace(run, scores={case: score for case, score in run.scores.items() if case in few})
        for run in book.runs
    )
    found = compared(CaseBook(tuple(book.by_id[case] for case in sorted(few)), runs), PAIR)
    assert found.difference.low is None and found.verdict == "1 images are too few to separate the two"


def test_the_better_one_is_named_where_the_interval_leaves_out_nought(book):
    found = compared(book, replace(PAIR, first=HARMFUL_METHOD, second="whole_image"))
    assert found.difference.mean == 0 and found.verdict == "the same on every image"
    assert compared(book, PAIR).verdict == "medfocus is better than occlusion on these cases"


def test_only_methods_that_were_run_on_every_case_of_the_view_can_be_compared(book):
    reason = tuple(run for run in book.runs if run.method != "occlusion" or run.mode == "reason")
    part = CaseBook(book.cases, reason)
    assert "occlusion" not in comparable(part, PAIR)
    assert "occlusion" in comparable(part, replace(PAIR, mode="reason"))
    with pytest.raises(MedgroundError, match="occlusion cannot be compared"):
        compared(part, PAIR)
    assert fitting(part, PAIR).second != "occlusion" and fitting(part, PAIR).first == "medfocus"


def test_a_method_that_is_not_applicable_has_no_score_to_compare(book):
    assert set(book.methods) - set(comparable(book, PAIR)) == {"prompting"}


@pytest.mark.parametrize("second", ["medfocus", "", "gone"])
def test_a_method_is_not_compared_with_itself_or_with_none(book, second):
    with pytest.raises(MedgroundError, match="Give two methods"):
        compared(book, replace(PAIR, second=second))


def test_an_address_leads_to_the_same_pair_and_what_is_not_there_counts_as_not_said(book):
    pair = RowPair(first="whole_image", second="occlusion", mode="reason")
    assert pair_of(book, pair.address()) == pair
    assert pair_of(book, "first=gone&second=gone&mode=gone") == pair_of(book, "")


def test_what_an_address_names_and_is_not_there_is_told_with_what_is_shown_instead(book):
    assert missing(book, "tab=compare&utm=x&" + PAIR.address()) == missing(book, "") == ""
    told = missing(book, "first=gone&second=occlusion&lvlm=b")
    assert told == (
        "This page has no first=gone, lvlm=b, which its address names. It shows first=medfocus, lvlm=all."
    )
    assert "no second=prompting" in missing(book, "first=medfocus&second=prompting")


def test_modes_are_never_pooled_for_no_row_of_the_board_is(book):
    assert [pair_of(book, query).mode for query in ("", "mode=all", "mode=gone")] == ["direct"] * 3
    assert views_of(book)["mode"] == ("direct", "reason") and views_of(book)["lvlm"][0] == "all"


def test_without_cases_there_is_nothing_to_compare():
    assert pair_of(CaseBook(()), "") == RowPair(first="", second="", mode="")


def test_the_csv_has_every_case_and_no_text_that_a_spreadsheet_runs(book):
    cases = tuple(
        replace(case, finding="=HYPERLINK(1)") for case in with_harm(book).cases if case.source == "phantom"
    )
    found = compared(CaseBook(cases, with_harm(book).for_everybody().runs), PAIR)
    rows = list(csv.DictReader(io.StringIO(found.as_csv().decode())))
    assert [row["case_id"] for row in rows] == [each.score.case_id for each in found.cases]
    assert {row["finding"] for row in rows} == {"'=HYPERLINK(1)"}
    for row, each in zip(rows, found.cases, strict=True):
        assert float(row["difference"]) == pytest.approx(each.first - each.second, abs=1e-6)
