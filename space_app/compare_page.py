"""The page of two rows of the board: the paired difference, where it comes from, and the cases that changed most."""

from __future__ import annotations

import gradio as gr
from addresses import AddressedPage
from compare_shown import shown_comparison, shown_nothing
from gradio.events import api
from kept_board import kept_board
from kept_book import kept_book, labelled
from results_folder import errors_shown
from templates import Shown, from_template

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.case_book import CaseBook
from medground_bench.leaderboard.case_views import withheld_sentence
from medground_bench.leaderboard.comparing import (
    VIEW,
    RowPair,
    comparable,
    compared,
    fitting,
    missing,
    pair_of,
    views_of,
)
from medground_bench.leaderboard.unseen_sources import ToldMeans, unseen_sources

LABELS = {"lvlm": "LVLM", "mode": "Mode", "source": "Source"}
SAVE = """(csv) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csv], { type: 'text/csv' }));
  link.download = 'comparison.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  return csv;
}"""


def compare_tab() -> AddressedPage:
    """The page's components, whose choices are filled whenever the page is opened."""
    with gr.Column(visible=False) as controls, gr.Row():
        first, second = (gr.Dropdown([], label=label, min_width=180) for label in ("First", "Second"))
        view = [gr.Dropdown([], label=LABELS[name], min_width=140) for name in VIEW]
    page = from_template("compare")
    with gr.Column(visible=False) as files, gr.Row():
        save = gr.Button("Save all cases as CSV", size="sm", scale=0, min_width=200)
    csv = gr.Textbox(visible=False)
    pair = [first, second, *view]
    gr.on(
        [each.input for each in pair],
        _choose,
        pair,
        [files, *pair, page],
        api_visibility="private",
        show_progress="hidden",
    )
    made = save.click(comparison_csv, pair, csv, api_visibility="private", show_progress="hidden")
    made.success(None, csv, csv, js=SAVE, api_visibility="private")
    api(compare_rows, api_name="compare")
    api(comparison_csv, api_name="compare_csv")
    return AddressedPage(open_pair, [controls, files, *pair, page])


def open_pair(query: str) -> list[object]:
    """The rows, the view and the comparison of an address; or why there are none now."""
    try:
        book = kept_book()
    except MedgroundError as error:
        gone, kept = gr.Column(visible=False), (gr.skip() for _ in ("first", "second", *VIEW))
        return [gone, gone, *kept, {"note": str(error)}]
    shown = _shown(book, pair_of(book, query), missing(book, query), navigate=False)
    return [gr.Column(visible=True), *shown]


def compare_rows(address: str) -> Shown:
    """Two rows compared, as data: by the address of the page, `tab=compare&first=...&second=...`."""
    with errors_shown():
        book = kept_book()
        if why := missing(book, address):
            raise MedgroundError(why)
        return _comparison(book, pair_of(book, address), navigate=False)


def comparison_csv(first: str, second: str, lvlm: str, mode: str, source: str) -> str:
    """Every case of the view with the IoU of both rows, as CSV."""
    with errors_shown():
        pair = RowPair(first=first, second=second, lvlm=lvlm, mode=mode, source=source)
        return compared(kept_book(), pair).as_csv().decode()


def _choose(first: str, second: str, lvlm: str, mode: str, source: str) -> list[object]:
    pair = RowPair(first=first, second=second, lvlm=lvlm, mode=mode, source=source)
    with errors_shown():
        book = kept_book()
        return _shown(book, fitting(book, pair), navigate=True)


def _shown(book: CaseBook, pair: RowPair, note: str = "", *, navigate: bool) -> list[object]:
    """Whether there is something to save, the pair and its view, and the page, with a note above it."""
    known, views = labelled(book, comparable(book, pair)), views_of(book)
    rows = [gr.Dropdown(known, value=name or None) for name in (pair.first, pair.second)]
    view = [gr.Dropdown(list(views[name]), value=getattr(pair, name)) for name in VIEW]
    try:
        is_compared, page = True, _comparison(book, pair, navigate=navigate)
    except MedgroundError as error:
        is_compared, page = False, shown_nothing(str(error), pair, _unseen(book, pair))
    told = " ".join(filter(None, (note, str(page.get("note", "")))))
    return [gr.Column(visible=is_compared), *rows, *view, page | {"note": told}]


def _comparison(book: CaseBook, pair: RowPair, *, navigate: bool) -> Shown:
    found = compared(book, pair)
    return shown_comparison(found, _unseen(book, pair), withheld_sentence(book), navigate=navigate)


def _unseen(book: CaseBook, pair: RowPair) -> dict[str, ToldMeans | None]:
    try:
        board = kept_board() if book.counts() else None
    except MedgroundError:
        board = None
    return unseen_sources(book, board, pair)
