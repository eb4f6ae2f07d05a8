"""Files of a store that never change, as its log names them."""

from __future__ import annotations

from medground_bench.leaderboard.records import BadRecord
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.store import Snapshot
from medground_bench.storage.whole_files import sha256


def kept_file(snapshot: Snapshot, register: Register, name: str) -> bytes:
    """The content of a file; FileMissing where it is not there, BadRecord where it is not the one that was written."""
    content = snapshot.read(name)
    if sha256(content) != register.files.get(name):
        raise BadRecord(f"{name} of the store is not the file that its log names.")
    return content
