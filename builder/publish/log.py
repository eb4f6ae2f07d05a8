"""A log that only grows: what was done towards the hub, by whom, and when."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from medground_bench.storage.whole_files import Plain

OWN_FILE = 0o600


def append(path: Path, entry: Mapping[str, Plain]) -> None:
    """Add an entry as a line of JSON with the time, on the disk when this returns; the file is for this user alone."""
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **entry}, ensure_ascii=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWN_FILE)
    try:
        os.write(handle, f"{line}\n".encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)
