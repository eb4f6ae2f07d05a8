"""A store in a folder of this machine.

A change is first put together beside the store, then named as done by one rename, then moved into place: a kill leaves
all of it or nothing, and whoever looks next finishes the moving. A lock lets one process or thread in at a time.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from medground_bench.core.errors import FolderTaken
from medground_bench.leaderboard import audit
from medground_bench.leaderboard.store import (
    BOARD,
    MUTABLE,
    NoStore,
    Snapshot,
    StoreAway,
    demand_only_added,
    head_of,
)
from medground_bench.storage.hub_calls import Moved
from medground_bench.storage.whole_files import clear_leftovers, flush_folder, write_whole

LOCK, DRAFT, READY = ".lock", ".draft", ".ready"
PATIENCE_S, PAUSE_S = 20.0, 0.01


@dataclass(frozen=True, slots=True)
class FolderStore:
    """The store in a folder."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> FolderStore:
        """A new store in a folder that is not there or empty; FolderTaken where it holds something."""
        if folder.exists() and any(folder.iterdir()):
            raise FolderTaken(f"{folder} is not empty. Name another folder for a new store of submissions.")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOCK).touch()
        return cls(folder)

    @classmethod
    def at(cls, folder: Path) -> FolderStore:
        """The store that is there; NoStore where there is none."""
        if not cls.is_in(folder):
            raise NoStore(f"{folder} is no store of submissions.")
        return cls(folder)

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Whether a folder holds a store."""
        return (folder / LOCK).is_file()

    def look(self) -> Snapshot:
        """What is there now."""
        with self._held():
            return self._looked()

    def commit(self, files: Mapping[str, bytes], *, after: Snapshot, title: str) -> None:
        """Add files, all or none; `title` is for stores that keep one."""
        demand_only_added(after, files)
        with self._held():
            if self._looked().head != after.head:
                raise Moved(f"cannot change {self.folder}: another change came first.")
            self._put(files)

    def address(self, name: str) -> str:
        """The path of a file from beside the store: where that is, is nothing for whoever is sent it."""
        return f"{self.folder.resolve().name}/{name}"

    def _looked(self) -> Snapshot:
        places = (path for path in self.folder.rglob("*") if path.is_file())
        names = frozenset(path.relative_to(self.folder).as_posix() for path in places)
        names = frozenset(name for name in names if not name.startswith("."))
        now = {name: (self.folder / name).read_bytes() for name in sorted(MUTABLE & names)}
        log = now.get(audit.FILE, b"")
        head = head_of(log + now.get(BOARD, b""))
        return Snapshot(head, names, lambda name: now[name] if name in now else self._read(name))

    def _read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def _put(self, files: Mapping[str, bytes]) -> None:
        draft, ready = self.folder / DRAFT, self.folder / READY
        shutil.rmtree(draft, ignore_errors=True)
        for name, content in files.items():
            write_whole(draft / name, content)
        draft.rename(ready)
        flush_folder(self.folder)
        self._finish()

    def _finish(self) -> None:
        """Move what is ready into place; done twice it does no more."""
        ready = self.folder / READY
        if not ready.is_dir():
            return
        for path in sorted(path for path in ready.rglob("*") if path.is_file()):
            to = self.folder / path.relative_to(ready)
            to.parent.mkdir(parents=True, exist_ok=True)
            path.replace(to)
            flush_folder(to.parent)
        shutil.rmtree(ready)
        flush_folder(self.folder)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Alone in the store, with every change in place; StoreAway where another stays in it, or where it is gone."""
        try:
            handle = os.open(self.folder / LOCK, os.O_RDONLY)
        except OSError as error:
            raise StoreAway(
                f"the store {self.folder.name} cannot be reached ({error.strerror}). Try again later."
            ) from error
        try:
            until = time.monotonic() + PATIENCE_S
            while not _locked(handle):
                if time.monotonic() > until:
                    raise StoreAway(f"the store {self.folder.name} is in use by another process. Try again.")
                time.sleep(PAUSE_S)
            self._finish()
            clear_leftovers(self.folder / DRAFT)
            yield
        finally:
            os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
