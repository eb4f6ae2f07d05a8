"""How tests read the board off a page, the Space's or the static one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlparse

from medground_bench.leaderboard.columns import ABSENT, Column
from medground_bench.leaderboard.views import BoardTable

if TYPE_CHECKING:
    from playwright.sync_api import Page

CELLS = """rows => rows.map(row => [...row.children].map((cell, place) => {
  const number = cell.querySelector('.number');
  return place === 0 ? cell.firstChild.textContent : number ? number.textContent : cell.textContent;
}))"""
CARDS = """cards => cards.map(card => [card.querySelector('strong').textContent,
  ...['b', '.interval'].map(what => card.querySelector(`.main ${what}`).textContent),
  [...card.querySelectorAll('.main b')].pop().textContent])"""

HEADS = """heads => heads.map(head => [head.textContent.replace(/[\u2191\u2193]/, '').trim(),
  head.getAttribute('aria-sort')])"""

A_FRAME = "() => new Promise(seen => requestAnimationFrame(() => setTimeout(seen)))"
"""A page asks for what has come into sight once it is laid out."""


def settled(page: Page, **asked: str) -> None:
    """Wait until the page shows what its address asks for, and the address asks for that."""
    page.evaluate(A_FRAME)
    if asked:
        page.wait_for_url(lambda url: {k: v[0] for k, v in parse_qs(urlparse(url).query).items()} == asked)
    page.locator(".mg-board:not([aria-busy]) .caption:not(:empty)").wait_for()


def rows_of(page: Page) -> list[list[str]]:
    """Of every row of the table: method, rank, and the text of each column."""
    return page.locator(".mg-board .shown > .wide tbody tr:not(.section)").evaluate_all(CELLS)


def seen_columns(table: BoardTable) -> list[Column]:
    """The first column, and those in which a row has a value."""
    first, *others = table.columns
    return [first, *(each for each in others if any(row.text(each) != ABSENT for row in table.rows))]


def cards_of(page: Page) -> list[list[str]]:
    """Of every card: method, IoU, interval, rank."""
    return page.locator(".mg-board .card").evaluate_all(CARDS)


def chosen(page: Page) -> dict[str, str]:
    """Filter -> what its control shows."""
    selects = page.locator(".mg-board .filters select")
    return dict(selects.evaluate_all("all => all.map(each => [each.name, each.value])"))


def ordered(page: Page) -> dict[str, str]:
    """Head -> which way the table is sorted by it."""
    heads = page.locator(".mg-board thead th[aria-sort]:not([aria-sort=none])")
    return dict(heads.evaluate_all(HEADS))
