"""The page of two rows of the board: the paired difference, where it comes from, and the cases that changed most."""

from __future__ import annotations

import gradio as gr
from addresses import AddressedPage
from compare_shown import shown_comparison
from gradio.events import api
from kept_book import kept_book, labelled, why_no_book
from results_folder import errors_shown
from templates import Shown, from_template

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.comparing import (
    VIEW,
    RowPair,
    comparable,
    compared,
    fitting,
    pair_of,
    views_of,
)

LABELS = {"lvlm": "LVLM", "mode": "Mode", "source": "Source"}
SAVE = """(csv) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csv], { type: 'text/csv' }));
  link.download = 'comparison.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  return csv;
}"""


def compare_tab() -> AddressedPage | None:
    """The page's components; None where there is no case to compare on."""
    if why := why_no_book():
        gr.Markdown(why)
        return None
    book = kept_book()
    with gr.Row():
        first, second = (
            gr.Dropdown(labelled(book, book.methods), label=label, min_width=180)
            for label in ("First", "Second")
        )
        view = [
            gr.Dropdown(list(offered), label=LABELS[name], min_width=140)
            for name, offered in views_of(book).items()
        ]
    page = from_template("compare")
    with gr.Row():
        save = gr.Button("Save all cases as CSV", size="sm", scale=0, min_width=200)
    csv = gr.Textbox(visible=False)
    pair = [first, second, *view]
    gr.on(
        [each.input for each in pair],
        _choose,
        pair,
        [*pair, page],
        api_visibility="private",
        show_progress="hidden",
    )
    made = save.click(comparison_csv, pair, csv, api_name="compare_csv", show_progress="hidden")
    made.success(None, csv, csv, js=SAVE, api_visibility="private")
    api(compare_rows, api_name="compare")
    return AddressedPage(open_pair, [*pair, page])


def open_pair(query: str) -> list[object]:
    """The rows, the view and the comparison of an address."""
    return _shown(pair_of(kept_book(), query), navigate=False)


def compare_rows(address: str) -> Shown:
    """Two rows compared, as data: by the address of the page, `tab=compare&first=...&second=...`."""
    with errors_shown():
        book = kept_book()
        return shown_comparison(compared(book, pair_of(book, address)), navigate=False)


def comparison_csv(first: str, second: str, lvlm: str, mode: str, source: str) -> str:
    """Every case of the view with the IoU of both rows, as CSV."""
    with errors_shown():
        pair = RowPair(first=first, second=second, lvlm=lvlm, mode=mode, source=source)
        return compared(kept_book(), pair).as_csv().decode()


def _choose(first: str, second: str, lvlm: str, mode: str, source: str) -> list[object]:
    pair = RowPair(first=first, second=second, lvlm=lvlm, mode=mode, source=source)
    return _shown(fitting(kept_book(), pair), navigate=True)


def _shown(pair: RowPair, *, navigate: bool) -> list[object]:
    book = kept_book()
    known = labelled(book, comparable(book, pair))
    rows = [gr.Dropdown(known, value=name or None) for name in (pair.first, pair.second)]
    view = [getattr(pair, name) for name in VIEW]
    try:
        return [*rows, *view, shown_comparison(compared(book, pair), navigate=navigate)]
    except MedgroundError as error:
        return [*rows, *view, {"note": str(error)}]
