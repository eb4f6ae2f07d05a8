"""Where questions come from, one source a file; the file name is the public name and `SOURCE` its class.

The class is called with the folders that hold the user's own copy of the source. A source of files tells its folders
apart by what is in them, so their order does not matter, and a folder may hold other sources as well.
A source made of several data sets names them in a literal, `PARTS`: so a reader who joins a published benchmark may
call their folders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from builder.ledger import Ledger
from medground_bench.core.causes import Counterfactual
from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Picture, Question
from medground_bench.pictures import Levels

TUNE_SHARE, TUNE_ENOUGH = 4, 8
"""With a limit of N pictures for `test`, `tune` gets twice as many up to 8, which give 20 cases on phantoms, and from
32 pictures on a quarter."""


class BadSource(MedgroundError):
    """A file of a source that is damaged or not the one it should be, or folders that leave a choice open."""


@dataclass(frozen=True, slots=True)
class SourceQuestion:
    """A question and what is known beyond it.

    marker         whether a shortcut is planted in the picture; None where that is not known
    image_sha256   of the picture for which the question was written into a folder; None before
    patient_id     whose picture it is, for statistics by patient, never published; None where that is not known
    release_index  position in the authors' own list of questions; None where that is not known
    """

    question: Question
    marker: bool | None = None
    image_sha256: str | None = None
    patient_id: str | None = None
    release_index: int | None = None


class Source(Protocol):
    """The contract of every file in this folder.

    name          the public name
    editor        name of the editor that makes the counterfactual pictures of its questions
    may_show      whether its pictures may be published
    levels        how its files that are deeper than 8 bits become grey, as its authors did it
    ledger        what it could not give as its files have it; grows while questions are listed
    """

    name: str
    editor: str
    may_show: bool
    levels: Levels
    ledger: Ledger

    @classmethod
    def holds(cls, root: Path) -> bool:
        """Whether a folder holds something of this source."""
        ...

    def splits(self) -> tuple[str, ...]:
        """The splits it fills, of `test` and `tune`."""
        ...

    def questions(self, split: str, limit: int | None) -> Iterator[SourceQuestion]:
        """The questions of a split, those of the first pictures when `limit` is given; every call the same.

        No picture is decoded for it.
        """
        ...

    def picture(self, question: Question) -> Picture:
        """The native picture of one of its questions, grey uint8; BadPicture where it cannot be read."""
        ...


@runtime_checkable
class KnowsCauses(Protocol):
    """A source that can take a possible cause of an answer out of a picture, exactly."""

    def without(self, question: Question, counterfactual: Counterfactual) -> Picture:
        """The native picture without the finding, without the marker, or without both; all else is the same."""
        ...


@runtime_checkable
class KnowsRelease(Protocol):
    """A source from which the authors made a benchmark: how many questions they had, and how many are in its files."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What else is to be told of the copy, a sentence each."""
        ...

    def asked(self, split: str) -> Mapping[str, int]:
        """Finding -> how many questions about it the authors would make of these files."""
        ...

    def expected(self, split: str) -> int | None:
        """How many questions the authors had; None where these files are not the ones they had."""
        ...


def pictures_wanted(split: str, limit: int | None) -> int | None:
    """Of how many pictures a split is to be made when `test` gets at most `limit`; None for all."""
    return (
        limit if limit is None or split == "test" else max(min(2 * limit, TUNE_ENOUGH), limit // TUNE_SHARE)
    )
