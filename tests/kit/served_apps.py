"""Apps of Spaces in processes of their own, also as the hub starts them: from one folder, with nothing else of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from urllib.error import URLError
from urllib.request import urlopen

import gradio_client
import pytest

from tests.kit.ports import free_port

ROOT = Path(__file__).parents[2]
APP = str(ROOT / "space_app" / "app.py")
STARTS_WITHIN_S, ENDS_WITHIN_S = 180, 60
FAILED_EVENT, REFUSED_PATH = "in process_events", "gradio.exceptions.InvalidPathError: "
"""In the traceback of a function of the page that failed, and of one that was given a path that is no upload."""


def wait_for(url: str, server: subprocess.Popen) -> None:
    """Until the server answers; a failed test where it never does."""
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310  our own server
                return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"the Space did not start: {server.poll()}")


@contextmanager
def started(*line: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address that the checkout's Space will have, and its process: Python on that line, stopped by SIGTERM.

    An event whose traceback stands on its standard error, where no visitor sees it, is a failure.
    """
    url = f"http://127.0.0.1:{(port := free_port())}/"
    quiet = {"GRADIO_SERVER_PORT": str(port), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    with TemporaryFile() as said:
        with subprocess.Popen(
            [sys.executable, *line], env=os.environ | quiet | environment, stderr=said
        ) as server:
            try:
                yield url, server
            finally:
                _ended(server)
        said.seek(0)
        told = said.read().decode(errors="replace")
    assert told.count(FAILED_EVENT) == told.count(REFUSED_PATH), told


@contextmanager
def serving(*line: str, **environment: str) -> Iterator[str]:
    """The address of that Space, which answers."""
    with started(*line, **environment) as (url, server):
        wait_for(url, server)
        yield url


def alone(home: Path, **more: str) -> dict[str, str]:
    """The environment of whoever has the packages, an empty home, no token and not this checkout (with `python -S`)."""
    home.mkdir(parents=True, exist_ok=True)
    ours = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    return ours | more


@contextmanager
def served_alone(folder: Path, home: Path) -> Iterator[gradio_client.Client]:
    """A client of the `app.py` of a folder, started there."""
    url = f"http://127.0.0.1:{(port := free_port())}/"
    line, environment = [sys.executable, "-S", "app.py"], alone(home, GRADIO_SERVER_PORT=str(port))
    with subprocess.Popen(line, cwd=folder, env=environment) as server:
        try:
            wait_for(url, server)
            yield gradio_client.Client(url, verbose=False)
        finally:
            _ended(server)


def _ended(server: subprocess.Popen) -> None:
    """Stopped, and killed where it does not end: a Space that is only starting may not hear it."""
    server.terminate()
    try:
        server.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.kill()


def written(files: dict[str, bytes], folder: Path) -> Path:
    """The folder, with these files."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder
