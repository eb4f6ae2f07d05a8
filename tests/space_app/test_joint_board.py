"""The Space of a results folder and a store: one board, with a submission on it as soon as it is scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medground_bench.commands.main import app
from medground_bench.leaderboard.opening import open_board
from medground_bench.leaderboard.query import BoardQuery
from tests.kit.board_pages import cards_of, rows_of, seen_columns, settled
from tests.kit.browser import PHONE, screenshot, serious_violations, sideways_px
from tests.kit.desks import truth
from tests.kit.joint_boards import CODE, our_board, send, sent_to

gradio_client = pytest.importorskip("gradio_client")
ON_A = BoardQuery(mode="direct", lvlm="a")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A store with two submissions to the cases of phantoms."""
    return sent_to(tmp_path_factory.mktemp("sent") / "store")


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    our_board(truth()).save(folder)
    return folder


@pytest.fixture(scope="module")
def space_url(results, place, serve):
    with serve(MEDGROUND_RESULTS=str(results), MEDGROUND_STORE=str(place.store.folder)) as url:
        yield url


@pytest.fixture
def board(results, place):
    """As it follows from the files now."""
    return lambda: open_board(str(results), str(place.store.folder))


def shown(page):
    settled(page)
    return {row[0]: row for row in rows_of(page)}


def test_page_api_and_command_line_show_the_numbers_of_both_on_one_board(
    visits, space_url, results, place, board
):
    table = board().table(ON_A)
    found = shown(visits.open("?lvlm=a"))
    assert found == {
        row.shown: [row.shown, str(row.rank or "\u2013"), *map(row.text, seen_columns(table))]
        for row in table.rows
    }
    client = gradio_client.Client(space_url, verbose=False)
    of_api = client.predict({"lvlm": "a"}, api_name="/board_table")

    def printed(*words):
        return CliRunner().invoke(app, ["board", *map(str, words), "--only", "lvlm=a", "--json"]).output

    of_files = json.loads(printed(results, "--with", place.store.folder))
    assert [of_api] == of_files == json.loads(printed(space_url))


def test_a_submission_is_on_the_board_when_the_page_is_opened_next_and_gone_when_it_was_withdrawn(
    visits, place, board
):
    page = visits.open("?lvlm=a")
    assert "New" not in shown(page)
    identity = send(place, "New", 31)
    page.reload()
    table = board().table(ON_A)
    [row] = [row for row in table.rows if row.shown == "New"]
    assert shown(page)["New"] == ["New", str(row.rank), *map(row.text, seen_columns(table))]
    assert len(shown(page)) == len(table.rows)
    place.desk.withdraw(identity, "by-31")
    page.get_by_label("Measured").select_option("scored")
    settled(page, lvlm="a", badge="scored")
    assert set(shown(page)) == {"Mine", "Other"}
    assert set(shown(visits.open("?lvlm=a&badge=scored"))) == {"Mine", "Other"}


def test_a_link_to_code_is_a_link_that_tells_its_host_nothing(visits):
    page = visits.open("?lvlm=a")
    settled(page)
    [link] = page.locator(".mg-board table a").all()
    assert link.inner_text() == link.get_attribute("href") == CODE
    assert link.get_attribute("rel") == "nofollow noopener noreferrer"
    page.get_by_text("What the columns mean").click()
    page.get_by_text("What the submitter says: disclosed-clean").wait_for()
    screenshot(page, "board-with-submissions")
    assert serious_violations(page) == []


def test_a_long_link_fits_a_phone(visits, board):
    page = visits.open("?lvlm=a", **PHONE)
    settled(page)
    assert {card[0] for card in cards_of(page)} == {row.shown for row in board().table(ON_A).rows}
    for summary in page.locator(".mg-board .card summary").all():
        summary.click()
    assert page.locator(".mg-board .card a").inner_text() == CODE
    assert sideways_px(page) == 0


def test_the_page_says_that_the_store_is_away_and_keeps_its_rows(visits, place):
    rows = set(shown(visits.open("?lvlm=a")))
    moved = place.store.folder.rename(place.store.folder.with_name("moved"))
    try:
        page = visits.open("?lvlm=a")
        page.get_by_text("Submissions are shown as they were seen last").wait_for()
        assert set(shown(page)) == rows
    finally:
        moved.rename(place.store.folder)
