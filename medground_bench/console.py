"""What every command line of the project shares: errors as one paragraph, exit codes, progress bars.

Exit codes: 0 done, 1 the input is at fault, 2 usage (also a name nobody has), 3 our fault; 130 and 143 when stopped by
Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

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

from medground_bench.errors import MedgroundError, UnknownName

INPUT_AT_FAULT, USAGE, OUR_FAULT = 1, 2, 3
EXTRAS = {
    "evaluate": "metric",
    "gradio": "space",
    "safetensors": "lvlm",
    "torch": "lvlm",
    "transformers": "lvlm",
}
"""Library -> the extra of this package that installs it."""

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
def progress(label: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr with a rate and the time left; yields a function that takes how many more are done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(unit),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.advance(task, done)


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} {self.unit}/s" if speed else f"- {self.unit}/s")


def _stop(number: int, _frame: FrameType | None) -> Any:
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
