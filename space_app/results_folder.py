"""What the pages of the Space share: where results and submissions lie, and how an error is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr

from medground_bench.core.errors import MedgroundError

RESULTS_VARIABLE, STORE_VARIABLE = "MEDGROUND_RESULTS", "MEDGROUND_STORE"


def results_folder() -> Path:
    """Where the board and the tuned settings are read from."""
    return Path(os.environ.get(RESULTS_VARIABLE) or Path(__file__).parent / "results")


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
