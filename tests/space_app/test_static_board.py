"""The static board: the same numbers as everywhere, from a disk and from any web server, with no server of ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest
from typer.testing import CliRunner

from medground_bench.commands.main import app
from medground_bench.leaderboard.exports import EXPORTS
from medground_bench.leaderboard.joining import joined
from medground_bench.leaderboard.published import board_of
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.static_board import write_static
from medground_bench.leaderboard.views import NONE_PASSES
from medground_bench.phantom.limits import TAUGHT_WHERE
from tests.kit.board_pages import cards_of, chosen, rows_of, seen_columns, settled
from tests.kit.browser import LOOKS, Visits, looks
from tests.kit.desks import truth
from tests.kit.joint_boards import CODE, our_board, sent_to
from tests.kit.made_boards import LVLMS, made_board, with_formula, with_warmth

QUERIES = (
    {},
    {"mode": "reason", "lvlm": LVLMS[1], "finding": "cardiomegaly", "sort": "seconds"},
    {"size": "small", "badge": "reproduced", "sort": "-tuned_on"},
    {"source": "vindr_cxr"},
    {"family": "control", "sort": "-method"},
)


@pytest.fixture(scope="module")
def board():
    return with_formula(with_warmth(made_board()))


@pytest.fixture(scope="module")
def folder(board, tmp_path_factory) -> Path:
    """The pages, written by the command line."""
    results, out = tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("static")
    board.save(results)
    done = CliRunner().invoke(app, ["board", str(results), "--static", str(out)])
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture
def from_disk(browser, folder, devices) -> Iterator[Visits]:
    opened = Visits(browser, folder.as_uri(), devices)
    yield opened
    opened.close()


@pytest.fixture
def from_server(browser, folder, devices) -> Iterator[Visits]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_told: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    opened = Visits(browser, f"http://127.0.0.1:{server.server_port}", devices)
    yield opened
    opened.close()
    server.shutdown()
    server.server_close()


def opened(visits, params, **device):
    page = visits.open_plain(f"/index.html?{urlencode(params)}", **device)
    settled(page)
    return page


def demand_same(page, table):
    """What a page shows, and its files, are a table to the last digit."""
    assert rows_of(page) == [
        [
            row.shown,
            str(row.rank) if row.rank else "\u2013",
            *(row.text(column) for column in seen_columns(table)),
        ]
        for row in table.rows
    ]
    assert page.locator(".caption").inner_text() == table.caption
    for ending, name in {"csv": "CSV", "json": "JSON", "tex": "LaTeX"}.items():
        with page.expect_download() as waited:
            page.get_by_role("button", name=name).click()
        written, wanted = Path(waited.value.path()).read_bytes(), EXPORTS[ending](table)
        if ending == "json":
            assert json.loads(written) == json.loads(wanted)
        else:
            assert written.decode() == wanted.decode()


@pytest.mark.parametrize("where", ["from_disk", "from_server"])
@pytest.mark.parametrize("params", QUERIES, ids=str)
def test_numbers_and_files_are_those_of_the_library_to_the_last_digit(request, board, where, params):
    page = opened(request.getfixturevalue(where), params)
    demand_same(page, board.table(board.query(params)))


def test_filters_go_into_the_address_and_back(from_disk, board):
    page = opened(from_disk, {})
    page.get_by_label("Finding").select_option("nodule")
    settled(page, finding="nodule")
    assert (
        page.locator(".caption").inner_text()
        == board.table(BoardQuery(mode="direct", finding="nodule")).caption
    )
    page.go_back()
    settled(page)
    assert chosen(page)["finding"] == ""
    page.get_by_label("Measured").select_option("reported")
    settled(page, badge="reported")
    assert page.locator(".caption").inner_text() == NONE_PASSES
    page.get_by_role("button", name="Intervals").click()
    page.locator("figure svg").wait_for()
    page.get_by_text("Figures of this static board are of all").wait_for()


def test_it_is_fit_for_every_device(from_server):
    page = opened(from_server, {})
    for look in looks(page, "static"):
        assert bool(cards_of(page)) and page.locator(".card").first.is_visible() == (look == "phone")
    page.get_by_text(TAUGHT_WHERE).wait_for()
    page.get_by_role("button", name="Intervals").click()
    page.locator("figure svg").wait_for()
    assert [*looks(page, "static-intervals")] == [*LOOKS]


def test_a_link_to_what_is_not_there_says_so(from_disk):
    page = from_disk.open_plain("/index.html?lvlm=nobody")
    page.get_by_text("no lvlm is called 'nobody'").wait_for()
    assert rows_of(page) == []


def test_the_same_board_is_written_in_the_same_bytes(board, folder, tmp_path):
    write_static(board, tmp_path)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    )
    assert all((tmp_path / name).read_bytes() == (folder / name).read_bytes() for name in files)


def test_names_of_others_are_text_and_never_markup(board, tmp_path, browser, devices):
    """A method may be called by whoever sent it in."""
    from dataclasses import replace

    evil = "</script><img src=x onerror=alert(1)>"
    entries = tuple(replace(entry, shown=evil) for entry in board.scores.entries)
    write_static(replace(board, scores=replace(board.scores, entries=entries)), tmp_path)
    visits = Visits(browser, tmp_path.as_uri(), devices)
    page = opened(visits, {})
    assert rows_of(page)[0][0] == evil
    for shown in ("forest", "speed", "sizes"):
        page = opened(visits, {"shown": shown})
        page.locator("figure svg").wait_for()
    visits.close()


@pytest.mark.parametrize("size", ["all", "large"])
def test_submissions_stand_there_too_and_what_is_withheld_is_said(browser, devices, tmp_path, size):
    hidden = truth(source="vindr_cxr")
    board = joined(our_board(hidden), board_of(sent_to(tmp_path / "store", hidden).store.look()))
    write_static(board, tmp_path / "pages")
    visits = Visits(browser, (tmp_path / "pages").as_uri(), devices)
    params = {"lvlm": "a", "size": size}
    page = opened(visits, params)
    table = board.table(board.query(params))
    demand_same(page, table)
    assert table.withheld == (size == "large")
    assert [link.get_attribute("href") for link in page.locator("table a").all()] == [CODE] * (size == "all")
    visits.close()
