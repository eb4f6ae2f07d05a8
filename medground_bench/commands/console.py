"""What every command line of the project shares: errors as one paragraph, exit codes, progress.

Exit codes: 0 done, 1 the input is at fault, 2 usage (also a name nobody has), 3 our fault; 130 and 143 when stopped by
Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Lock, Thread
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from medground_bench.core.errors import MedgroundError, UnknownName

INPUT_AT_FAULT, USAGE, OUR_FAULT = 1, 2, 3
EXTRAS = {
    "diffusers": "edit",
    "evaluate": "metric",
    "gradio": "space",
    "gradio_client": "space",
    "ray": "ray",
    "safetensors": "lvlm",
    "skimage": "edit",
    "torch": "lvlm",
    "transformers": "lvlm",
}
"""Library -> the extra of this package that installs it."""

LINE_S, LINE_SHARE = 30.0, 0.05
"""Where there is no terminal, progress is told after so many seconds, or such a share of the total."""

TRACEBACK_VARIABLE = "MEDGROUND_TRACEBACK"


class Stopped(BaseException):
    """Ctrl-C or SIGTERM; no `except Exception` swallows it."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


def run(command: Callable[[], object]) -> None:
    """Run a command line and end the process with its exit code; errors are one paragraph on stderr."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        command()
    except UnknownName as error:
        _leave(str(error), USAGE)
    except MedgroundError as error:
        _leave(str(error), INPUT_AT_FAULT)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            _own_fault(error)
        extra = EXTRAS[library]
        _leave(
            f"this needs {library}, which is not installed. Install it with: "
            f"pip install 'medground-bench[{extra}]'",
            INPUT_AT_FAULT,
        )
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _leave(f"{where}{error.strerror or error}. Mend that and run the same command again.", INPUT_AT_FAULT)
    except Stopped as stopped:
        name = signal.Signals(stopped.signal_number).name
        message = f"stopped by {name}. What is done is kept: the same command goes on from there."
        _leave(message, 128 + stopped.signal_number)
    except Exception as error:  # noqa: BLE001  the last line of defence: no traceback reaches a user
        _own_fault(error)


@contextmanager
def progress(
    label: str, total: int | None, unit: str, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[int], None]]:
    """Progress on stderr with a rate and the time left; yields a function that takes how many more are done.

    A bar on a terminal; elsewhere, as in a log file, lines: every 30 seconds, also while nothing is done, or 5 %, and
    when it ends.

    total  None where nobody knows
    clock  seconds, for the lines
    """
    console = Console(stderr=True)
    if sys.stderr.isatty() or console.is_jupyter:
        with _bar(unit, console) as bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.advance(task, done)
        return
    lines = _Lines(label, total, unit, clock)
    ended = Event()
    waiting = Thread(target=lambda: _until(ended, lines.still), daemon=True)
    waiting.start()
    try:
        yield lines.advance
    finally:
        ended.set()
        waiting.join()
        lines.end()


def _until(ended: Event, say: Callable[[], None]) -> None:
    while not ended.wait(LINE_S):
        say()


def _bar(unit: str, console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(unit),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
    )


class _Lines:
    """Progress as lines of a log.

    told   seconds of the last line
    marks  (seconds, done) since which the rate is measured: of the last 30 seconds or more, so that what a resumed run
           takes from its journal in no time does not pass for its pace
    """

    def __init__(self, label: str, total: int | None, unit: str, clock: Callable[[], float]) -> None:
        self.label, self.total, self.unit, self.clock = label, total, unit, clock
        self.done, self.start = 0, clock()
        self.told, self.marks, self.lock = self.start, deque([(self.start, 0)]), Lock()

    def advance(self, done: int) -> None:
        """So many more are done; a line when it is time for one."""
        with self.lock:
            self.done += done
            now, (_then, marked) = self.clock(), self.marks[-1]
            step = LINE_SHARE * self.total if self.total else math.inf
            if self.done != self.total and (now - self.told >= LINE_S or self.done - marked >= step):
                self.marks.append((now, self.done))
                while len(self.marks) > 2 and now - self.marks[1][0] >= LINE_S:
                    self.marks.popleft()
                self._write(now)

    def still(self) -> None:
        """A line when none was due for long, so that a log tells slow work from dead work."""
        with self.lock:
            now = self.clock()
            if now - self.told >= LINE_S:
                self._write(now)

    def end(self) -> None:
        """The last line: what was done, how long it took, and the rate over all of it."""
        took_s = self.clock() - self.start
        self._say(f"{self._done()} in {_hours(took_s)}, {self._rate(self.done, took_s)}")

    def _write(self, now: float) -> None:
        self.told = now
        since, told = self.marks[0]
        took_s, new = now - since, self.done - told
        words = [self._done(), self._rate(new, took_s)]
        if self.total and new and took_s > 0:
            words.append(f"{_hours((self.total - self.done) * took_s / new)} left")
        self._say(", ".join(words))

    def _rate(self, done: int, took_s: float) -> str:
        return f"{done / took_s:.3g} {self.unit}/s" if done and took_s > 0 else f"- {self.unit}/s"

    def _done(self) -> str:
        if self.total is None:
            return f"{self.done} {self.unit}"
        share = f" ({self.done / self.total:.0%})" if self.total else ""
        return f"{self.done} of {self.total} {self.unit}{share}"

    def _say(self, words: str) -> None:
        sys.stderr.write(f"{self.label}: {words}\n")
        sys.stderr.flush()


def _hours(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} {self.unit}/s" if speed else f"- {self.unit}/s")


def _stop(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not cut the tidying short
    raise Stopped(number)


def _own_fault(error: Exception) -> NoReturn:
    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exc()
    place = traceback.extract_tb(error.__traceback__)[-1]
    _leave(
        f"a fault of this program: {type(error).__name__}: {error} (in {place.name}, line {place.lineno}). "
        f"Set {TRACEBACK_VARIABLE}=1 to see where it comes from, and please report it.",
        OUR_FAULT,
    )


def _leave(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"error: {message}\n")
    raise SystemExit(code)
