"""What the pages of the Space share: where results and submissions lie, and how an error is shown."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import gradio as gr

from medground_bench.core.errors import MedgroundError, SourceMissing, one_line
from medground_bench.leaderboard.opening import results_at

RESULTS_VARIABLE, STORE_VARIABLE = "MEDGROUND_RESULTS", "MEDGROUND_STORE"
LOOKED_S, MISSED_S = 60.0, 3.0
"""So long the newest results on the hub are taken to be the newest, and those it did not give to be missing: a page
asks several times, and a hub that does not answer is waited for."""

log = logging.getLogger(__name__)
LOOKS_AGAIN = "A reload of the page looks again."


@dataclass
class _Look:
    """The last look for results; who comes while one is going on waits for it.

    What was found stays while the hub does not give a newer one.
    """

    location: str = ""
    found: Path | SourceMissing = field(default_factory=Path)
    until: float = 0.0
    turn: Lock = field(default_factory=Lock)

    def at(self, location: str) -> Path:
        with self.turn:
            if location != self.location or time.monotonic() >= self.until:
                found, had = _found(location), self.found if location == self.location else None
                if isinstance(found, SourceMissing) and isinstance(had, Path):
                    log.warning("results stay those of %s: %s", had.name, one_line(found))
                    found = had
                self.location, self.found = location, found
                here_s = math.inf if "@" in location else LOOKED_S
                self.until = time.monotonic() + (here_s if isinstance(found, Path) else MISSED_S)
            found = self.found
        if isinstance(found, SourceMissing):
            raise SourceMissing(str(found)) from found
        return found


_LAST = _Look()


def results_folder() -> Path:
    """Where the board and the tuned settings are read from; SourceMissing where the hub does not give them."""
    return _LAST.at(os.environ.get(RESULTS_VARIABLE) or str(Path(__file__).parent / "results"))


def _found(location: str) -> Path | SourceMissing:
    try:
        return results_at(location)
    except SourceMissing as error:
        return error


def store_location() -> str:
    """Where submissions are kept, a folder or a hub id; empty where this Space takes none."""
    return os.environ.get(STORE_VARIABLE, "")


@contextmanager
def looked_for(what: str) -> Iterator[None]:
    """What cannot be read now as one SourceMissing for visitors, who may look again."""
    try:
        yield
    except MedgroundError as error:
        raise SourceMissing(f"The {what} cannot be read now. {error} {LOOKS_AGAIN}") from error


@contextmanager
def errors_shown() -> Iterator[None]:
    """Our own errors as a message on the page; any other stays the server's."""
    try:
        yield
    except MedgroundError as error:
        raise gr.Error(str(error), duration=None, print_exception=False) from error
