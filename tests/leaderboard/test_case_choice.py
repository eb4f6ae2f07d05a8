"""Which cases are looked at: filters, the three orders by hand, and addresses there and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.leaderboard.case_book import BookCase, BookRun, CaseBook
from medground_bench.leaderboard.case_choice import (
    CaseChoice,
    CaseOrder,
    by_interest,
    choice_of,
    choices,
    listed,
    shows,
)
from medground_bench.leaderboard.case_views import opened_by

SIDE = 100


def case(name, width, *, finding="nodule", lvlm="a", mode="direct"):
    """A case whose expert box has that width and all the height."""
    return BookCase(
        case_id=f"phantom/{name}/{finding}@{lvlm}:{mode}", source="phantom", image_id=name, lvlm=lvlm, mode=mode,
        finding=finding, prompt="?", response="Yes.", boxes=((0.0, 0.0, float(width), float(SIDE)),), width=SIDE,
        height=SIDE, image_sha256="", answers=(), known_cause=None,
    )  # fmt: skip


def run(method, cases, ious):
    """A method with these IoUs on these cases."""
    scores = {each.case_id: (iou, 1.0, iou, 1.0, 0.1) for each, iou in zip(cases, ious, strict=True)}
    return BookRun(
        shown=method,
        method=method,
        lvlm=cases[0].lvlm,
        mode=cases[0].mode,
        draws=1,
        boxes=dict.fromkeys(scores, ()),
        scores=scores,
    )


SMALL, MIDDLE, LARGE = case("1", 10), case("2", 40), case("3", 80)
OTHER = case("4", 20, finding="mass", lvlm="b", mode="reason")
OWN = [SMALL, MIDDLE, LARGE]
BOOK = CaseBook(
    (*OWN, OTHER),
    (run("first", OWN, [1, 1 / 2, 1 / 4]), run("second", OWN, [1 / 2, 1 / 2, 1])),
)
BOTH = ("first", "second")


@pytest.mark.parametrize(
    ("order", "names", "by"),
    [
        (CaseOrder.DISAGREEMENT, ["3", "1", "2", "4"], [0.75, 0.5, 0.0, None]),
        (CaseOrder.DIFFICULTY, ["2", "3", "1", "4"], [0.5, 0.375, 0.25, None]),
        (CaseOrder.SIZE, ["3", "2", "4", "1"], [0.8, 0.4, 0.2, 0.1]),
    ],
)
def test_cases_are_sorted_by_what_was_chosen_and_those_without_a_method_come_last(order, names, by):
    found = listed(BOOK, CaseChoice(order=order.value, methods=BOTH))
    assert [each.case.image_id for each in found] == names
    assert [each.by for each in found] == pytest.approx(by)


def test_of_a_method_that_was_not_run_on_a_case_there_is_no_score():
    (other,) = listed(BOOK, CaseChoice(finding="mass", methods=BOTH))
    assert other.iou == {"first": None, "second": None}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"lvlm": "b"}, {"4"}),
        ({"mode": "direct"}, {"1", "2", "3"}),
        ({"finding": "mass", "lvlm": "a"}, set()),
    ],
)
def test_filters_leave_only_the_cases_that_fit_all_of_them(filters, names):
    assert {each.case.image_id for each in listed(BOOK, CaseChoice(**filters))} == names


def test_an_address_leads_to_the_same_choice_and_case():
    chosen = CaseChoice(lvlm="a", finding="nodule", order="size", methods=("second", "first"))
    assert choice_of(BOOK, chosen.address(SMALL.case_id)) == (chosen, SMALL.case_id)
    assert choice_of(BOOK, f"?{chosen.address()}") == (chosen, "")


def test_what_an_address_says_and_the_book_does_not_have_counts_as_not_said():
    query = "tab=cases&lvlm=gone&order=fame&methods=first,gone,first&mode=direct&more=1&case=x"
    assert choice_of(BOOK, query) == (CaseChoice(mode="direct", methods=("first",)), "x")
    assert choice_of(BOOK, "methods=gone")[0].methods == by_interest(BOOK)


def test_what_an_address_says_and_the_page_does_not_show_is_named():
    query = "tab=cases&lvlm=gone&order=size&methods=first,gone&mode=direct&more=1&case=x"
    told = opened_by(BOOK, query).note
    assert told.startswith("This page has no lvlm=gone, methods=gone, which its address names.")
    assert "It shows lvlm=all, methods=first. There is no case x here." in told
    address = CaseChoice(lvlm="a", order="size", methods=BOTH).address(SMALL.case_id)
    assert opened_by(BOOK, address).note == opened_by(BOOK, "").note == ""


@given(st.text())
def test_any_address_at_all_gives_a_choice_of_this_book(query):
    chosen, _case = choice_of(BOOK, query)
    assert chosen.lvlm in choices(BOOK, "lvlm") and set(chosen.methods) <= set(BOOK.methods)


def test_a_case_that_the_filters_leave_out_is_shown_without_them():
    chosen = CaseChoice(lvlm="b", order="size", methods=BOTH)
    assert shows(BOOK, chosen, SMALL.case_id) == CaseChoice(order="size", methods=BOTH)
    assert shows(BOOK, chosen, OTHER.case_id) == chosen
    assert shows(BOOK, chosen, "no case") == chosen


def test_the_paper_s_method_is_looked_at_first_and_four_at_most():
    runs = tuple(replace(BOOK.runs[0], method=name) for name in ("a", "b", "c", "d", "e", "medfocus"))
    chosen, _case = choice_of(CaseBook(BOOK.cases, runs), "")
    assert chosen.methods == ("medfocus", "a", "b", "c")
