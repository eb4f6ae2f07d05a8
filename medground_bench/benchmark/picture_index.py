"""Digests of the pictures of a user's copy, kept in one small file so that no picture is decoded twice for its digest.

It says whether a file is the picture of a question, which is a credentialed source's to know. So it lies beside the
copy, or, where nobody may write there, in the user's own cache; it can be read by this user alone, and of another user
it is not believed. Its keys are digests as well: no file is named in it.
"""

from __future__ import annotations

import json
import os
import time
import warnings
import weakref
from pathlib import Path

from medground_bench.pictures.reader_code import reader_code
from medground_bench.storage.whole_files import fingerprint, write_whole

NAME = ".medground-pictures.json"
OWN_FILE, OTHERS_MAY_WRITE = 0o600, 0o022
KEPT_AT_ONCE, KEPT_EVERY_S = 256, 30.0
"""New digests are written when there are so many of them, or after so long; a kill loses no more."""


def index_file(folder: Path) -> Path:
    """Where the index of a folder of pictures is: in it, or in the user's cache.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     index_file(Path(folder)).name
    '.medground-pictures.json'
    """
    beside = folder / NAME
    may_write = os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    if _is_own(beside) if beside.exists() else may_write:
        return beside
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "medground-bench" / f"pictures-{fingerprint(folder=str(folder.resolve()))[:16]}.json"


class PictureIndex:
    """The digests that are known, by the state of a file and the reader of its pictures.

    reader  what else decides the greys, besides the library's reader: the source and its rule

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     picture = Path(folder) / "a.png"
    ...     size = picture.write_bytes(b"greys")
    ...     index = PictureIndex(Path(folder), reader="min-max")
    ...     index.keep(index.key(picture), "1f2e")
    ...     index.write()
    ...     again = PictureIndex(Path(folder), reader="min-max")
    ...     again.get(again.key(picture)), again.get(again.key(Path(folder) / "b.png"))
    ('1f2e', None)
    """

    def __init__(self, folder: Path, reader: str) -> None:
        self._reader = fingerprint(reader=reader, code=reader_code())
        self._digests = _Digests(index_file(folder))
        weakref.finalize(self, self._digests.write)

    def key(self, picture: Path) -> str | None:
        """Of a file as it is now: its name, its size, and when it was changed; None where there is none."""
        try:
            state = picture.stat()
        except OSError:
            return None
        times = [state.st_size, state.st_mtime_ns, state.st_ctime_ns]
        return fingerprint(name=picture.name, state=times, reader=self._reader)[:32]

    def get(self, key: str | None) -> str | None:
        """The digest of the picture that a key stands for."""
        return None if key is None else self._digests.known.get(key)

    def keep(self, key: str | None, digest: str) -> None:
        """Remember it; from time to time, and in the end, all are written."""
        if key is not None:
            self._digests.add(key, digest)

    def write(self) -> None:
        """Write what is new; a warning where the disk does not take it, for it is a help and no more."""
        self._digests.write()


class _Digests:
    """What a file knows, and what is new."""

    def __init__(self, file: Path) -> None:
        self.file, self.known = file, _read(file)
        self.new, self.written_s = 0, time.monotonic()

    def add(self, key: str, digest: str) -> None:
        self.known[key] = digest
        self.new += 1
        if self.new >= KEPT_AT_ONCE or time.monotonic() - self.written_s > KEPT_EVERY_S:
            self.write()

    def write(self) -> None:
        if not self.new:
            return
        self.new, self.written_s = 0, time.monotonic()
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.file, json.dumps(self.known, sort_keys=True).encode("ascii"), mode=OWN_FILE)
        except OSError as error:
            what = f"{self.file} cannot be written ({error.strerror})"
            warnings.warn(f"{what}; the pictures will be digested again next time.", stacklevel=3)


def _is_own(file: Path) -> bool:
    """Whether nobody else may have written it."""
    state = file.lstat()
    return state.st_uid == os.geteuid() and not state.st_mode & OTHERS_MAY_WRITE


def _read(file: Path) -> dict[str, str]:
    """What a file knows; nothing where it is not there, is not ours or is damaged."""
    try:
        content = json.loads(file.read_bytes()) if _is_own(file) else {}
    except (OSError, ValueError):
        return {}
    pairs = content.items() if isinstance(content, dict) else ()
    return {key: digest for key, digest in pairs if isinstance(digest, str)}
