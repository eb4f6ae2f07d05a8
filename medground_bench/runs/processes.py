"""Work dealt to several processes, one a core; what each tells comes back at once."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import TypeAlias, TypeVar

from medground_bench.core.errors import MedgroundError

MOST_PROCESSES = 4
POLL_S = 1.0

Item = TypeVar("Item")
Given = TypeVar("Given")
Tell: TypeAlias = Callable[[Given], None]
Work: TypeAlias = Callable[[tuple[Item, ...], Tell[Given]], None]
"""What a process does with its share, telling what it makes; it can be pickled, and so can what is told."""


@dataclass(frozen=True, slots=True)
class _End:
    """The last word of a process."""

    error: str | None = None


def in_processes(work: Work[Item, Given], items: Sequence[Item], log: Path) -> Iterator[Given]:
    """What work tells of all items, in the order in which it is told.

    items  put the longest first
    log    gets what the processes say, so that it does not cross the parent's progress bar

    MedgroundError says what ended a process.
    """
    cores = os.cpu_count() or 1
    processes = max(1, min(cores, len(items), MOST_PROCESSES))
    context = get_context("spawn")
    messages: Queue[Given | _End] = context.Queue()
    workers = [
        context.Process(
            target=_work,
            args=(work, dealt(items, place, processes), max(1, cores // processes), log, messages),
            daemon=True,
        )
        for place in range(processes)
    ]
    for worker in workers:
        worker.start()
    try:
        yield from _told(messages, workers, log)
    finally:
        for worker in workers:
            worker.terminate()


def _told(messages: Queue[Given | _End], workers: Sequence[SpawnProcess], log: Path) -> Iterator[Given]:
    """Until every process has said its last word."""
    waiting = len(workers)
    while waiting:
        try:
            message = messages.get(timeout=POLL_S)
        except Empty:
            if any(worker.exitcode not in (None, 0) for worker in workers):
                why = f"A process was killed at work; {log} may say why."
                raise MedgroundError(f"{why} Run the same command again to go on.") from None
            continue
        if not isinstance(message, _End):
            yield message
        elif message.error is not None:
            raise MedgroundError(f"{message.error} (more in {log})")
        else:
            waiting -= 1


def dealt(items: Sequence[Item], place: int, hands: int) -> tuple[Item, ...]:
    """The share of one hand: dealt to and fro, so that long and short ones add up alike.

    >>> [dealt([4, 3, 2, 1], place, 2) for place in range(2)]
    [(4, 1), (3, 2)]
    """
    share: list[Item] = []
    for start in range(0, len(items), hands):
        forth = start // hands % 2 == 0
        share += items[start : start + hands][place if forth else hands - 1 - place :][:1]
    return tuple(share)


def _work(
    work: Work[Item, Given], share: tuple[Item, ...], threads: int, log: Path, messages: Queue[Given | _End]
) -> None:
    """The life of one process."""
    import torch

    torch.set_num_threads(threads)
    with log.open("a", encoding="utf-8", buffering=1) as told, redirect_stderr(told):
        try:
            work(share, messages.put)
            messages.put(_End())
        except Exception as error:  # noqa: BLE001  told to the parent, which raises it
            traceback.print_exc()
            messages.put(_End(f"{type(error).__name__}: {error}"))
