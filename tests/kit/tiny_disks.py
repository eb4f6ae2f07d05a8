"""Disks that are really full."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tiny_disk(at: Path, kilobytes: int) -> Iterator[Callable[[], object]]:
    """Mount a disk of that size at a new folder; gives what makes it a thousand times larger."""
    at.mkdir()

    def mount(*options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "none", str(at)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root may mount a disk")

    mount(f"size={kilobytes}k")
    try:
        yield lambda: mount("remount", f"size={kilobytes}m")
    finally:
        subprocess.run(["umount", str(at)], check=True)
