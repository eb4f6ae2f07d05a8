"""What a page draws of the board, as JSON: every cell is text already, so that a page computes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from medground_bench.core.scoring import By
from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.charts import CHARTS, NAMES, Chart
from medground_bench.leaderboard.columns import IOU
from medground_bench.leaderboard.entries import Badge
from medground_bench.leaderboard.exports import described, fields_of, records_of
from medground_bench.leaderboard.query import FILTERS
from medground_bench.leaderboard.views import BoardTable, BoardTableRow
from medground_bench.lvlms import embedded
from medground_bench.phantom.limits import TAUGHT_WHERE
from medground_bench.storage.whole_files import Plain

LABELS = {
    "mode": "Mode",
    "source": "Source",
    "lvlm": "LVLM",
    "finding": "Finding",
    "size": "Box size",
    "family": "Methods",
    "badge": "Measured",
}
"""What a filter is called."""

WORDS = {
    "family": {"paper": "the paper's", "extra": "extras", "control": "controls"},
    "badge": {each.value: each.words for each in Badge},
}
"""What a choice of a filter is called, where it is not called by itself."""

ABOUT = (
    "A case on which a method failed counts as 0. Ranks are sets: a method whose rank is 2 to 5 cannot be told from "
    "the others of these places by the cases shown.",
    "Controls, in grey, never ask the model and have no rank: a method that does not beat them has not shown what the "
    "answer rests on.",
)
"""What whoever reads the board should know."""

SHOWN = "shown"
"""Which view an address asks for: one of `CHARTS`, else the table."""


def page_data(board: Board, params: Mapping[str, str]) -> dict[str, Plain]:
    """All that a page shows for an address; UnknownName where it asks for what is not there."""
    query, shown = board.query(params), params.get(SHOWN, "")
    data = table_data(board.table(query))
    chart = CHARTS[shown](board, query) if shown in CHARTS else None
    return data | {
        "filters": filters_of(board),
        "views": views_of(),
        "about": list(about(board)),
        SHOWN: shown if chart else "",
        "chart": chart_data(chart) if chart else None,
    }


def page_without_board(why: str) -> dict[str, Plain]:
    """What a page shows where there is no board: why."""
    lists = ("filters", "columns", "fields", "rows", "elsewhere", "about")
    nothing: dict[str, Plain] = {name: [] for name in lists}
    return nothing | {"query": {}, "sort": "", "views": views_of(), SHOWN: "", "chart": None, "caption": why}


def about(board: Board) -> tuple[str, ...]:
    """What whoever reads this board should know."""
    taught = (TAUGHT_WHERE,) if any(map(embedded, board.choices(By.LVLM))) else ()
    return (*board.notes, *ABOUT, *taught)


def filters_of(board: Board) -> list[Plain]:
    """Every filter with what there is to choose from, in the order of the page."""
    return [
        {
            "name": name,
            "label": LABELS[name],
            "has_all": name != "mode",
            "choices": [
                {"value": value, "label": WORDS.get(name, {}).get(value, value)}
                for value in board.offered[name]
            ],
        }
        for name in FILTERS
    ]


def views_of() -> list[Plain]:
    """The views of a table, itself first."""
    return [{"value": "", "label": "Table"}, *({"value": key, "label": name} for key, name in NAMES.items())]


def table_data(table: BoardTable) -> dict[str, Plain]:
    """A table as its cells stand on the page, with the values of each row as they stand in files."""
    return {
        "query": dict(table.query.as_params()),
        "sort": table.query.sort,
        "caption": table.caption,
        "elsewhere": list(table.elsewhere),
        "cases": table.cases,
        "images": table.images,
        "columns": [dict(described(column)) for column in table.columns],
        "fields": list(fields_of(table)),
        "rows": [
            _row_data(row, table) | {"values": [record.get(field) for field in fields_of(table)]}
            for row, record in zip(table.rows, records_of(table), strict=True)
        ],
    }


def chart_data(chart: Chart) -> dict[str, Plain]:
    """A figure and its text."""
    return {
        "title": chart.title,
        "svg": chart.svg,
        "head": list(chart.head),
        "rows": [list(row) for row in chart.rows],
    }


def _row_data(row: BoardTableRow, table: BoardTable) -> dict[str, Plain]:
    return {
        "method": row.method,
        "shown": row.shown,
        "family": row.family.value,
        "badge": row.badge.value,
        "measured": row.badge.words,
        "rank": str(row.rank) if row.rank else "",
        "texts": [row.text(column) for column in table.columns],
        "links": [row.link(column) for column in table.columns],
        "intervals": [row.interval(column) if column.key == IOU else "" for column in table.columns],
    }
