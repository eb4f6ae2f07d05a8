"""The desk at which this Space takes submissions: a store and a benchmark, opened once a process."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from threading import Lock, Thread

from kept_board import watched_store
from results_folder import STORE_VARIABLE, store_location

from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.accepting import SubmissionDesk
from medground_bench.leaderboard.opening import open_store
from medground_bench.leaderboard.replies import not_accepted
from medground_bench.leaderboard.truth import Truth

BENCHMARK_VARIABLE = "MEDGROUND_BENCHMARK"
NOT_OPEN = (
    f"This Space takes no submissions yet: make a store with `python -m builder board open STORE --benchmark BENCHMARK "
    f"--by LOGIN --page ADDRESS`, and start it with {STORE_VARIABLE}=STORE and {BENCHMARK_VARIABLE}=BENCHMARK."
)
AGAIN_S = 60.0
"""Between two tries to reach a store that was away at the start."""

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


def take_up_beside() -> None:
    """Read the benchmark, and finish what an earlier process was stopped at, while the page is served already."""
    if takes_submissions():
        Thread(target=_take_up, daemon=True).start()


@cache
def _desk(store: str, benchmark: str) -> SubmissionDesk:
    return SubmissionDesk(open_store(store), Truth.of(open_benchmark(benchmark)))


def _take_up() -> None:
    while True:
        try:
            with not_accepted(), changing_desk() as desk:
                taken = desk.take_up()
        except MedgroundError as error:
            log.warning("submissions cannot be taken up, trying again in %.0f s: %s", AGAIN_S, error)
            time.sleep(AGAIN_S)
            continue
        log.info("%d submissions taken up", len(taken))
        return
