"""The desk at which this Space takes submissions: a store and a benchmark, opened once a process."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from threading import Event, Lock, Thread

from kept_board import watched_store
from results_folder import STORE_VARIABLE, results_folder, store_location

from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.errors import MedgroundError, one_line
from medground_bench.leaderboard.accepting import SubmissionDesk
from medground_bench.leaderboard.case_book import CASES_FILE
from medground_bench.leaderboard.near_copies import Quads
from medground_bench.leaderboard.opening import open_store
from medground_bench.leaderboard.replies import not_accepted
from medground_bench.leaderboard.truth import Truth
from medground_bench.leaderboard.watching import WatchedBook

BENCHMARK_VARIABLE = "MEDGROUND_BENCHMARK"
NOT_OPEN = (
    f"This Space takes no submissions yet: make a store with `python -m builder board open STORE --benchmark BENCHMARK "
    f"--by LOGIN --page ADDRESS`, and start it with {STORE_VARIABLE}=STORE and {BENCHMARK_VARIABLE}=BENCHMARK."
)
AGAIN_S = 60.0
"""Between two looks for what was received and not scored: a store may have been away, or a process killed."""

log = logging.getLogger(__name__)
_TURN = Lock()
"""Whoever comes while the benchmark is being read waits for it, and does not read it again."""


class NotOpen(MedgroundError):
    """A Space without a store of submissions, or without the benchmark whose truth scores them."""


def takes_submissions() -> bool:
    """Whether a store and a benchmark are named."""
    return bool(store_location() and os.environ.get(BENCHMARK_VARIABLE))


def kept_desk() -> SubmissionDesk:
    """The desk of this process; NotOpen without one, NotAccepted where store or benchmark cannot be reached now."""
    if not takes_submissions():
        raise NotOpen(NOT_OPEN)
    with _TURN, not_accepted():
        return _desk(store_location(), os.environ[BENCHMARK_VARIABLE])


@contextmanager
def changing_desk() -> Iterator[SubmissionDesk]:
    """The same for whoever changes what it keeps: the board looks at the store again afterwards."""
    desk = kept_desk()
    try:
        yield desk
    finally:
        with suppress(MedgroundError):  # a store that is gone meanwhile is the desk's to tell
            if (watched := watched_store()) is not None:
                watched.look_again()


def take_up_beside() -> Event:
    """Read the benchmark, and finish what something stopped, now and every `AGAIN_S`, while the page is served already.

    Setting what is returned ends it.
    """
    ended = Event()
    if takes_submissions():
        Thread(target=_take_up, args=(ended,), daemon=True).start()
    return ended


@cache
def _desk(store: str, benchmark: str) -> SubmissionDesk:
    return SubmissionDesk(open_store(store), Truth.of(open_benchmark(benchmark)), ours=our_boxes)


_OURS = WatchedBook(results_folder)
"""The whole book of our results: nobody is shown it, but a copy of what it holds is known."""


def our_boxes() -> list[Mapping[str, Quads]]:
    """What our methods gave, as far as the results of this Space say it."""
    return [run.boxes for run in _OURS.now().runs] if (results_folder() / CASES_FILE).is_file() else []


def _take_up(ended: Event) -> None:
    while not ended.is_set():
        try:
            with not_accepted(), changing_desk() as desk:
                for reply in desk.take_up():
                    log.info("taken up: %s", one_line(reply.said))
        except MedgroundError as error:
            log.warning("submissions cannot be taken up, trying again in %.0f s: %s", AGAIN_S, error)
        ended.wait(AGAIN_S)
