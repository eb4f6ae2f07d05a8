"""What of the sources a user's folders hold: files, versions, how one gets what is missing, and the questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from builder.sources import KnowsRelease, Source
from builder.sources._copies import CopyPart, State, Terms
from medground_bench import plugins
from medground_bench.core.errors import MedgroundError
from medground_bench.storage.whole_files import Plain


@runtime_checkable
class OfFiles(Protocol):
    """A class of sources that read a user's copy, which `terms` say how to get."""

    terms: Terms

    def parts(self, roots: tuple[Path, ...]) -> list[CopyPart]:
        """What a copy consists of and how each part is found in the folders."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """One source in the given folders.

    parts       how each part of the copy is found
    terms       how one gets it
    questions   split -> how many it will give; empty where parts are missing
    expected    split -> how many the authors had, where these are the files they had
    faults      entries in the ledger by fault
    problems    what keeps it from being read, and differences from the authors' numbers, finding by finding
    notes       what else is to be told
    """

    source: str
    parts: tuple[CopyPart, ...]
    terms: Terms
    questions: dict[str, int]
    expected: dict[str, int]
    faults: dict[str, int]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def begun(self) -> bool:
        """Whether something of it is there."""
        return any(part.state is not State.MISSING for part in self.parts)

    @property
    def complete(self) -> bool:
        """Whether questions can be listed, of the version that is meant."""
        return bool(self.questions) and all(part.state is not State.OTHER_VERSION for part in self.parts)

    def as_json(self) -> dict[str, Plain]:
        """Plain values."""
        parts: list[Plain] = [
            {
                "what": part.what,
                "state": part.state.value,
                "place": None if part.place is None else str(part.place),
                "words": part.words,
                "needed": part.needed,
            }
            for part in self.parts
        ]
        return {
            "source": self.source,
            "complete": self.complete,
            "parts": parts,
            "agreement": self.terms.agreement,
            "page": self.terms.page,
            "layout": self.terms.layout,
            "questions": self.questions,
            "expected": self.expected,
            "faults": self.faults,
            "problems": self.problems,
            "notes": self.notes,
        }


def check(roots: Sequence[Path]) -> list[Found]:
    """Every source of files, by name, in the folders; reads tables and headers of pictures, no pixels."""
    kinds = {each.name: plugins.load("sources", each.name) for each in plugins.available("sources")}
    return [_found(name, kind, tuple(roots)) for name, kind in kinds.items() if isinstance(kind, OfFiles)]


def _found(name: str, kind: OfFiles, roots: tuple[Path, ...]) -> Found:
    parts = tuple(kind.parts(roots))
    nothing = Found(name, parts, kind.terms, {}, {}, {}, (), ())
    if not nothing.begun:
        return nothing
    try:
        source: Source = plugins.load("sources", name)(roots)
        questions = {split: sum(_given(source, split).values()) for split in source.splits()}
        problems = tuple(differences(source))
    except MedgroundError as problem:
        return replace(nothing, problems=(str(problem),))
    return replace(
        nothing,
        questions=questions,
        expected=_expected(source),
        faults={fault.value: count for fault, count in source.ledger.counts().items()},
        problems=problems,
        notes=source.notes if isinstance(source, KnowsRelease) else (),
    )


def _given(source: Source, split: str) -> Counter[str]:
    return Counter(known.question.finding for known in source.questions(split, None))


def _expected(source: Source) -> dict[str, int]:
    if not isinstance(source, KnowsRelease):
        return {}
    known = {split: source.expected(split) for split in source.splits()}
    return {split: number for split, number in known.items() if number is not None}


def differences(source: Source) -> Iterator[str]:
    """Where these are the authors' files and give other questions than theirs: how many, then finding by finding.

    Of the authors only the whole number of a split is known. So when the files hold another number, every finding is
    told; when they hold the right one, those of which questions were left out or put together.
    """
    if not isinstance(source, KnowsRelease):
        return
    for split, expected in _expected(source).items():
        asked, given = source.asked(split), _given(source, split)
        if sum(asked.values()) == sum(given.values()) == expected:
            continue
        other = sum(asked.values()) != expected
        yield (
            f"{split}: the authors had {expected:,} questions, these files hold {sum(asked.values()):,} and give "
            f"{sum(given.values()):,}"
        )
        for finding, count in asked.items():
            if other or given[finding] != count:
                yield f"{split}, {finding}: the files hold {count:,} and give {given[finding]:,}"
