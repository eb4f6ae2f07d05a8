"""Apps of Spaces in processes of their own, also as the hub starts them: from one folder, with nothing else of ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.error import URLError
from urllib.request import urlopen

import gradio_client
import pytest

from tests.kit.ports import free_port

ROOT = Path(__file__).parents[2]
APP = str(ROOT / "space_app" / "app.py")
QUIET = {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
STARTS_WITHIN_S, ENDS_WITHIN_S = 180, 60
FAILED_EVENT, REFUSED_PATH = "in process_events", "gradio.exceptions.InvalidPathError: "
"""In the traceback of a function of the page that failed, and of one that was given a path that is no upload."""

NURSERY = """
import json, os, runpy, sys
import gradio, torch

for line in sys.stdin:
    app, environment, said = json.loads(line)
    child = os.fork()
    if child == 0:
        os.environ |= environment
        for stream in (1, 2):
            os.dup2(os.open(said, os.O_WRONLY | os.O_APPEND), stream)
        sys.argv = [app]
        sys.path[0] = os.path.dirname(app)
        runpy.run_path(app, run_name="__main__")
        sys.exit()
    print(child, flush=True)
    os.waitpid(child, 0)
"""
"""A process that has imported what takes an app most of its start, and forks one app after the other."""


def wait_for(url: str, server: subprocess.Popen | Forked) -> None:
    """Until the server answers; a failed test where it never does."""
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310  our own server
                return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"the Space did not start: {server.poll()}")


@dataclass(frozen=True)
class Forked:
    """A process that another one forked, and will reap."""

    pid: int

    def poll(self) -> int | None:
        """None while it is there."""
        return None if Path(f"/proc/{self.pid}").is_dir() else 0

    def terminate(self) -> None:
        """End it; it may take its time."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float) -> None:
        """Until it is gone; TimeoutExpired after so many seconds."""
        until = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.05)


@contextmanager
def nursery() -> Iterator[subprocess.Popen[str]]:
    """A running NURSERY."""
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY],
        env=os.environ | QUIET,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        yield running
        running.stdin.close()


@contextmanager
def forked(parent: subprocess.Popen[str], **environment: str) -> Iterator[str]:
    """The address of the checkout's Space, which answers; as `serving`, but that the nursery has done its imports."""
    url, port = _free_address()
    with _failures_told() as said:
        parent.stdin.write(json.dumps([APP, QUIET | port | environment, said]) + "\n")
        parent.stdin.flush()
        server = Forked(int(parent.stdout.readline()))
        try:
            wait_for(url, server)
            yield url
        finally:
            _ended(server)


@contextmanager
def started(*line: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address that the checkout's Space will have, and its process: Python on that line, stopped by SIGTERM.

    An event whose traceback stands on its standard error, where no visitor sees it, is a failure.
    """
    url, port = _free_address()
    with (
        _failures_told() as said,
        Path(said).open("ab") as heard,
        subprocess.Popen(
            [sys.executable, *line], env=os.environ | QUIET | port | environment, stderr=heard
        ) as server,
    ):
        try:
            yield url, server
        finally:
            _ended(server)


def _free_address() -> tuple[str, dict[str, str]]:
    """Where a Space may listen, and the setting by which it does."""
    port = free_port()
    return f"http://127.0.0.1:{port}/", {"GRADIO_SERVER_PORT": str(port)}


@contextmanager
def _failures_told() -> Iterator[str]:
    """The file for what an app says; in the end AssertionError if an event of a page failed."""
    with NamedTemporaryFile() as said:
        yield said.name
        told = Path(said.name).read_text("utf-8", "replace")
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


def _ended(server: subprocess.Popen | Forked) -> None:
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
