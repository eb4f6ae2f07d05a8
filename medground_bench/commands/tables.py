"""What the command line prints: lists of plug-ins, tables of scores and of the board."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions
from rich.console import Group as Together
from rich.measure import Measurement
from rich.table import Table

from medground_bench.commands.demo_stages import Demo
from medground_bench.core.intervals import FEWEST_IMAGES, TOO_FEW
from medground_bench.core.scoring import By, ScoreRow
from medground_bench.leaderboard.columns import IOU, Unit
from medground_bench.leaderboard.entries import Badge
from medground_bench.leaderboard.page_data import table_data
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.records import Json
from medground_bench.leaderboard.track_facts import TrackFacts
from medground_bench.runs.method_groups import MethodGroup

SCORES = ("IoU", "interval", "F1", "precision", "recall")
UNITS = "(%; interval of IoU at 95 %)"
SPREAD = f"(...) least and greatest mean of an image: {TOO_FEW}"

WEIGHTIEST = (IOU, "f1", "failure_rate")
"""Columns of the board that stay longest where there is little room; the others in their own order."""

Ends = tuple[float | None, float | None]


def scores_table(rows: Iterable[ScoreRow]) -> Table:
    """Scores of one prediction file, a row per track, in percent."""
    rows = list(rows)
    table = _table(f"Scores {UNITS}", ["LVLM", "mode"], [*SCORES, "n", "missing"])
    table.caption = SPREAD if any(row.images < FEWEST_IMAGES for row in rows) else None
    for row in rows:
        ends = _interval(row.iou_ends, (row.spread.low, row.spread.high), row.images)
        scores = (_percent(row.mean.iou), ends, *map(_percent, _others(row)))
        counts = (str(row.coverage.cases), str(row.coverage.failed))
        table.add_row(*(name for _by, name in row.group), *scores, *counts)
    return table


def demo_report(demo: Demo) -> Together:
    """Everything a demo found: the filter per track, the shortcut, the board of each mode, the time of each stage."""
    board = demo.board
    sentences = [track.shortcut_sentence() for track in board.tracks if track.shortcut_right]
    boards = [PrintedBoard(table_data(board.table(BoardQuery(mode=mode)))) for mode in board.choices(By.MODE)]
    times = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in demo.seconds.items())
    total = sum(demo.seconds.values())
    return Together(tracks_table(board.tracks), *sentences, "", *boards, f"{times}; {total:.1f} s in all")


@dataclass(frozen=True, slots=True)
class PrintedBoard:
    """A table of the board, `table_data`, with the columns that fit where it is printed, and a line on the others.

    Controls are dim, a paper's rows stand below. A method's name is wrapped where that makes room.
    """

    data: Json

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table | str]:
        """The widest table that fits; IoU with its interval stays anywhere."""
        columns = self.data["columns"]
        by_weight = sorted(columns, key=lambda column: column["key"] not in WEIGHTIEST)
        for count in range(len(columns), 0, -1):
            left_out = by_weight[count:]
            table = self._table([place for place, each in enumerate(columns) if each not in left_out])
            if _least_width(table, console) <= options.max_width:
                break
        yield table
        if left_out:
            names = ", ".join(column["name"] for column in left_out)
            yield f"No room for: {names}. medground board with --out FILE.csv or --json gives all numbers.\n"

    def _table(self, places: Sequence[int]) -> Table:
        """With some of the columns, IoU first."""
        data = self.data
        numbers = [_head(data["columns"][place]) for place in places]
        asked = ", ".join(f"{name} {value}" for name, value in data["query"].items())
        heads = ["rank", numbers[0], "interval", *numbers[1:]]
        table = _table(f"Board, {asked}: {data['caption']}", ["method"], heads)
        for row in data["rows"]:
            first, *others = (row["texts"][place] for place in places)
            cells = (row["rank"] or "-", first, row["intervals"][places[0]] or "-", *others)
            table.add_row(_named(row), *cells, style="dim" if row["family"] == MethodGroup.CONTROL else None)
        return table


def tracks_table(tracks: Iterable[TrackFacts]) -> Table:
    """What the causal filter kept of every track, and what the right answers about the shortcut finding rest on."""
    numbers = ["right %", "positive", "ungrounded", "grounded", "kept %"]
    table = _table("Causal filter: which positive questions became cases", ["LVLM", "mode"], numbers)
    for track in tracks:
        counts = (track.positives, track.ungrounded, track.grounded)
        shares = (_percent(track.accuracy), _percent(track.retention))
        table.add_row(track.lvlm, track.mode, shares[0], *map(str, counts), shares[1])
    return table


def _least_width(table: Table, console: Console) -> int:
    """In characters, of a table whose first column is wrapped between words and no other is."""
    endless = console.options.update_width(sys.maxsize)
    for column in table.columns[1:]:
        cells = "\n".join(map(str, (column.header, *column.cells)))
        column.min_width = Measurement.get(console, endless, cells).maximum
    return Measurement.get(console, endless, table).minimum


def _head(column: Json) -> str:
    """Its name, a word a line, with its unit."""
    unit = [Unit.PERCENT] if column["unit"] == Unit.PERCENT else []
    return "\n".join([*column["name"].split(), *unit])


def _named(row: Json) -> str:
    """A row's method with what marks it: a control, and who measured it unless that was us."""
    marks = [row["family"]] if row["family"] == MethodGroup.CONTROL else []
    marks += [row["measured"]] if row["badge"] != Badge.REPRODUCED else []
    return f"{row['shown']} ({', '.join(marks)})" if marks else row["shown"]


def _others(row: ScoreRow) -> tuple[float, float, float]:
    return row.mean.f1, row.mean.precision, row.mean.recall


def _table(title: str, words: Iterable[str], numbers: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for word in words:
        table.add_column(word, overflow="fold")
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.1f}"


def _interval(ends: Ends, spread: Ends, images: int) -> str:
    """The interval; in brackets the spread where images are too few for one."""
    low, high = spread if images < FEWEST_IMAGES else ends
    if low is None or high is None:
        return "-"
    said = f"{_percent(low)}-{_percent(high)}"
    return f"({said})" if images < FEWEST_IMAGES else said
