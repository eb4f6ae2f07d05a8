"""One file from the server to the disk: resumed where it was cut, checked, and in its place whole or not at all.

While it comes it lies beside its place as `<name>.part`, with the server's mark of the version in `<name>.part.tag`.
Files are their user's alone (0600), and so are the folders that are made for them (0700).
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medground_bench.core.errors import BadPicture, MedgroundError
from medground_bench.fetching.remote import ProjectFile, WantedPicture
from medground_bench.fetching.server import AskAgain, Server
from medground_bench.pictures import picture_digest, radiograph_of
from medground_bench.storage.whole_files import flush_folder

if TYPE_CHECKING:
    from httpx2 import Response

ATTEMPTS = 6
"""So often in a row without a new byte."""

FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 600.0
"""Doubled from one attempt to the next, unless the server says how long; one that wants longer is not waited for."""

SPARE_BYTES = 100_000_000
"""Left free on the disk."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class ServerAway(MedgroundError):
    """PhysioNet does not answer, or is busy for long."""


class DiskFull(MedgroundError):
    """No room for what is to be fetched."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a file that came whole; `again` is whether to fetch it once more."""

    words: str
    again: bool


def download(server: Server, file: ProjectFile, place: Path) -> Path:
    """Fetch a file as `<place>.part`, going on with one that is there; ServerAway after several attempts in vain."""
    private_folder(place.parent)
    part = _beside(place, ".part")
    failed = 0
    while True:
        before = _size(part)
        try:
            _rest_of(server, file, part)
            return part
        except AskAgain as busy:
            failed = 1 if _size(part) > before else failed + 1
            wait_s = max(FIRST_WAIT_S * 2 ** (failed - 1), busy.wait_s or 0.0)
            if failed == ATTEMPTS or wait_s > LONGEST_WAIT_S:
                when = "later" if busy.wait_s is None else f"in {wait_s:,.0f} s, as it asks"
                raise ServerAway(
                    f"{server.address} {busy.why}, {failed} times. What was fetched is kept: run the same command "
                    f"{when}, and it goes on from there."
                ) from None
            server.pace.rest(wait_s)
        except OSError as error:
            if error.errno in FULL:
                raise _disk_full(part.parent) from None
            raise


def put(part: Path, place: Path) -> None:
    """A file that was checked goes to its place."""
    part.replace(place)
    _beside(part, ".tag").unlink(missing_ok=True)
    flush_folder(place.parent)


def drop(part: Path) -> None:
    """A file that will not do is forgotten."""
    part.unlink(missing_ok=True)
    _beside(part, ".tag").unlink(missing_ok=True)


def flaw_of(path: Path, sha256: str | None, picture: WantedPicture | None = None) -> Flaw | None:
    """What is wrong with a file: another checksum than the published one, damaged, another picture; None for nothing.

    Of a picture the greys are the best check: it is the very one that the LVLMs of the benchmark saw.
    """
    if sha256 is not None and _sha256(path) != sha256:
        return Flaw("its checksum is not the published one", again=True)
    if picture is None:
        return None
    try:
        greys = picture_digest(radiograph_of(path, picture.levels, called="the file").picture)
    except BadPicture as problem:
        return Flaw(str(problem).rstrip("."), again=True)
    if picture.greys and greys not in picture.greys:
        checked = "though its checksum is the published one" if sha256 else "and no checksum was published"
        words = f"its greys are not those of the picture that the benchmark was made with, {checked}"
        return Flaw(words, again=sha256 is None)
    return None


def demand_space(folder: Path, needed_bytes: int) -> None:
    """DiskFull where a disk has not that much, and a little to spare."""
    if shutil.disk_usage(folder).free < needed_bytes + SPARE_BYTES:
        raise _disk_full(folder, needed_bytes)


def private_folder(folder: Path) -> None:
    """Make a folder and those above it, for its user alone; those that are there stay as they are."""
    for each in reversed([folder, *folder.parents]):
        if not each.is_dir():
            each.mkdir(mode=0o700, exist_ok=True)


def _rest_of(server: Server, file: ProjectFile, part: Path) -> None:
    """The bytes that are not there yet; all of them where the server has another version, or gives no ranges."""
    tag = _beside(part, ".tag")
    mark, have = _text(tag), _size(part)
    with server.opened(file, have=have, mark=mark) as answer:
        goes_on = answer.status_code == 206 and _begins_at(answer) == have > 0
        if not goes_on:
            drop(part)
            have = 0
        if answer.status_code == 416 or (answer.status_code == 206 and not goes_on):
            raise AskAgain("answers with another part of a file than was asked for", 0.0)
        length = answer.headers.get("Content-Length")
        demand_space(part.parent, int(length or 0))
        if not goes_on:
            _write(tag, _mark(answer).encode())
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as kept:
            for block in answer.iter_raw():
                kept.write(block)
                kept.flush()
                server.pace.received(len(block))
            os.fsync(kept.fileno())
    if length is not None and _size(part) != have + int(length):
        raise AskAgain("breaks off")


def _mark(answer: Response) -> str:
    """By which the server knows the version of a file, strong enough to put parts together; empty for none."""
    mark: str = answer.headers.get("ETag", "")
    return mark if mark.startswith('"') else str(answer.headers.get("Last-Modified", ""))


def _begins_at(answer: Response) -> int | None:
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _text(path: Path) -> str:
    return path.read_text("latin-1").strip() if path.is_file() else ""


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _disk_full(folder: Path, needed_bytes: int = 0) -> DiskFull:
    free = shutil.disk_usage(folder).free
    needs = f": about {needed_bytes / 1e9:.2f} GB are still to come" if needed_bytes else ""
    return DiskFull(
        f"the disk of {folder} has no room{needs}, {free / 1e9:.2f} GB are free, {SPARE_BYTES / 1e9:.1f} GB stay so. "
        "What was fetched is kept: make room, or name another folder with --to, and run the command again."
    )
