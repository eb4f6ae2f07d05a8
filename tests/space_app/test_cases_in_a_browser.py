"""The page of cases in a real browser: opened, filtered, walked by keys, linked, gone back, on a phone, in the dark."""

from __future__ import annotations

import re

import pytest

from medground_bench.leaderboard.case_book import CaseBook
from tests.kit.browser import DARK, LOOKS, looks
from tests.kit.case_books import HARM, HARMFUL_METHOD, book_of, with_harm


@pytest.fixture(scope="module")
def results(results, built):
    """Results with a book of cases, whose first case and one method mean harm."""
    with_harm(book_of(built)).save(results)
    return results


@pytest.fixture(scope="module")
def book(results) -> CaseBook:
    return CaseBook.read(results)


def at_case(page, case=None):
    """Wait for a case, any where none is named; its element."""
    article = page.locator("#cases article")
    article.wait_for()
    if case is not None:
        page.wait_for_function("id => document.querySelector('#cases [data-address]').dataset.address.endsWith(id)",
                               arg=f"case={case}")  # fmt: skip
    return article


def shown_case(page):
    return page.evaluate(
        "new URLSearchParams(document.querySelector('#cases [data-address]').dataset.address).get('case')"
    )


def place(page):
    return page.locator("#cases .place").inner_text()


@pytest.fixture
def cases_page(visits):
    page = visits.open("?tab=cases")
    at_case(page)
    return page


def choose(page, label, option):
    page.locator("#page-cases").get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_the_page_opens_from_its_address_without_a_complaint_or_a_sideways_scroll(visits):
    page = visits.open("?tab=cases")
    assert place(page) if at_case(page) else None
    assert [*looks(page, "cases")] == [*LOOKS]


def test_a_tab_leads_there_and_gets_an_address_and_back_leads_to_the_board(visits):
    page = visits.open()
    page.get_by_role("tab", name="Cases").click()
    at_case(page)
    assert "tab=cases" in page.url
    page.go_back()
    page.locator("#page-board").wait_for(state="visible")
    assert "tab=" not in page.url


def test_arrow_keys_go_on_and_back_through_the_list_and_every_step_has_an_address(cases_page):
    first = shown_case(cases_page)
    assert place(cases_page).startswith("1 of ")
    cases_page.locator("#cases h2").click()
    cases_page.keyboard.press("ArrowRight")
    cases_page.wait_for_function("document.querySelector('#cases .place').innerText.startsWith('2 of ')")
    second = shown_case(cases_page)
    assert second != first
    cases_page.wait_for_url(re.compile("case="))
    cases_page.keyboard.press("ArrowLeft")
    at_case(cases_page, re.sub("[/@:]", lambda sign: f"%{ord(sign[0]):02X}", first))
    assert place(cases_page).startswith("1 of ")


def test_a_case_is_walked_to_by_tab_and_enter_alone(cases_page):
    link = cases_page.locator("#cases [data-way=following]")
    link.focus()
    cases_page.keyboard.press("Enter")
    cases_page.wait_for_function("document.querySelector('#cases .place').innerText.startsWith('2 of ')")


def test_the_address_of_a_case_leads_there_in_another_browser_and_back_leads_back(visits, cases_page):
    cases_page.locator("#cases li a").nth(3).click()
    cases_page.wait_for_function("document.querySelector('#cases .place').innerText.startsWith('4 of ')")
    cases_page.wait_for_url(re.compile("case="))
    there, address = shown_case(cases_page), cases_page.url.partition("/?")[2]
    other = visits.open(f"?{address}", **DARK)
    at_case(other)
    assert shown_case(other) == there and place(other) == place(cases_page)
    cases_page.locator("#cases li a").nth(1).click()
    cases_page.wait_for_function("document.querySelector('#cases .place').innerText.startsWith('2 of ')")
    cases_page.go_back()
    cases_page.wait_for_function("document.querySelector('#cases .place').innerText.startsWith('4 of ')")
    assert shown_case(cases_page) == there


def test_a_filter_leaves_the_cases_that_fit_and_stands_in_the_address(cases_page, book):
    choose(cases_page, "Mode", "reason")
    wanted = sum(case.mode == "reason" for case in book.cases)
    cases_page.wait_for_function(f"document.querySelector('#cases .place').innerText === '1 of {wanted}'")
    assert "mode=reason" in cases_page.url
    choose(cases_page, "Sorted by", "size")
    cases_page.wait_for_url(re.compile("order=size"))
    cases_page.go_back()
    cases_page.wait_for_function(
        "document.querySelector('#page-cases input[aria-label=\"Sorted by\"]').value === 'disagreement'"
    )


def test_every_method_has_its_boxes_and_score_over_the_experts(visits, book):
    case = next(each for each in book.cases if each.source == "phantom" and each.boxes)
    page = visits.open(f"?tab=cases&case={case.case_id}&methods=medfocus,whole_image")
    article = at_case(page)
    right = article.locator("figure.method").filter(has_text="medfocus")
    assert right.locator("rect.expert").count() == right.locator("rect.found").count() == len(case.boxes)
    assert "IoU 100.0" in right.inner_text()
    assert article.locator("figure.method").count() == 2
    assert (
        article.locator("image").count() >= 2 + 5
    )  # of both methods, the filter's four pictures, an exact one


def test_a_picture_that_may_not_be_shown_is_a_frame_with_boxes_and_a_sentence(visits, book):
    foreign = next(each for each in book.cases if each.source == "vindr_cxr")
    page = visits.open(f"?tab=cases&case={foreign.case_id}")
    article = at_case(page)
    assert article.locator("image").count() == 0 and article.locator("rect.empty").count() >= 1
    assert "may not be shown" in article.inner_text()
    assert "3 of padchest_gr" in page.locator("#cases aside").inner_text()


def test_what_a_model_or_a_submitter_wrote_stays_text(visits, book):
    harmful = next(each for each in book.cases if each.response == HARM)
    page = visits.open(f"?tab=cases&case={harmful.case_id}")
    article = at_case(page)
    article.locator(".asked q").get_by_text(" ".join(HARM.split())).wait_for()
    choose(page, "Methods, 4 at most", HARMFUL_METHOD)
    article.get_by_text(HARMFUL_METHOD).wait_for()
    assert page.evaluate("window.harmed") is None


def test_a_case_that_is_not_there_is_said_to_be_missing(visits):
    page = visits.open("?tab=cases&case=<b>${window.harmed=1}</b>")
    at_case(page)
    page.locator("#cases [role=status]").get_by_text(
        "There is no case <b>${window.harmed=1}</b> here"
    ).wait_for()
    assert page.evaluate("window.harmed") is None
