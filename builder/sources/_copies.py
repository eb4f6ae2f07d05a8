"""A user's own copy of a source: which of the given folders holds what, what is missing, and how one gets it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from builder.sources import BadSource
from medground_bench.core.errors import SourceMissing
from medground_bench.storage.whole_files import sha256

SUMS = "SHA256SUMS.txt"
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


class State(StrEnum):
    """How a part of a copy is found."""

    PRESENT = "present"
    MISSING = "missing"
    OTHER_VERSION = "another version"


@dataclass(frozen=True, slots=True)
class Terms:
    """How one gets a source.

    agreement  what has to be signed
    page       where
    layout     how the files lie in the folder that is given
    """

    agreement: str
    page: str
    layout: str


@dataclass(frozen=True, slots=True)
class CopyPart:
    """A file or a folder of a copy; `needed` is whether no question can be listed without it."""

    what: str
    state: State
    place: Path | None = None
    words: str = ""
    needed: bool = True


def safe_name(text: str) -> bool:
    """Whether an id of a table can be a part of a path, and of nothing above it."""
    return SAFE_NAME.fullmatch(text) is not None and ".." not in text


def places_of(
    roots: Iterable[Path], prefixes: Sequence[str], names: Sequence[str], fits: Callable[[Path], bool]
) -> list[Path]:
    """Where a part lies in the folders: in each the first of `prefixes` x `names` that fits; each place once."""
    found: dict[Path, Path] = {}
    for root in roots:
        candidates = (root / prefix / name for name in names for prefix in prefixes)
        place = next((each for each in candidates if fits(each)), None)
        if place is not None:
            found.setdefault(place.resolve(), place)
    return list(found.values())


def the_only(places: Sequence[Path], what: str, terms: Terms) -> Path:
    """The one place of a part; BadSource for several, SourceMissing, which says how one gets it, for none."""
    if len(places) > 1:
        raise BadSource(
            f"{what} is there {len(places)} times: {', '.join(map(str, places))}. Give one of the folders."
        )
    if not places:
        raise SourceMissing(
            f"{what} is in none of the folders given by --root. It takes: {terms.agreement}, at {terms.page}. "
            f"Expected: {terms.layout}."
        )
    return places[0]


def part_of(places: Sequence[Path], what: str, *, digest: str | None = None, needed: bool = True) -> CopyPart:
    """How a part is found.

    digest  the published one of the file, None where none was published; then the copy's own `SHA256SUMS.txt` is asked
    """
    if len(places) != 1:
        words = f"there {len(places)} times: {', '.join(map(str, places))}" if places else ""
        return CopyPart(what, State.OTHER_VERSION if places else State.MISSING, None, words, needed)
    place = places[0]
    if place.is_dir():
        return CopyPart(what, State.PRESENT, place, needed=needed)
    published = digest or _listed_digest(place)
    if published is None:
        return CopyPart(what, State.PRESENT, place, "no checksum was published", needed)
    if sha256(place.read_bytes()) == published:
        return CopyPart(what, State.PRESENT, place, "checksum as published", needed)
    return CopyPart(what, State.OTHER_VERSION, place, "its checksum is not the published one", needed)


def _listed_digest(file: Path) -> str | None:
    """What the `SHA256SUMS.txt` above a file, as PhysioNet adds it, says of it."""
    for folder in list(file.parents)[:2]:
        sums = folder / SUMS
        if not sums.is_file():
            continue
        name = file.relative_to(folder).as_posix()
        for line in sums.read_text("utf-8", errors="replace").splitlines():
            digest, _, listed = line.partition(" ")
            if listed.strip().removeprefix("*") == name:
                return digest.lower()
    return None
