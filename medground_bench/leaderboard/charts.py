"""Tables of the board as figures for a page, each with the same numbers as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from medground_bench.drawing.axes import Score
from medground_bench.drawing.plots_for_pages import (
    ForestPlot,
    IntervalRow,
    Mark,
    MarkKind,
    ScatterPlot,
    ShadedTable,
)
from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.columns import IOU
from medground_bench.leaderboard.entries import Badge
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.rows import ALL
from medground_bench.leaderboard.views import BoardTable, BoardTableRow
from medground_bench.runs.method_groups import MethodGroup


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, and a table of the same numbers for whoever reads instead."""

    title: str
    svg: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def forest(board: Board, query: BoardQuery) -> Chart:
    """IoU of every row with its interval."""
    table, title = board.table(query), "IoU in percent, with 95 % intervals by image"
    rows = [row for row in table.rows if row.number(IOU) is not None]
    drawn = [IntervalRow(_label(row, table), _kind(row), _score(row)) for row in rows]
    iou = next(column for column in board.columns if column.key == IOU)
    return Chart(
        title,
        ForestPlot(drawn, f"{title}. The same numbers stand as text below.").svg(),
        ("Method", "IoU", "Interval", "Rank"),
        tuple((_label(row, table), row.text(iou), row.interval(iou) or "-", _rank(row)) for row in rows),
    )


def speed(board: Board, query: BoardQuery) -> Chart:
    """IoU against the seconds of a case."""
    return _scatter(board.table(query), ("seconds", "Seconds a case"), (IOU, "IoU"), is_log=True)


def precision_recall(board: Board, query: BoardQuery) -> Chart:
    """Precision against recall."""
    return _scatter(board.table(query), ("recall", "Recall"), ("precision", "Precision"))


def by_size(board: Board, query: BoardQuery) -> Chart:
    """IoU on small, medium and large boxes."""
    return _breakdown(board, query, "size")


def by_finding(board: Board, query: BoardQuery) -> Chart:
    """IoU on every finding."""
    return _breakdown(board, query, "finding")


CHARTS: Mapping[str, Callable[[Board, BoardQuery], Chart]] = {
    "forest": forest,
    "speed": speed,
    "precision_recall": precision_recall,
    "sizes": by_size,
    "findings": by_finding,
}
NAMES = {
    "forest": "Intervals",
    "speed": "IoU and seconds",
    "precision_recall": "Precision and recall",
    "sizes": "By box size",
    "findings": "By finding",
}
"""What a view is called on the page."""


def _scatter(table: BoardTable, x: tuple[str, str], y: tuple[str, str], *, is_log: bool = False) -> Chart:
    rows = [row for row in table.rows if row.number(x[0]) is not None and row.number(y[0]) is not None]
    marks = [
        Mark(_label(row, table), _kind(row), row.number(x[0]) or 0.0, row.number(y[0]) or 0.0) for row in rows
    ]
    title = f"{y[1]} in percent against {x[1].lower()}{'' if is_log else ' in percent'}"
    plot = ScatterPlot(
        marks=marks,
        x_name=x[1] if is_log else f"{x[1]}, %",
        y_name=f"{y[1]}, %",
        described=f"{title}. The same numbers stand as text below.",
        is_log=is_log,
    )
    shown = {column.key: column for column in table.columns}
    texts = ((_label(row, table), row.text(shown[x[0]]), row.text(shown[y[0]])) for row in rows)
    return Chart(title, plot.svg(), ("Method", x[1], y[1]), tuple(texts))


def _breakdown(board: Board, query: BoardQuery, field: str) -> Chart:
    """IoU of every row by the values of a filter; each is the table that the filter gives."""
    parts = [part for part in board.offered[field] if getattr(query, field) in (ALL, part)]
    shown = board.table(query).ours
    found = {
        part: {
            (row.method, row.badge): row.number(IOU)
            for row in board.table(replace(query, **{field: part})).ours
        }
        for part in parts
    }
    parts = [part for part in parts if found[part]]
    rows = [(row, [found[part].get((row.method, row.badge)) for part in parts]) for row in shown]
    title = f"IoU in percent by {'size of the expert boxes' if field == 'size' else field}"
    drawn = [(row.shown, _kind(row), shares) for row, shares in rows]
    return Chart(
        title,
        ShadedTable(parts, drawn, f"{title}. The same numbers stand as text below.").svg(),
        ("Method", *parts),
        tuple((row.shown, *map(_percent, shares)) for row, shares in rows),
    )


def _score(row: BoardTableRow) -> Score:
    return Score(row.number(IOU) or 0.0, row.number(f"{IOU}_low"), row.number(f"{IOU}_high"))


def _label(row: BoardTableRow, table: BoardTable) -> str:
    """With its badge where the same method stands there twice."""
    twice = sum(other.method == row.method for other in table.rows) > 1
    return f"{row.shown} ({row.badge.value})" if twice else row.shown


def _kind(row: BoardTableRow) -> MarkKind:
    if row.badge is Badge.REPORTED:
        return MarkKind.REPORTED
    return MarkKind.CONTROL if row.family is MethodGroup.CONTROL else MarkKind.METHOD


def _rank(row: BoardTableRow) -> str:
    return str(row.rank) if row.rank else "-"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
