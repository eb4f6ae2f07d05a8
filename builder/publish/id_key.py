"""The key of opaque ids: a file of the maintainers' own, the same for everyone who adds to a dataset."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from builder.publish.columns import CREDENTIALED
from builder.publish.released_rows import LEAST_KEY_BYTES, BadKey
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.storage.whole_files import write_whole

OWN_FILE = 0o600


def usual_place() -> Path:
    """Where the key is unless said otherwise: with this user's settings."""
    settings = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(settings) / "medground-bench" / "opaque_ids.key"


def key_for(folder: DatasetFolder, file: Path | None) -> bytes:
    """The key in a file, by default the usual one, which is made where it is not there.

    A folder without credentialed rows has no id that needs it: it gets a key of nobody's, and no file is made.
    """
    if file is None and not folder.sources().intersection(CREDENTIALED):
        return secrets.token_bytes(LEAST_KEY_BYTES)
    place = file or usual_place()
    if place.exists():
        return read_key(place)
    if file is not None:
        raise BadKey(f"{file}: there is no such file. Take the key of whoever published first.")
    return make_key(place)


def read_key(path: Path) -> bytes:
    """The key of a file: hexadecimal digits of 32 bytes or more.

    BadKey where it is none, or where others may read it.
    """
    if path.stat().st_mode & 0o077:
        raise BadKey(
            f"{path} can be read by others, and who has the key can find the picture of every id. Run: chmod 600 {path}"
        )
    try:
        key = bytes.fromhex(path.read_text("ascii"))
    except ValueError:
        key = b""
    if len(key) < LEAST_KEY_BYTES:
        raise BadKey(
            f"{path} is no key of opaque ids: {2 * LEAST_KEY_BYTES} hexadecimal digits or more are one. Take the file "
            "of whoever published first."
        )
    return key


def make_key(path: Path) -> bytes:
    """A new key, kept in a file that only this user can read."""
    key = secrets.token_bytes(LEAST_KEY_BYTES)
    write_whole(path, f"{key.hex()}\n".encode("ascii"), mode=OWN_FILE)
    return key
