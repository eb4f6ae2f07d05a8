"""A file of finished units of work, one JSON line each, so that a killed run goes on where it was.

A unit's key is made of all its inputs, so one journal may hold the units of several runs, and a unit whose inputs have
changed is made again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO

from medground_bench.storage.whole_files import flush_folder, hold

Entry = dict[str, Any]  # json.loads gives no types: who reads an entry makes its own record of it
"""What is kept of a unit of work: exactly what JSON can say."""


@dataclass(slots=True)
class Journal:
    """An open and held file, and its entries by key."""

    file: BinaryIO
    known: dict[str, Entry]

    def once(self, key: str, make: Callable[[], Entry]) -> Entry:
        """The entry of that key, made and kept when it is not there; either way as it comes back from JSON."""
        if key not in self.known:
            line = json.dumps({"key": key, "entry": make()}, allow_nan=False)
            self.file.write(f"{line}\n".encode("ascii"))
            self.file.flush()
            os.fsync(self.file.fileno())
            self.known[key] = json.loads(line)["entry"]
        return self.known[key]


@contextmanager
def opened_journal(path: Path) -> Iterator[Journal]:
    """Go on with a journal, or begin one; whatever comes after its last whole line is cut off.

    MedgroundError when another process has it open.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        hold(file, path)
        flush_folder(path.parent)
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
        known = [entry for entry in takewhile(bool, map(_read, lines)) if entry]
        file.truncate(sum(map(len, lines[: len(known)])))
        yield Journal(file, dict(known))


def _read(raw: bytes) -> tuple[str, Entry] | None:
    """Key and entry of a line; None for one that a kill cut short, that is damaged, or that is no journal's."""
    if not raw.endswith(b"\n"):
        return None
    try:
        line = json.loads(raw)
        key, entry = line["key"], line["entry"]
    except (ValueError, KeyError, TypeError):
        return None
    return (key, entry) if isinstance(key, str) and isinstance(entry, dict) else None
