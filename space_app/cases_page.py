"""The page of cases: expert boxes against methods, case by case, and the pictures behind the verdict."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr
from addresses import AddressedPage
from cases_shown import shown_cases
from gradio.events import api
from kept_book import kept_book, labelled
from results_folder import errors_shown
from templates import Shown, from_template

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.case_choice import (
    FILTERS,
    MOST_METHODS,
    CaseChoice,
    CaseOrder,
    choices,
)
from medground_bench.leaderboard.case_views import OpenedCases, opened, opened_by

LABELS = {"lvlm": "LVLM", "mode": "Mode", "source": "Source", "finding": "Finding"}
ABOUT_CASES = (
    "A case is a question whose answer flips when the finding is edited out of the expert boxes, and stays when all "
    "else is edited. The arrow keys go to the case before and after; every case has an address of its own."
)


def cases_tab() -> AddressedPage:
    """The page's components, whose choices are filled whenever the page is opened."""
    with gr.Column(visible=False) as controls:
        gr.Markdown(ABOUT_CASES, elem_classes="note")
        filters, methods = _controls()
    explorer, current = from_template("cases"), gr.State("")
    chosen = [*filters, methods]
    shown = [*chosen, explorer, current]
    gr.on(
        [each.input for each in filters],
        _choose,
        chosen,
        [explorer, current],
        api_visibility="private",
        show_progress="hidden",
    )
    methods.input(
        _choose_methods,
        [*chosen, current],
        [explorer, current],
        api_visibility="private",
        show_progress="hidden",
    )
    explorer.select(
        _go, chosen, [explorer, current], api_visibility="private", show_progress="hidden", queue=False
    )
    api(case, api_name="case")
    return AddressedPage(open_cases, [controls, *shown])


def open_cases(query: str) -> list[object]:
    """The filters, the methods, the view and the case of an address; or why there are none now."""
    try:
        book = kept_book()
    except MedgroundError as error:
        return [
            gr.Column(visible=False),
            *(gr.skip() for _ in (*LABELS, "order", "methods")),
            {"empty": str(error)},
            "",
        ]
    found = opened_by(book, query)
    filters = [gr.Dropdown([*choices(book, name)], value=getattr(found.choice, name)) for name in FILTERS]
    methods = gr.Dropdown(labelled(book, book.methods), value=list(found.choice.methods), multiselect=True)
    view = shown_cases(book, found, navigate=False)
    return [gr.Column(visible=True), *filters, found.choice.order, methods, view, _current(found)]


def case(address: str) -> Shown:
    """A case, or the list that it leads, as data: by the address of its page, `tab=cases&case=...`."""
    with errors_shown():
        book = kept_book()
        return shown_cases(book, opened_by(book, address), navigate=False)


def _controls() -> tuple[list[gr.Dropdown], gr.Dropdown]:
    """Filters and order, and the methods."""
    with gr.Row():
        filters = [gr.Dropdown([], label=LABELS[name], min_width=140) for name in FILTERS]
        order = gr.Dropdown([each.value for each in CaseOrder], label="Sorted by", min_width=140)
    methods = gr.Dropdown(
        [],
        multiselect=True,
        max_choices=MOST_METHODS,
        label=f"Methods, {MOST_METHODS} at most",
    )
    return [*filters, order], methods


def _choose(*chosen: object) -> tuple[Shown, str]:
    return _shown(_choice(chosen), "", navigate=True)


def _choose_methods(*chosen: object) -> tuple[Shown, str]:
    *words, current = chosen
    return _shown(_choice(words), str(current), navigate=True)


def _go(event: gr.EventData, *chosen: object) -> tuple[Shown, str]:
    return _shown(_choice(chosen), str(event.case), navigate=True)


def _choice(chosen: Sequence[object]) -> CaseChoice:
    *filters, order, methods = chosen
    assert isinstance(methods, list)
    words = dict(zip(FILTERS, map(str, filters), strict=True))
    return CaseChoice(**words, order=str(order), methods=tuple(methods))


def _shown(chosen: CaseChoice, case: str, *, navigate: bool) -> tuple[Shown, str]:
    with errors_shown():
        book = kept_book()
        found = opened(book, chosen, case)
        return shown_cases(book, found, navigate=navigate), _current(found)


def _current(found: OpenedCases) -> str:
    return found.view.case.case_id if found.view else ""
