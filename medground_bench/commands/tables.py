"""What the command line prints: lists of plug-ins, tables of scores and of the board."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group as Together
from rich.table import Table

from medground_bench.commands.demo_stages import Demo
from medground_bench.core.scoring import By, ScoreRow
from medground_bench.leaderboard.board import ALL, Board
from medground_bench.leaderboard.track_facts import TrackFacts

SCORES = ("IoU", "interval", "F1", "precision", "recall")
UNITS = "(%; interval of IoU at 95 %)"


def scores_table(rows: Iterable[ScoreRow]) -> Table:
    """Scores of one prediction file, a row per track, in percent."""
    table = _table(f"Scores {UNITS}", ["LVLM", "mode"], [*SCORES, "n", "missing"])
    for row in rows:
        scores = (_percent(row.mean.iou), _interval(*row.iou_ends), *map(_percent, _others(row)))
        counts = (str(row.coverage.cases), str(row.coverage.failed))
        table.add_row(*(name for _by, name in row.group), *scores, *counts)
    return table


def demo_report(demo: Demo) -> Together:
    """Everything a demo found: the filter per track, the shortcut, the board of each mode, the time of each stage."""
    board = demo.board
    sentences = [track.shortcut_sentence() for track in board.tracks if track.shortcut_right]
    boards = [board_table(board, mode) for mode in board.choices(By.MODE)]
    times = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in demo.seconds.items())
    total = sum(demo.seconds.values())
    return Together(tracks_table(board.tracks), *sentences, "", *boards, f"{times}; {total:.1f} s in all")


def board_tables(board: Board) -> Iterator[Table]:
    """Of each mode: all LVLMs pooled, and each by itself, for a method may have been run on some of them."""
    for mode in board.choices(By.MODE):
        lvlms = board.choices(By.LVLM)
        for lvlm in (ALL, *lvlms) if len(lvlms) > 1 else lvlms:
            if board.view(mode, lvlm=lvlm):
                yield board_table(board, mode, lvlm)


def board_table(board: Board, mode: str, lvlm: str = ALL) -> Table:
    """All methods in one mode, on one LVLM or all pooled, best first. Controls are marked."""
    whose = "" if lvlm == ALL else f", {lvlm}"
    table = _table(f"Board, mode {mode}{whose} {UNITS}", ["method"], [*SCORES, "n", "failed"])
    for row in board.view(mode, lvlm=lvlm):
        table.add_row(
            f"{row.method} (control)" if row.control else row.method,
            _percent(row.iou),
            _interval(row.iou_low, row.iou_high),
            *(_percent(value) for value in (row.f1, row.precision, row.recall)),
            str(row.cases),
            str(row.failed),
            style="dim" if row.control else None,
        )
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


def _others(row: ScoreRow) -> tuple[float, float, float]:
    return row.mean.f1, row.mean.precision, row.mean.recall


def _table(title: str, words: Iterable[str], numbers: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for word in words:
        table.add_column(word, no_wrap=True)
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _interval(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{_percent(low)}-{_percent(high)}"
