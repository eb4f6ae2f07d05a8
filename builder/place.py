"""A folder on any filesystem that fsspec knows: a local path, or an address such as memory://, s3:// or hf://."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TypeVar

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from medground_bench.core.errors import MedgroundError, one_line
from medground_bench.storage.whole_files import clear_leftovers, write_whole

WAITS_S = (1.0, 5.0, 25.0)
"""Before a filesystem elsewhere is asked again. s3fs itself asks S3 5 to 50 times, over 2 to 46 seconds."""

OWN_FOLDER, OWN_FILE = 0o700, 0o600
"""Modes of what is made on the disk: it is this user's alone, for it holds patients and credentialed pictures."""

Said = TypeVar("Said")
log = logging.getLogger(__name__)


class NoSuchPlace(MedgroundError):
    """An address of a filesystem that is not known or not installed here."""


class PlaceFailed(MedgroundError):
    """A filesystem elsewhere that does not do what it is asked, also when it is asked again."""


class Place:
    """Files by name in one folder; a file is there whole or not at all.

    On the disk a write is a rename, elsewhere a single put, which an object store makes whole. A filesystem
    elsewhere is asked again when it fails, a few times; after that there is PlaceFailed. On the disk its files, and the
    folder where it is made here, are for this user alone.

    local  the folder on the disk, also of an address that means one (file://); None elsewhere
    """

    def __init__(self, where: str | Path) -> None:
        self.where = str(where)
        self.local: Path | None = None
        if "://" not in self.where:
            self.local = Path(where)
            return
        try:
            self._files, self._path = url_to_fs(self.where)
        except (ImportError, ValueError) as error:
            raise NoSuchPlace(
                f"{self.where} cannot be reached: {error}. Give a local folder, or install what it needs."
            ) from error
        if isinstance(self._files, LocalFileSystem):
            self.local = Path(self._path)

    def __truediv__(self, name: str) -> Place:
        return Place(self.local / name if self.local is not None else f"{self.where.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.where

    def prepare(self) -> None:
        """Make it ready to be written to by one process; clears what a killed one left."""
        if self.local is not None:
            self.local.mkdir(OWN_FOLDER, parents=True, exist_ok=True)
            clear_leftovers(self.local)

    def names(self, suffix: str) -> list[str]:
        """The files that end so, sorted; none when the folder is not there. Lists once."""
        if self.local is not None:
            found = [path.name for path in self.local.iterdir()] if self.local.is_dir() else []
        else:
            try:
                paths = self._asked("listed", lambda: self._files.ls(self._path, detail=False))
            except FileNotFoundError:
                paths = []
            found = [PurePosixPath(path).name for path in paths]
        return sorted(name for name in found if name.endswith(suffix) and not name.startswith("."))

    def read(self, name: str) -> bytes:
        """The content of a file; FileNotFoundError when it is not there."""
        if self.local is not None:
            return (self.local / name).read_bytes()
        content: bytes = self._asked("read", lambda: self._files.cat_file(f"{self._path}/{name}"))
        return content

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place, whole or not at all."""
        if self.local is not None:
            self.local.mkdir(OWN_FOLDER, parents=True, exist_ok=True)
            write_whole(self.local / name, content, mode=OWN_FILE)
            return
        try:
            self._asked("written", lambda: self._files.pipe_file(f"{self._path}/{name}", content))
        except FileNotFoundError as error:
            raise self._failed("written", error) from error

    def remove(self, name: str) -> None:
        """Take a file away; nothing when it is not there."""
        if self.local is not None:
            (self.local / name).unlink(missing_ok=True)
        elif name in self.names(name):
            self._asked("changed", lambda: self._files.rm_file(f"{self._path}/{name}"))

    def _asked(self, done: str, ask: Callable[[], Said]) -> Said:
        """What the filesystem says now, of no listing it remembers; FileNotFoundError when there is no such thing."""
        for wait_s in (*WAITS_S, None):
            self._files.invalidate_cache()
            try:
                return ask()
            except FileNotFoundError:
                raise
            except Exception as error:
                if wait_s is None or not _may_pass(error):
                    raise self._failed(done, error) from error
                log.warning("%s cannot be %s (%s); trying again in %g s", self, done, _why(error), wait_s)
            time.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def _failed(self, done: str, error: Exception) -> PlaceFailed:
        return PlaceFailed(
            f"{self} cannot be {done}: {_why(error)}. What is done is kept: mend that and run the same command again."
        )


def _why(error: Exception) -> str:
    return one_line(getattr(error, "strerror", None) or error).removesuffix(".")


def _may_pass(error: Exception) -> bool:
    """Whether it may be gone after a while. Each filesystem has its own errors, those of lacking keys too."""
    return not isinstance(error, PermissionError) and "Credentials" not in type(error).__name__
