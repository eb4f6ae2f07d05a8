"""The board of this Space as it is now: its results, and the submissions of its store."""

from __future__ import annotations

from functools import cache

from results_folder import LOOKS_AGAIN, looked_for, results_folder, store_location

from medground_bench.core.errors import SourceMissing
from medground_bench.leaderboard.board import FILE, Board
from medground_bench.leaderboard.opening import open_store
from medground_bench.leaderboard.watching import WatchedBoard, WatchedStore

NO_BOARD = (
    f"No board here yet: this Space has no results/{FILE}. `medground demo` makes one for the phantom; "
    f"`python -m builder publish-space --results` brings it here. {LOOKS_AGAIN}"
)


def kept_board() -> Board:
    """The board, looked for whenever it is asked for; SourceMissing where there is none, or none that can be read."""
    with looked_for("board"):
        board = watched_board().now()
    if board is None:
        raise SourceMissing(NO_BOARD)
    return board


@cache
def watched_store() -> WatchedStore | None:
    """The store of this Space; None where it has none. Whoever changes it says so by `look_again`."""
    location = store_location()
    return WatchedStore(open_store(location)) if location else None


@cache
def watched_board() -> WatchedBoard:
    """The one board of all visitors."""
    return WatchedBoard(results_folder, watched_store())
