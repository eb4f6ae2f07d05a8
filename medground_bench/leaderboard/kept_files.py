"""Files of a store that never change: read as its log names them, and taken apart once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from medground_bench.leaderboard.records import BadRecord
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.store import Snapshot
from medground_bench.storage.whole_files import sha256

Made = TypeVar("Made")


def kept_file(snapshot: Snapshot, register: Register, name: str) -> bytes:
    """The content of a file; FileMissing where it is not there, BadRecord where it is not the one that was written."""
    content = snapshot.read(name)
    if sha256(content) != register.files.get(name):
        raise BadRecord(f"{name} of the store is not the file that its log names.")
    return content


@dataclass
class MadeOnce(Generic[Made]):
    """What was made of files, by their content: of those asked for last, `most`.

    Every file is read and hashed all the same, so what is given is never that of a file as it was before.
    """

    make: Callable[[bytes], Made]
    most: int = 1000
    _made: dict[str, Made] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def of(self, snapshot: Snapshot, register: Register, name: str) -> Made:
        """Of one file; FileMissing and BadRecord as of `kept_file`, and what `make` raises."""
        content, digest = kept_file(snapshot, register, name), register.files[name]
        with self._lock:
            made = self._made.pop(digest) if digest in self._made else self.make(content)
            self._made[digest] = made
            if len(self._made) > self.most:
                del self._made[next(iter(self._made))]
        return made
