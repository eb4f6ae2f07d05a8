"""The page of two rows in a real browser: chosen, linked, followed to a case and back, saved, on a phone, in dark."""

from __future__ import annotations

import csv
import re
from dataclasses import replace

import pytest

from medground_bench.benchmark.opening import open_benchmark
from medground_bench.leaderboard.comparing import RowPair, compared
from medground_bench.leaderboard.truth import Truth
from tests.kit.browser import LOOKS, looks
from tests.kit.case_books import HARMFUL_METHOD, book_of
from tests.kit.joint_boards import sent_for_direct

gradio_client = pytest.importorskip("gradio_client")
PAIR = RowPair(first="medfocus", second="occlusion", mode="direct")


@pytest.fixture(scope="module")
def results(results, built):
    """Results with a book of cases."""
    book_of(built).save(results)
    return results


@pytest.fixture(scope="module")
def space_url(results, built, serve, tmp_path_factory):
    """The Space of these results and of a store, with a submission that is called as a method of ours is."""
    truth = Truth.of(open_benchmark(built.path))
    store = sent_for_direct(tmp_path_factory.mktemp("sent") / "store", truth).store.folder
    with serve(MEDGROUND_RESULTS=str(results), MEDGROUND_STORE=str(store)) as url:
        yield url


@pytest.fixture
def pair_page(visits):
    page = visits.open(f"?{PAIR.address()}")
    page.locator("#compare article").wait_for()
    return page


def test_the_page_opens_from_its_address_without_a_complaint_or_a_sideways_scroll(visits):
    page = visits.open(f"?{PAIR.address()}")
    page.locator("#compare article").wait_for()
    assert [*looks(page, "compare")] == [*LOOKS]


def test_it_shows_the_numbers_of_the_library(pair_page, built):
    found = compared(book_of(built), PAIR)
    text = pair_page.locator("#compare article").inner_text()
    assert f"+{100 * found.difference.mean:.1f}" in text and found.verdict in text
    assert f"+{100 * found.difference.low:.1f} to +{100 * found.difference.high:.1f}" in text
    assert "This is one comparison, and its p is not corrected for any other" in text
    rows = pair_page.locator("#compare table").first.locator("tbody tr")
    assert rows.count() == len(found.by_finding)


def test_another_row_is_compared_at_once_and_stands_in_the_address_and_back_leads_back(pair_page):
    pair_page.locator("#page-compare").get_by_label("Second", exact=True).click()
    pair_page.get_by_role("option", name="whole_image").click()
    pair_page.wait_for_url(re.compile("second=whole_image"))
    assert "whole_image" in pair_page.locator("#compare .headline").inner_text()
    pair_page.go_back()
    pair_page.wait_for_function(
        "document.querySelector('#compare .headline').innerText.includes('occlusion')"
    )


def test_a_case_that_changed_leads_to_the_explorer_with_both_methods_and_back(pair_page):
    link = pair_page.locator("#compare li a").first
    finding = link.locator("span").first.inner_text()
    link.click()
    article = pair_page.locator("#cases article")
    article.wait_for()
    assert article.locator("h2").inner_text().lower() == finding
    assert article.locator("figure.method").count() == 2
    pair_page.go_back()
    pair_page.locator("#compare article").wait_for(state="visible")


def test_a_submission_is_compared_with_a_method_of_ours_and_stands_beside_it_in_a_case(visits):
    pair = RowPair(first="medfocus", second="occlusion (scored)", mode="direct")
    page = visits.open(f"?{pair.address()}")
    page.locator("#compare article").wait_for()
    assert "medfocus is better than occlusion (scored)" in page.locator("#compare article").inner_text()
    page.locator("#compare li a").first.click()
    article = page.locator("#cases article")
    article.wait_for()
    article.locator("figure.method b").get_by_text("occlusion (scored)").wait_for()
    assert article.locator("figure.method b").all_inner_texts() == ["medfocus", "occlusion (scored)"]
    page.locator("#page-cases").get_by_label("Methods, 4 at most").click()
    page.get_by_role("option", name="Mine", exact=True).click()
    article.locator("figure.method b").get_by_text("Mine", exact=True).wait_for()


def test_all_cases_are_saved_as_csv_and_a_program_gets_the_same(pair_page, built, space_url):
    with pair_page.expect_download() as saved:
        pair_page.get_by_role("button", name="Save all cases as CSV").click()
    with saved.value.path().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["case_id"] for row in rows] == [
        each.score.case_id for each in compared(book_of(built), PAIR).cases
    ]
    asked = PAIR.first, PAIR.second, PAIR.lvlm, PAIR.mode, PAIR.source
    program = gradio_client.Client(space_url, verbose=False)
    assert program.predict(*asked, api_name="/compare_csv") == saved.value.path().read_bytes().decode()


def test_the_name_of_a_submission_stays_text(visits):
    page = visits.open(f"?{replace(PAIR, first=HARMFUL_METHOD, second='medfocus').address()}")
    page.locator("#compare article").wait_for()
    assert HARMFUL_METHOD in page.locator("#compare dl").inner_text()
    assert page.evaluate("window.harmed") is None
