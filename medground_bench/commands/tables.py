"""What the command line prints: lists of plug-ins, tables of scores and of the board."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Group as Together
from rich.table import Table

from medground_bench.commands.demo_stages import Demo
from medground_bench.core.intervals import FEWEST_IMAGES, TOO_FEW
from medground_bench.core.scoring import By, ScoreRow
from medground_bench.leaderboard.columns import Unit
from medground_bench.leaderboard.entries import Badge
from medground_bench.leaderboard.page_data import table_data
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.records import Json
from medground_bench.leaderboard.track_facts import TrackFacts
from medground_bench.runs.method_groups import MethodGroup

SCORES = ("IoU", "interval", "F1", "precision", "recall")
UNITS = "(%; interval of IoU at 95 %)"
SPREAD = f"(...) least and greatest mean of an image: {TOO_FEW}"

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
    boards = [board_table(table_data(board.table(BoardQuery(mode=mode)))) for mode in board.choices(By.MODE)]
    times = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in demo.seconds.items())
    total = sum(demo.seconds.values())
    return Together(tracks_table(board.tracks), *sentences, "", *boards, f"{times}; {total:.1f} s in all")


def board_table(data: Json) -> Table:
    """A table of the board, `table_data`, as the page shows it; controls are dim, a paper's rows stand below."""
    numbers = [
        f"{each['name']} %" if each["unit"] == Unit.PERCENT else each["name"] for each in data["columns"]
    ]
    asked = ", ".join(f"{name} {value}" for name, value in data["query"].items())
    heads = ["rank", numbers[0], "interval", *numbers[1:]]
    shown = _table(f"Board, {asked}: {data['caption']}", ["method"], heads)
    for row in data["rows"]:
        is_control = row["family"] == MethodGroup.CONTROL
        marks = [row["family"]] if is_control else []
        marks += [row["measured"]] if row["badge"] != Badge.REPRODUCED else []
        first, *others = row["texts"]
        shown.add_row(
            f"{row['shown']} ({', '.join(marks)})" if marks else row["shown"],
            row["rank"] or "-",
            first,
            row["intervals"][0] or "-",
            *others,
            style="dim" if is_control else None,
        )
    return shown


def tracks_table(tracks: Iterable[TrackFacts]) -> Table:
    """What the causal filter kept of every track, and what the right answers about the shortcut finding rest on."""
    numbers = ["right %", "positive", "ungrounded", "grounded", "kept %"]
    table = _table("Causal filter: which positive questions became cases", ["LVLM", "mode"], numbers)
    for track in tracks:
        counts = (track.positives, track.ungrounded, track.grounded)
        shares = (_percent(track.accuracy), _percent(track.retention))
        table.add_row(track.lvlm, track.mode, shares[0], *map(str, counts), shares[1])
    return table


def _others(row: ScoreRow) -> tuple[float, float, float]:
    return row.mean.f1, row.mean.precision, row.mean.recall


def _table(title: str, words: Iterable[str], numbers: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for word in words:
        table.add_column(word, no_wrap=True)
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
