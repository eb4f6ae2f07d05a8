"""Files of a PhysioNet project, and which pictures the rows of a benchmark need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

from medground_bench.benchmark.counted import PictureColumns
from medground_bench.core.errors import SourceMissing
from medground_bench.pictures import Levels

PHYSIONET = "https://physionet.org"
SUMS = "SHA256SUMS.txt"


@dataclass(frozen=True, slots=True)
class Project:
    """A data set of PhysioNet at a version; `picture_bytes` is what one of its pictures takes, about."""

    name: str
    version: str
    picture_bytes: int = 0

    def __str__(self) -> str:
        """As paths spell it."""
        return f"{self.name}/{self.version}"

    @property
    def page(self) -> str:
        """Where its agreement is signed."""
        return f"{PHYSIONET}/content/{self}/"


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A file of a project by its path there; `sha256` where it was known before anybody was asked."""

    project: Project
    path: str
    sha256: str | None = None

    @property
    def place(self) -> PurePosixPath:
        """Where it lies under the folder that it is fetched to."""
        return PurePosixPath(str(self.project), self.path)


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """A picture that the tables of a source name, and the positions of its questions in the authors' order."""

    image_id: str
    file: ProjectFile
    release_indices: frozenset[int] = frozenset()


@runtime_checkable
class Fetchable(Protocol):
    """A class of sources whose pictures their user can ask for here.

    levels  the rule by which its files that are deeper than 8 bits become grey
    """

    levels: Levels

    def tables(self) -> tuple[ProjectFile, ...]:
        """The files that name its pictures; SourceMissing, which says how one gets them, where PhysioNet has none."""
        ...

    def listed(self, root: Path) -> list[ListedPicture]:
        """The pictures that the tables in a folder name, in the authors' order."""
        ...


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """A picture that cases need: its file, how it becomes grey, and the digests of its greys that the rows name."""

    file: ProjectFile
    levels: Levels
    greys: frozenset[str] = field(default=frozenset())


def wanted(
    listed: Sequence[ListedPicture], rows: Iterable[PictureColumns], levels: Levels
) -> list[WantedPicture]:
    """The pictures that rows of a benchmark need, as the tables list them.

    A row names its picture by its position in the authors' order; a row of an own build that has none, by its id. Where
    a row names its picture by neither, all that are listed are needed. SourceMissing for a position beyond the tables.
    """
    by_index = {index: each for each in listed for index in each.release_indices}
    by_id = {each.image_id: each for each in listed}
    greys: dict[ListedPicture, set[str]] = {}
    for row in rows:
        if row.release_index is not None and row.release_index not in by_index:
            raise SourceMissing(
                f"the benchmark has a case about question {row.release_index} of {row.source}, and the tables that "
                f"were fetched have {len(by_index):,}. They are of another version; fetch into a new folder."
            )
        named = by_id.get(row.image_id) if row.release_index is None else by_index[row.release_index]
        if named is None:
            greys = {each: greys.get(each, set()) for each in listed} | greys
        else:
            greys.setdefault(named, set()).add(row.image_sha256)
    return [WantedPicture(each.file, levels, frozenset(greys[each])) for each in listed if each in greys]
