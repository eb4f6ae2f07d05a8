"""Two rows on sources whose cases are not shown: what the board tells of them all the same."""

from __future__ import annotations

from dataclasses import dataclass

from medground_bench.leaderboard.board import ALL, Board
from medground_bench.leaderboard.case_book import CaseBook
from medground_bench.leaderboard.columns import IOU
from medground_bench.leaderboard.comparing import RowPair
from medground_bench.leaderboard.entries import Badge
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.views import BoardTable


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldMeans:
    """What a table tells of two rows on one source: mean IoU 0..1 of as many cases and images."""

    first: float
    second: float
    cases: int
    images: int


def unseen_sources(book: CaseBook, board: Board | None, pair: RowPair) -> dict[str, ToldMeans | None]:
    """The sources of a pair's view of which a book shows no case -> what the board tells of both rows.

    None where it tells nothing, as where our scores are kept back or images are few.
    """
    seen = {case.source for case in book.cases}
    wanted = [source for source in book.counts() if source not in seen and pair.source in (ALL, source)]
    return {source: _told(board, pair, source) if board else None for source in wanted}


def _told(board: Board, pair: RowPair, source: str) -> ToldMeans | None:
    table = board.table(BoardQuery(mode=pair.mode, source=source, lvlm=pair.lvlm))
    means = _means(table)
    first, second = means.get(pair.first), means.get(pair.second)
    if first is None or second is None:
        return None
    return ToldMeans(first=first, second=second, cases=table.cases, images=table.images)


def _means(table: BoardTable) -> dict[str, float | None]:
    """By the names that rows have in a book: where a method of ours has its name, a submission says what it is."""
    rows = sorted(table.ours, key=lambda row: row.badge is Badge.REPRODUCED)
    marked = {f"{row.method} ({row.badge.value})": row.number(IOU) for row in rows}
    return marked | {row.method: row.number(IOU) for row in rows}
