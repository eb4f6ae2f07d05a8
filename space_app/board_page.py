"""The page of the board: what `page_data` says of an address, drawn by the script that the static board has too."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import gradio as gr
import pandas as pd
from gradio.events import api
from results_folder import errors_shown, results_folder

from medground_bench.core.errors import MedgroundError, UnknownName
from medground_bench.leaderboard.board import FILE, Board
from medground_bench.leaderboard.exports import EXPORTS, as_json, file_name
from medground_bench.leaderboard.page_data import SHOWN, page_data
from medground_bench.leaderboard.query import FILTERS
from medground_bench.leaderboard.static_board import FRONT
from medground_bench.storage.whole_files import Plain

FILTER_COLUMNS = ("LVLM", "Mode", "Source", "Questions", "Accuracy", "Positives", "Retained", "Retention")
NO_BOARD = (
    f"**No board here yet.** This Space has no `results/{FILE}`. `medground demo` makes one for the phantom; "
    "`python -m builder publish-space --results` brings it here."
)
MOST_LETTERS = 200
"""Of a word in an address."""

START = """
const fromServer = async (answer) => { if (answer.error) throw new Error(answer.error); return answer; };
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
mountBoard(element.querySelector('.mg-board'), {
  endings: ENDINGS,
  page: (params) => server.page_of(params).then(fromServer),
  file: (params, ending) => server.file_of({ ...params, ending }).then(fromServer)
    .then((file) => ({ name: file.name, type: 'application/octet-stream', content: bytes(file.content) })),
}, props.value);
"""


def board_tab() -> None:
    """The page's components."""
    if not (results_folder() / FILE).is_file():
        gr.Markdown(NO_BOARD)
        return
    try:
        board = _board()
    except MedgroundError as error:
        gr.Markdown(f"**The board cannot be read.** {error}")
        return
    endings = str(list(EXPORTS))
    gr.HTML(
        page_data(board, {}),
        html_template='<div class="mg-board"></div>',
        css_template=(FRONT / "board.css").read_text("utf-8"),
        js_on_load=(FRONT / "board.js").read_text("utf-8") + START.replace("ENDINGS", endings),
        server_functions=[page_of, file_of],
        apply_default_css=False,
        elem_id="board",
    )
    api(board_table, api_name="board_table")
    api(board_file, api_name="board_file")
    if board.tracks:
        gr.Markdown("### What the causal filter kept")
        gr.Dataframe(_filter_table(board), interactive=False, buttons=["copy"], label="Per LVLM and mode")
        gr.Markdown("\n".join(f"- {line}" for line in _shortcut_lines(board)), elem_classes="note")


def page_of(params: Mapping[str, str]) -> Mapping[str, Plain]:
    """What the page draws for an address, or what is wrong with it."""
    try:
        return page_data(_board(), _words(params))
    except MedgroundError as error:
        return {"error": str(error)}


def file_of(params: Mapping[str, str]) -> dict[str, str]:
    """The file of what an address shows, of that `ending`: name, and content in base64; or what is wrong."""
    try:
        return board_file(_words(params), str(params.get("ending", "")))
    except gr.Error as error:
        return {"error": error.message}


def board_table(query: dict[str, str]) -> dict[str, object]:
    """A table of the board: `query` holds filters and the order as in the page's address, such as {"lvlm": "..."}."""
    with errors_shown():
        board = _board()
        found: dict[str, object] = json.loads(as_json(board.table(board.query(_words(query)))))
    return found


def board_file(query: dict[str, str], ending: str) -> dict[str, str]:
    """The same table as a file, its name and its content in base64: `ending` is csv, json, parquet or tex."""
    with errors_shown():
        name, content = _file(query, ending)
    return {"name": name, "content": base64.b64encode(content).decode("ascii")}


def _file(params: Mapping[str, str], ending: str) -> tuple[str, bytes]:
    if ending not in EXPORTS:
        raise UnknownName("file of the board", str(ending)[:MOST_LETTERS], EXPORTS)
    board = _board()
    table = board.table(board.query(_words(params)))
    return file_name(table, ending), EXPORTS[ending](table)


def _words(params: Mapping[str, str]) -> dict[str, str]:
    """What of an address is about the board, as text of bounded length, whoever wrote it."""
    names = (*FILTERS, "sort", SHOWN)
    given = params if isinstance(params, Mapping) else {}
    return {name: str(given[name])[:MOST_LETTERS] for name in names if given.get(name)}


def _board() -> Board:
    """The board as it lies there now; read again when its file has changed."""
    file = results_folder() / FILE
    written = file.stat().st_mtime_ns if file.is_file() else 0
    return _read(results_folder(), written)


@lru_cache(maxsize=2)
def _read(folder: Path, _written: int) -> Board:
    return Board.read(folder)


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
