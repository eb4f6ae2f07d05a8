"""The book of cases of this Space as it is now: that of its results, and the submissions of its store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from kept_board import watched_store
from results_folder import results_folder
from signing_in import is_on_a_space

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.case_book import CASES_FILE, CaseBook
from medground_bench.leaderboard.case_views import withheld_sentence
from medground_bench.leaderboard.watching import WatchedBook

NO_BOOK = (
    f"**No cases here yet.** This Space has no `results/{CASES_FILE}`. `medground demo` makes one; `python -m builder "
    "publish-space --results` brings the part of it here that is about phantoms."
)


def kept_book() -> CaseBook:
    """The book; SourceMissing where there is none."""
    return _watched().now()


def why_no_book() -> str:
    """What stands on a page of cases that has none to show; empty where there are some."""
    try:
        if not (results_folder() / CASES_FILE).is_file():
            return NO_BOOK
        book = kept_book()
    except MedgroundError as error:
        return f"**The cases cannot be read.** {error}"
    return "" if book.cases else f"**No cases to show.** {withheld_sentence(book)}"


def labelled(book: CaseBook, methods: Sequence[str]) -> list[tuple[str, str]]:
    """Methods as choices: name for people, and name."""
    return [(book.shown[name], name) for name in methods]


@cache
def _watched() -> WatchedBook:
    return WatchedBook(results_folder, watched_store(), for_everybody=is_on_a_space())
