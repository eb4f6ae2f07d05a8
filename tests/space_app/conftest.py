"""What tests of the Space share: results to show, the running Space, and a real browser on it.

A browser test asks for `page`, an open page, or for `visits`, with which it opens pages itself (`visits.open("?q=1",
**PHONE)`). When it is over, it fails if a page said an error on its console, got an error from the server, or asked any
host but the Space's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from medground_bench.core.types import Mode
from medground_bench.leaderboard.board import build_board
from tests.kit.board_runs import FACTS, LEFT_HALF, reference, run
from tests.kit.browser import Visits, launched

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

Serve: TypeAlias = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with two methods and a control on the board; a test may add to it."""
    folder = tmp_path_factory.mktemp("results")
    of_a = [reference(number) for number in range(3)]
    runs = [run(method, of_a, LEFT_HALF) for method in ("medfocus", "whole_image")]
    runs.append(run("occlusion", of_a[:2], LEFT_HALF))
    of_b = [reference(9, "b", Mode.REASON)]
    runs.append(run("medfocus", of_b, LEFT_HALF))
    build_board(of_a + of_b, runs, [FACTS]).save(folder)
    return folder


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Serves the Space with settings, one at a time; its imports are done once for all files of tests."""
    served_apps = pytest.importorskip("tests.kit.served_apps")
    with served_apps.nursery() as nursery:
        yield partial(served_apps.forked, nursery)


@pytest.fixture(scope="module")
def space_url(results: Path, serve: Serve) -> Iterator[str]:
    """The address of the running Space on that folder."""
    with serve(MEDGROUND_RESULTS=str(results)) as url:
        yield url


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Settings of a Space in this process, which remembers nothing of another, nor that results were missing."""
    kept_board, kept_book = pytest.importorskip("kept_board"), pytest.importorskip("kept_book")
    results_folder = pytest.importorskip("results_folder")
    remembered = (kept_board.watched_store, kept_board.watched_board, kept_book._watched)
    for each in remembered:
        each.cache_clear()
    monkeypatch.setattr(results_folder, "_LAST", results_folder._Look())
    monkeypatch.setattr(results_folder, "MISSED_S", 0.0)
    for name in ("MEDGROUND_STORE", "MEDGROUND_BENCHMARK", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    for each in remembered:
        each.cache_clear()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, once a file of tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed here")
    with playwright.sync_playwright() as running:
        chromium = launched(running)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def devices() -> dict[str, BrowserContext]:
    """The devices that the visitors of a file of tests use."""
    return {}


@pytest.fixture
def visits(browser: Browser, space_url: str, devices: dict[str, BrowserContext]) -> Iterator[Visits]:
    """Pages of the running Space; the test fails when one of them complained."""
    opened = Visits(browser, space_url, devices)
    yield opened
    opened.close()


@pytest.fixture
def page(visits: Visits) -> Page:
    """The Space's first page on a desktop."""
    return visits.open()
