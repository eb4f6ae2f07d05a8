"""Where questions come from, one source a file; the file name is the public name and `SOURCE` its class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from medground_bench.core.causes import Counterfactual
from medground_bench.core.types import Picture, Question
from medground_bench.pictures import Levels


@dataclass(frozen=True, slots=True)
class SourceQuestion:
    """A question and what is known beyond it.

    marker        whether a shortcut is planted in the picture; None where that is not known
    image_sha256  of the picture for which the question was written into a folder; None before
    """

    question: Question
    marker: bool | None = None
    image_sha256: str | None = None


class Source(Protocol):
    """The contract of every file in this folder.

    name          the public name
    editor        name of the editor that makes the counterfactual pictures of its questions
    may_show      whether its pictures may be published
    levels        how its files that are deeper than 8 bits become grey, as its authors did it
    """

    name: str
    editor: str
    may_show: bool
    levels: Levels

    def splits(self) -> tuple[str, ...]:
        """The splits it fills, of `test` and `tune`."""
        ...

    def questions(self, split: str, limit: int | None) -> Iterator[SourceQuestion]:
        """The questions of a split, those of the first pictures when `limit` is given; every call the same."""
        ...

    def picture(self, question: Question) -> Picture:
        """The native picture of one of its questions, grey uint8."""
        ...


@runtime_checkable
class KnowsCauses(Protocol):
    """A source that can take a possible cause of an answer out of a picture, exactly."""

    def without(self, question: Question, counterfactual: Counterfactual) -> Picture:
        """The native picture without the finding, without the marker, or without both; all else is the same."""
        ...
