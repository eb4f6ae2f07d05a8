"""The book of cases of this Space as it is now: that of its results, and the submissions of its store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from kept_board import watched_store
from results_folder import LOOKS_AGAIN, looked_for, results_folder
from signing_in import is_on_a_space
from submission_desk import takes_submissions

from medground_bench.core.errors import SourceMissing
from medground_bench.leaderboard.case_book import CASES_FILE, CaseBook
from medground_bench.leaderboard.watching import WatchedBook

NO_BOOK = (
    f"No cases here yet: this Space has no results/{CASES_FILE}. `medground demo` makes one; `python -m builder "
    f"publish-space --results` brings the part of it here that is about phantoms. {LOOKS_AGAIN}"
)


def kept_book() -> CaseBook:
    """The book, looked for whenever it is asked for; SourceMissing where there is none, or none that can be read."""
    with looked_for("cases"):
        if (results_folder() / CASES_FILE).is_file():
            return _watched().now()
    raise SourceMissing(NO_BOOK)


def labelled(book: CaseBook, methods: Sequence[str]) -> list[tuple[str, str]]:
    """Methods as choices: name for people, and name."""
    return [(book.shown[name], name) for name in methods]


@cache
def _watched() -> WatchedBook:
    """On one's own machine with all that its results hold, unless others submit to it."""
    return WatchedBook(results_folder, watched_store(), for_everybody=is_on_a_space() or takes_submissions())
