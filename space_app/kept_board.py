"""The board of this Space as it is now: its results, and the submissions of its store."""

from __future__ import annotations

from functools import cache

from results_folder import RESULTS_VARIABLE, results_folder, store_location

from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.leaderboard.board import FILE, Board
from medground_bench.leaderboard.opening import open_store
from medground_bench.leaderboard.watching import WatchedBoard, WatchedStore

NO_BOARD = (
    f"**No board here yet.** This Space has no `results/{FILE}`. `medground demo` makes one for the phantom; "
    "`python -m builder publish-space --results` brings it here."
)


def kept_board() -> Board:
    """The board; SourceMissing where there is none, MedgroundError where it cannot be read."""
    board = watched_board().now()
    if board is None:
        raise SourceMissing(
            f"this Space has no board. Set {RESULTS_VARIABLE} to results, which medground demo makes."
        )
    return board


def why_no_board() -> str:
    """What stands on the page of the board where there is none; empty where there is one."""
    try:
        return "" if watched_board().now() else NO_BOARD
    except MedgroundError as error:
        return f"**The board cannot be read.** {error}"


@cache
def watched_store() -> WatchedStore | None:
    """The store of this Space; None where it has none. Whoever changes it says so by `look_again`."""
    location = store_location()
    return WatchedStore(open_store(location)) if location else None


@cache
def watched_board() -> WatchedBoard:
    """The one board of all visitors."""
    return WatchedBoard(results_folder, watched_store())
