"""The book of cases that lies in the results folder, read once as long as the file stays as it is."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from results_folder import results_folder

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.case_book import CASES_FILE, CaseBook

NO_BOOK = (
    f"**No cases here yet.** This Space has no `results/{CASES_FILE}`. `medground demo` makes one; `python -m builder "
    "publish-space --results` brings the part of it here that is about phantoms."
)
NO_CASES = (
    "**No cases to show.** This copy of the benchmark has the keys of its cases and not the expert boxes, so there is "
    "nothing to draw or to compare."
)


def kept_book() -> CaseBook:
    """The book as it is now; SourceMissing where there is none."""
    folder = results_folder()
    file = folder / CASES_FILE
    changed = file.stat().st_mtime_ns if file.is_file() else 0
    return _read(folder, changed)


def why_no_book() -> str:
    """What stands on a page of cases that has none to show; empty where there are some."""
    try:
        if not (results_folder() / CASES_FILE).is_file():
            return NO_BOOK
        return "" if kept_book().cases else NO_CASES
    except MedgroundError as error:
        return f"**The cases cannot be read.** {error}"


@lru_cache(maxsize=2)
def _read(folder: Path, _changed: int) -> CaseBook:
    return CaseBook.read(folder)
