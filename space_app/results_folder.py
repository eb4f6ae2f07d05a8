"""What the pages of the Space share: where results and submissions lie, and how an error is shown."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import gradio as gr

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.opening import results_at

RESULTS_VARIABLE, STORE_VARIABLE = "MEDGROUND_RESULTS", "MEDGROUND_STORE"
LOOKED_S = 60
"""So long the newest results on the hub are taken to be the newest."""


def results_folder() -> Path:
    """Where the board and the tuned settings are read from; SourceMissing where the hub does not give them."""
    location = os.environ.get(RESULTS_VARIABLE) or str(Path(__file__).parent / "results")
    return _at(location, 0 if "@" in location else time.monotonic() // LOOKED_S)


@lru_cache(maxsize=1)
def _at(location: str, _period: float) -> Path:
    return results_at(location)


def store_location() -> str:
    """Where submissions are kept, a folder or a hub id; empty where this Space takes none."""
    return os.environ.get(STORE_VARIABLE, "")


@contextmanager
def errors_shown() -> Iterator[None]:
    """Our own errors as a message on the page; any other stays the server's."""
    try:
        yield
    except MedgroundError as error:
        raise gr.Error(str(error), duration=None, print_exception=False) from error
