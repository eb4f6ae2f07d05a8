"""The page of the board: scores of every method, and what the causal filter kept."""

from __future__ import annotations

from typing import Literal

import gradio as gr
import pandas as pd
from results_folder import errors_shown, results_folder

from medground_bench.core.errors import MedgroundError
from medground_bench.core.scoring import By
from medground_bench.leaderboard.board import ALL, FILE, Board
from medground_bench.leaderboard.rows import BoardRow, what_is_apart

BOARD_COLUMNS = ("Method", "IoU", "low", "high", "F1", "Precision", "Recall", "Cases", "Failed")
NUMBERS: list[Literal["number"]] = ["number"] * (len(BOARD_COLUMNS) - 1)
DATATYPES: list[Literal["str", "number"]] = ["str", *NUMBERS]
FILTER_COLUMNS = ("LVLM", "Mode", "Source", "Questions", "Accuracy", "Positives", "Retained", "Retention")
BOARD_NOTE = (
    "All scores in percent, averaged over cases; a case on which a method failed counts as 0. *low* and *high* bound "
    "the 95 % interval of IoU, by image, which fewer than 6 images do not give. Rows marked **control** never ask the "
    "model: a method that does not beat them has not shown what the answer rests on."
)

NO_BOARD = (
    f"**No board here yet.** This Space has no `results/{FILE}`. `medground demo` makes one for the phantom; "
    "`python -m builder publish-space --results` brings it here."
)


def board_view(mode: str, source: str, lvlm: str) -> tuple[pd.DataFrame, str]:
    """The board of one view, and what it covers."""
    with errors_shown():
        board = Board.read(results_folder())
        rows = board.view(mode, source, lvlm)
    table = pd.DataFrame([_board_cells(row) for row in rows], columns=list(BOARD_COLUMNS))
    if not rows:
        return table, "No method was run on all cases of this choice."
    return table, f"**{rows[0].cases} cases**, mode {mode}, {what_is_apart(rows)}"


def board_tab() -> None:
    """The page's components."""
    if not (results_folder() / FILE).is_file():
        gr.Markdown(NO_BOARD)
        return
    try:
        board = Board.read(results_folder())
    except MedgroundError as error:
        gr.Markdown(f"**The board cannot be read.** {error}")
        return
    modes, sources, lvlms = (board.choices(by) for by in (By.MODE, By.SOURCE, By.LVLM))
    with gr.Row():
        mode = gr.Dropdown(list(modes), value=modes[0] if modes else None, label="Mode")
        source = gr.Dropdown([ALL, *sources], value=ALL, label="Source")
        lvlm = gr.Dropdown([ALL, *lvlms], value=ALL, label="LVLM")
    rows, covered = board_view(modes[0] if modes else "", ALL, ALL)
    caption = gr.Markdown(covered)
    table = gr.Dataframe(
        rows,
        interactive=False,
        pinned_columns=1,
        datatype=DATATYPES,
        column_widths=["24%", *("9.5%" for _column in BOARD_COLUMNS[1:])],
        buttons=["copy", "fullscreen"],
        max_height=1000,
        label="Methods, best first",
    )
    gr.Markdown(BOARD_NOTE, elem_classes="note")
    gr.on(
        [mode.change, source.change, lvlm.change],
        board_view,
        [mode, source, lvlm],
        [table, caption],
        api_name="board",
        show_progress="hidden",
    )
    if board.tracks:
        gr.Markdown("### What the causal filter kept")
        gr.Dataframe(_filter_table(board), interactive=False, buttons=["copy"], label="Per LVLM and mode")
        gr.Markdown("\n".join(f"- {line}" for line in _shortcut_lines(board)), elem_classes="note")


def _board_cells(row: BoardRow) -> list[object]:
    name = f"{row.shown} (control)" if row.control else row.shown
    scores = (row.iou, row.iou_low, row.iou_high, row.f1, row.precision, row.recall)
    percent = (None if score is None else round(100 * score, 1) for score in scores)
    return [name, *percent, row.cases, row.failed]


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
