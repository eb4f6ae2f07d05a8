"""A folder on any filesystem that fsspec knows: a local path, or an address such as memory://, s3:// or hf://."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fsspec.core import url_to_fs

from medground_bench.core.errors import MedgroundError
from medground_bench.storage.whole_files import clear_leftovers, write_whole


class NoSuchPlace(MedgroundError):
    """An address of a filesystem that is not known or not installed here."""


class Place:
    """Files by name in one folder; a file is there whole or not at all.

    On the disk a write is a rename, elsewhere a single put, which an object store makes whole.

    local  the folder on the disk, None elsewhere
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

    def __truediv__(self, name: str) -> Place:
        return Place(self.local / name if self.local is not None else f"{self.where.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.where

    def prepare(self) -> None:
        """Make it ready to be written to by one process; clears what a killed one left."""
        if self.local is not None:
            self.local.mkdir(parents=True, exist_ok=True)
            clear_leftovers(self.local)

    def names(self, suffix: str) -> list[str]:
        """The files that end so, sorted; none when the folder is not there. Lists once."""
        if self.local is not None:
            found = [path.name for path in self.local.iterdir()] if self.local.is_dir() else []
        else:
            self._files.invalidate_cache()
            try:
                found = [PurePosixPath(path).name for path in self._files.ls(self._path, detail=False)]
            except FileNotFoundError:
                found = []
        return sorted(name for name in found if name.endswith(suffix) and not name.startswith("."))

    def read(self, name: str) -> bytes:
        """The content of a file; FileNotFoundError when it is not there."""
        if self.local is not None:
            return (self.local / name).read_bytes()
        content: bytes = self._files.cat_file(f"{self._path}/{name}")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place, whole or not at all."""
        if self.local is not None:
            write_whole(self.local / name, content)
        else:
            self._files.pipe_file(f"{self._path}/{name}", content)

    def remove(self, name: str) -> None:
        """Take a file away; nothing when it is not there."""
        if self.local is not None:
            (self.local / name).unlink(missing_ok=True)
        elif self._files.exists(f"{self._path}/{name}"):
            self._files.rm_file(f"{self._path}/{name}")
