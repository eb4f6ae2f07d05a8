"""The page of the board: what `page_data` says of an address, drawn by the script that the static board has too."""

from __future__ import annotations

from collections.abc import Mapping

import gradio as gr
import pandas as pd
from addresses import AddressedPage
from gradio.events import api
from kept_board import kept_board
from results_folder import errors_shown

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard import board_api
from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.board_api import PAGE, TABLE, BoardApi, Words
from medground_bench.leaderboard.exports import EXPORTS
from medground_bench.leaderboard.page_data import page_without_board
from medground_bench.leaderboard.static_board import FRONT
from medground_bench.storage.whole_files import Plain

FILTER_COLUMNS = ("LVLM", "Mode", "Source", "Questions", "Accuracy", "Positives", "Retained", "Retention")
START = """
const fromServer = async (answer) => { if (answer.error) throw new Error(answer.error); return answer; };
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const load = mountBoard(element.querySelector('.mg-board'), {
  endings: ENDINGS,
  page: (params) => server.page_of(params).then(fromServer),
  file: (params, ending) => server.file_of({ ...params, ending }).then(fromServer)
    .then((file) => ({ name: file.name, type: 'application/octet-stream', content: bytes(file.content) })),
}, props.value);
load();
let isHidden = !element.offsetHeight;
new ResizeObserver(() => {
  if (isHidden && element.offsetHeight) load();
  isHidden = !element.offsetHeight;
}).observe(element);
"""
"""It is asked for at once, and whenever its tab is turned to: a row may be new since. Scrolling asks for nothing."""


def board_tab() -> AddressedPage:
    """The page's components, which are there whether there is a board or not yet."""
    endings = str(list(EXPORTS))
    gr.HTML(
        _first_page(),
        html_template='<div class="mg-board"></div>',
        css_template=(FRONT / "board.css").read_text("utf-8"),
        js_on_load=(FRONT / "board.js").read_text("utf-8") + START.replace("ENDINGS", endings),
        server_functions=[page_of, file_of],
        apply_default_css=False,
        elem_id="board",
    )
    api(board_page, api_name=PAGE)
    api(board_table, api_name=TABLE)
    api(board_file, api_name=board_api.FILE)
    with gr.Column(visible=False) as of_tracks:
        gr.Markdown("### What the causal filter kept")
        kept = gr.Dataframe(interactive=False, buttons=["copy"], label="Per LVLM and mode")
        lines = gr.Markdown(elem_classes="note")
    return AddressedPage(_open_tracks, [of_tracks, kept, lines])


def page_of(params: Words) -> Mapping[str, Plain]:
    """What the page draws for an address, or what is wrong with it."""
    try:
        return ASKED.page(params)
    except MedgroundError as error:
        return {"error": str(error)}


def file_of(params: Words) -> Mapping[str, Plain]:
    """The file of what an address shows, of that `ending`: name, and content in base64; or what is wrong."""
    try:
        words = {name: word for name, word in params.items() if name != "ending"}
        return ASKED.file(words, str(params.get("ending", "")))
    except MedgroundError as error:
        return {"error": str(error)}


def board_page(query: dict[str, str]) -> dict[str, object]:
    """All that the page shows, every cell as text: `query` is as of /board_table, and `shown` names a figure."""
    with errors_shown():
        return ASKED.page(query)


def board_table(query: dict[str, str]) -> dict[str, object]:
    """A table of the board: `query` holds filters and the order as in the page's address, such as {"lvlm": "..."}."""
    with errors_shown():
        return ASKED.table(query)


def board_file(query: dict[str, str], ending: str) -> dict[str, str]:
    """The same table as a file, its name and its content in base64: `ending` is csv, json, parquet or tex."""
    with errors_shown():
        return ASKED.file(query, ending)


ASKED = BoardApi(kept_board)


def _first_page() -> Mapping[str, Plain]:
    """What is drawn before the page has asked; what is missing now is not for ever."""
    try:
        return ASKED.page({})
    except MedgroundError as error:
        return page_without_board(str(error))


def _open_tracks(_query: str) -> list[object]:
    """Whether there are tracks to tell of, their table, and what is to be known of them."""
    try:
        board = kept_board()
    except MedgroundError:
        return [gr.Column(visible=False), gr.skip(), gr.skip()]
    lines = "\n".join(f"- {line}" for line in _shortcut_lines(board))
    return [gr.Column(visible=bool(board.tracks)), _filter_table(board), lines]


def _filter_table(board: Board) -> pd.DataFrame:
    rows = [
        [
            track.lvlm,
            track.mode,
            track.source,
            track.questions,
            round(100 * track.accuracy, 1),
            track.positives,
            track.grounded,
            round(100 * track.retention, 1),
        ]
        for track in board.tracks
    ]
    return pd.DataFrame(rows, columns=list(FILTER_COLUMNS))


def _shortcut_lines(board: Board) -> list[str]:
    return [track.shortcut_sentence() for track in board.tracks if track.shortcut_right]
