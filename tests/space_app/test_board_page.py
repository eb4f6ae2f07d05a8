"""The page of the board in a real browser: filters, order, addresses, files, phone, keyboard, and what it says."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from typer.testing import CliRunner

from medground_bench.commands.main import app
from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.exports import EXPORTS
from medground_bench.phantom.limits import TAUGHT_WHERE
from tests.kit.board_pages import A_FRAME, cards_of, chosen, ordered, rows_of, seen_columns, settled
from tests.kit.browser import LOOKS, PHONE, looks, screenshot, serious_violations, sideways_px
from tests.kit.made_boards import LVLMS, made_board, with_warmth

gradio_client = pytest.importorskip("gradio_client")

QUERIES = (
    {},
    {"lvlm": LVLMS[0], "size": "small", "sort": "-f1"},
    {"mode": "reason", "family": "control", "sort": "method"},
    {"source": "vindr_cxr", "sort": "seconds"},
)
SMALLEST_LETTERS = """card => Math.min(...[...card.querySelectorAll('b, .interval, strong')]
  .map(each => parseFloat(getComputedStyle(each).fontSize)))"""
FAINT_FOR_A_WHILE = """board => {
  board.setAttribute("aria-busy", "true");
  setTimeout(() => board.removeAttribute("aria-busy"), 700);
}"""
SHOWN = ("forest", "speed", "precision_recall", "sizes", "findings")


@pytest.fixture(scope="module")
def board():
    """One with a column that no page knows."""
    return with_warmth(made_board())


@pytest.fixture(scope="module")
def results(board, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    board.save(folder)
    return folder


def address(params):
    return f"?{urlencode(params)}" if params else ""


def as_shown(board, params):
    """What the page has to show: per row its method, its rank, and a text for every column."""
    table = board.table(board.query(params))
    return [
        [
            row.shown,
            str(row.rank) if row.rank else "\u2013",
            *(row.text(column) for column in seen_columns(table)),
        ]
        for row in table.rows
    ]


@pytest.mark.parametrize("params", QUERIES, ids=str)
def test_a_deep_link_shows_the_numbers_of_the_library_in_its_order(visits, board, params):
    page = visits.open(address(params))
    settled(page)
    assert rows_of(page) == as_shown(board, params)
    assert {name: value for name, value in chosen(page).items() if name in params} == params
    assert page.locator(".mg-board .caption").inner_text() == board.table(board.query(params)).caption


def test_a_filter_and_an_order_go_into_the_address_and_the_back_button_undoes_them(page, board):
    settled(page)
    page.get_by_label("Finding").select_option("nodule")
    settled(page, finding="nodule")
    page.get_by_role("button", name="F1").click()
    settled(page, finding="nodule", sort="-f1")
    assert ordered(page) == {"F1 %": "descending"}
    assert rows_of(page) == as_shown(board, {"finding": "nodule", "sort": "-f1"})
    page.get_by_role("button", name="F1").click()
    settled(page, finding="nodule", sort="f1")
    assert rows_of(page) == as_shown(board, {"finding": "nodule", "sort": "f1"})
    page.go_back()
    page.go_back()
    settled(page, finding="nodule")
    assert rows_of(page) == as_shown(board, {"finding": "nodule"})
    page.go_back()
    settled(page)
    assert chosen(page)["finding"] == "" and rows_of(page) == as_shown(board, {})
    page.go_forward()
    settled(page, finding="nodule")
    assert chosen(page)["finding"] == "nodule"


def test_a_link_to_what_is_not_there_says_so_and_shows_no_row(visits):
    page = visits.open("?lvlm=phantom_gema3")
    page.get_by_text("no lvlm is called 'phantom_gema3'. Did you mean phantom_gemma3 or").wait_for()
    assert not page.locator(".mg-board tbody tr").count()


@pytest.mark.parametrize("params", QUERIES, ids=str)
def test_a_download_is_exactly_what_is_shown(visits, board, params):
    page = visits.open(address(params))
    settled(page)
    table = board.table(board.query(params))
    for ending, name in {"csv": "CSV", "json": "JSON", "parquet": "Parquet", "tex": "LaTeX"}.items():
        with page.expect_download() as waited:
            page.get_by_role("button", name=name).click()
        assert waited.value.suggested_filename.endswith(f".{ending}")
        assert Path(waited.value.path()).read_bytes() == EXPORTS[ending](table), ending


@pytest.mark.parametrize("params", QUERIES, ids=str)
def test_programs_get_the_same_from_the_api(space_url, board, params):
    client = gradio_client.Client(space_url, verbose=False)
    table = board.table(board.query(params))
    assert client.predict(params, api_name="/board_table") == json.loads(EXPORTS["json"](table))
    for ending, write in EXPORTS.items():
        file = client.predict(params, ending, api_name="/board_file")
        assert base64.b64decode(file["content"]) == write(table)


def test_the_command_line_prints_of_a_space_what_it_prints_of_its_results(space_url, results):
    def printed(*words):
        return CliRunner().invoke(app, ["board", *map(str, words)], env={"COLUMNS": "400"})

    for asked in ((), ("--only", "mode=direct", "--json")):
        of_space, of_results = printed(space_url, *asked), printed(results, *asked)
        assert of_space.exit_code == 0 and of_space.output == of_results.output
    wrong = printed(space_url, "--only", "lvlm=nobody")
    assert isinstance(wrong.exception, MedgroundError) and "no lvlm is called" in str(wrong.exception)


@pytest.mark.parametrize(
    "asked",
    [({"lvlm": "nobody"}, "csv"), ({}, "exe"), ({"lvlm": "x" * 100_000}, "csv")],
    ids=["name", "ending", "long"],
)
def test_the_api_refuses_what_is_not_there_with_our_own_words(space_url, asked):
    client = gradio_client.Client(space_url, verbose=False)
    with pytest.raises(Exception, match="is called") as refused:
        client.predict(*asked, api_name="/board_file")
    assert len(str(refused.value)) < 2000


def test_a_column_that_is_added_is_shown_with_its_explanation(page, board):
    settled(page)
    assert page.get_by_role("columnheader", name="Warmth %").count() == 1
    page.get_by_text("What the columns mean").click()
    page.get_by_text("A column that nobody knows of.").wait_for()


def test_controls_are_marked_reported_rows_stand_apart_and_the_limits_of_embedded_lvlms_are_said(
    visits, page
):
    settled(page)
    control = page.locator(".mg-board tr.control").first
    assert "control" in control.inner_text() and "reproduced by us" in control.inner_text()
    assert page.locator(".mg-board tr.scored").inner_text().count("scored by us") == 1
    page.get_by_text(TAUGHT_WHERE).wait_for()
    reported = visits.open("?source=vindr_cxr")
    reported.get_by_text("Reported by the paper, on its own cases: not ranked here").first.wait_for()


@pytest.mark.parametrize("shown", SHOWN)
def test_every_view_is_a_figure_with_the_same_numbers_as_text(visits, shown):
    page = visits.open(f"?shown={shown}")
    settled(page)
    figure = page.locator(".mg-board figure")
    described = figure.get_by_role("img").get_attribute("aria-label")
    assert described.endswith("The same numbers stand as text below.")
    figure.get_by_text("The same numbers as text").click()
    assert figure.get_by_role("row").count() > 4
    screenshot(page, f"board-{shown}")
    assert serious_violations(page) == []
    page.get_by_role("button", name="Table", exact=True).click()
    settled(page)
    assert page.locator(".mg-board table").first.is_visible()


def test_on_a_phone_rows_are_cards_with_method_iou_interval_and_rank(visits, board):
    page = visits.open(**PHONE)
    settled(page)
    table = board.table(board.query({}))
    iou = table.columns[0]
    assert cards_of(page) == [
        [row.shown, row.text(iou), row.interval(iou), str(row.rank) if row.rank else "\u2013"]
        for row in table.rows
    ]
    assert not page.locator(".mg-board table").first.is_visible()
    first, notice = (
        page.locator(each).first.bounding_box() for each in (".mg-board .card .main", "#research")
    )
    assert first["y"] + first["height"] <= notice["y"], "the first row is seen without scrolling"
    assert sideways_px(page) == 0
    smallest = page.locator(".mg-board .card").first.evaluate(SMALLEST_LETTERS)
    assert smallest >= 12
    page.locator(".mg-board .card summary").first.click()
    assert page.locator(".mg-board .card dd").first.is_visible()
    assert sideways_px(page) == 0
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Order").select_option("f1")
    settled(page, sort="f1")
    assert [card[0] for card in cards_of(page)] == [row[0] for row in as_shown(board, {"sort": "f1"})]
    for shown in SHOWN:
        page.close()
        page = visits.open(f"?shown={shown}", **PHONE)
        settled(page)
        assert sideways_px(page) == 0


def test_axe_finds_nothing_serious_and_nothing_is_wider_than_its_window(visits):
    page = visits.open("?source=phantom")
    settled(page)
    page.get_by_text("What the columns mean").click()
    assert [*looks(page, "board")] == [*LOOKS]


def test_the_board_is_asked_for_when_its_tab_is_turned_to_and_not_when_it_is_scrolled_to(page):
    settled(page)
    asked = []
    page.on("request", lambda each: asked.append(each) if "page_of" in (each.post_data or "") else None)
    for height in (200, 900):  # it begins below the first
        page.set_viewport_size({"width": 1280, "height": height})
        page.evaluate(A_FRAME)
    assert not asked
    page.get_by_role("tab", name="Submit").click()
    page.get_by_role("tab", name="Board").click()
    settled(page)
    assert len(asked) == 1


def test_axe_does_not_look_at_a_board_that_is_faint_while_it_loads(page):
    settled(page)
    page.locator(".mg-board").evaluate(FAINT_FOR_A_WHILE)
    assert serious_violations(page) == []


def test_the_keyboard_alone_filters_sorts_and_turns_to_a_figure(page):
    settled(page)
    page.get_by_label("Mode", exact=True).focus()
    page.keyboard.press("ArrowDown")
    settled(page, mode="reason")
    for _step in range(7):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Table"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".mg-board figure").wait_for()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    settled(page, mode="reason")
    page.get_by_role("button", name="Recall %").focus()
    page.keyboard.press("Enter")
    settled(page, mode="reason", sort="-recall")
    assert page.evaluate("document.activeElement.dataset.sort") == "recall"


def test_a_column_without_a_value_in_any_row_is_named_below_the_table_and_stays_in_files(visits, board):
    page = visits.open("?family=control&badge=reproduced")
    settled(page)
    table = board.table(board.query({"family": "control", "badge": "reproduced"}))
    heads = page.locator(".mg-board thead th button").all_inner_texts()
    unseen = [column.name for column in table.columns if column not in seen_columns(table)]
    assert "Tuned on" in unseen and not any(head.startswith("Tuned on") for head in heads)
    note = page.locator(".mg-board .shown .note").inner_text()
    assert note == f"No row has a value here, so these columns are in files alone: {', '.join(unseen)}."
    with page.expect_download() as waited:
        page.get_by_role("button", name="CSV").click()
    assert "tuned_on" in Path(waited.value.path()).read_text().splitlines()[0].split(",")
