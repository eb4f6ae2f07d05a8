"""Files that appear whole or not at all, and keys made of content."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TypeAlias

from medground_bench.core.errors import MedgroundError

Plain: TypeAlias = "str | int | float | bool | Sequence[Plain] | Mapping[str, Plain] | None"
"""What a fingerprint may be made of: exactly what JSON can say."""


def sha256(content: bytes) -> str:
    """Hexadecimal digest of the bytes."""
    return hashlib.sha256(content).hexdigest()


def fingerprint(**inputs: Plain) -> str:
    """Key of a unit of work: the digest of all its inputs by name; the order of the names does not matter."""
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return sha256(text.encode("ascii"))


def write_whole(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file so that it is there whole or not at all, also after a kill or a power cut.

    A temporary sibling is written and flushed to the disk, then renamed; `clear_leftovers` clears what a kill leaves.
    An OSError names the file, also that of a full disk.

    mode  who may read it, less the user's umask
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hold(file: IO[bytes] | IO[str] | int, what: Path, holder: str = "another process") -> None:
    """Lock an open file for this process until it is closed; a kill frees it too. MedgroundError when it is held."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise MedgroundError(f"{what} is in use by {holder}. Wait until it is done, or stop it.") from None


def clear_leftovers(folder: Path) -> None:
    """Remove temporary siblings that a killed `write_whole` left anywhere under a folder."""
    for leftover in sorted(folder.rglob(".*.tmp")):
        leftover.unlink(missing_ok=True)
