"""The key of opaque ids: a file of the maintainers' own, the same for everyone who adds to a dataset."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
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


def key_for(folder: DatasetFolder, file: Path | None, *, new: bool) -> bytes:
    """The key in a file, by default the usual one.

    new  whether a key may be made where there is none: for a first release of credentialed rows

    A folder without credentialed rows has no id that needs it: it gets a key of nobody's, and no file is made.
    """
    place = file or usual_place()
    if place.exists():
        return read_key(place)
    if file is not None:
        raise BadKey(f"{file}: there is no such file. Take the key of whoever published first.")
    if not folder.sources().intersection(CREDENTIALED):
        return secrets.token_bytes(LEAST_KEY_BYTES)
    if not new:
        raise BadKey(
            f"the dataset has opaque ids already, and their key is not in {place}. Take the file of whoever published "
            "first, by --id-key; with another key every id would be another."
        )
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
    """A new key in a file that only this user can read; where another process was quicker, its key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    write_whole(whole, f"{secrets.token_hex(LEAST_KEY_BYTES)}\n".encode("ascii"), mode=OWN_FILE)
    with suppress(FileExistsError):
        path.hardlink_to(whole)
    whole.unlink()
    return read_key(path)
