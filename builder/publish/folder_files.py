"""Every file of a folder, hidden ones and links too, as names and bytes: the one place where publishing reads it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file by its name within the folder, with `/` between the parts.

    content  None for what is no file of its own: a link, a device, a folder that cannot be read
    """

    name: str
    content: bytes | None


def names_of(folder: Path) -> list[str]:
    """The names of all files, sorted by their parts; nothing is read."""
    return [path.relative_to(folder).as_posix() for path in sorted(_paths(folder))]


def files_of(folder: Path, names: Collection[str] | None = None) -> Iterator[FolderFile]:
    """The files in the order of their names, all or those of some names, one at a time in memory.

    Links are named and not followed.
    """
    for name in names_of(folder):
        if names is None or name in names:
            path = folder / name
            readable = path.is_file() and not path.is_symlink()
            yield FolderFile(name, path.read_bytes() if readable else None)


def _paths(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=_give_up):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        yield from (Path(parent, name) for name in (*files, *links))


def _give_up(error: OSError) -> None:
    raise error
