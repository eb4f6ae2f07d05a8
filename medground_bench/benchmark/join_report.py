"""What became of the rows of a join: one table of how many, by source and outcome, with the first ones by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from medground_bench.core.errors import SourceMissing

EXAMPLES = 3


class JoinOutcome(StrEnum):
    """What became of a row; the values are what the table says.

    >>> JoinOutcome.JOINED.failed, JoinOutcome.OTHER_PICTURE.failed
    (False, True)
    """

    JOINED = "joined"
    WHOLE = "lacks nothing, left as it is"
    FOUND = "found; its picture is checked when the row is read"
    NO_COPY = "no copy of this source was given"
    NO_KEY = "the row has neither release_index nor image_sha256"
    NOT_IN_COPY = "the copy has no such question"
    UNREADABLE = "its picture in the copy cannot be read"
    OTHER_PICTURE = "the picture in the copy has another digest"
    OTHER_FILES = "nothing to check it by: the row has no digest, and the copy is not the authors' files"
    SEVERAL = "the copy has several such questions, and the row has no digest to tell them by"

    @property
    def failed(self) -> bool:
        """Whether the row stays without what it lacks."""
        return self not in (JoinOutcome.JOINED, JoinOutcome.WHOLE, JoinOutcome.FOUND)


class JoinReport:
    """The outcomes of a join; as text, a table. It grows as rows are read, and a row read twice counts once.

    notes  what else is to be told of the copies

    >>> report = JoinReport(lambda: ["vindr_cxr: MISSING_PICTURE 1"])
    >>> report.note("vindr_cxr/pic-1f2e/mass@gemma3_4b:direct", "vindr_cxr", JoinOutcome.NOT_IN_COPY)
    >>> print(report)
    rows  source     what became of them            for example
       1  vindr_cxr  the copy has no such question  vindr_cxr/pic-1f2e/mass@gemma3_4b:direct
    vindr_cxr: MISSING_PICTURE 1
    """

    def __init__(self, notes: Callable[[], Iterable[str]] = tuple) -> None:
        self._outcomes: dict[tuple[str, str], JoinOutcome] = {}
        self._notes = notes

    def note(self, name: str, source: str, outcome: JoinOutcome) -> None:
        """What became of a row, by its case id, its question id, or whatever else it is called by."""
        self._outcomes[name, source] = outcome

    def counts(self) -> dict[tuple[str, JoinOutcome], int]:
        """Source and outcome -> rows, sorted."""
        return {key: len(names) for key, names in self._by_outcome().items()}

    @property
    def failed(self) -> int:
        """How many rows stay without what they lack."""
        return sum(rows for (_source, outcome), rows in self.counts().items() if outcome.failed)

    def demand_all(self) -> None:
        """SourceMissing, with the table, when a row could not be joined."""
        if self.failed:
            raise SourceMissing(f"{self.sentence()}:\n{self}")

    def sentence(self) -> str:
        """How many rows could not be joined."""
        return f"{self.failed:,} of {len(self._outcomes):,} rows cannot be joined with your copies"

    def __str__(self) -> str:
        """The table."""
        lines = [("rows", "source", "what became of them", "for example")]
        for (source, outcome), names in self._by_outcome().items():
            examples = ", ".join(names[:EXAMPLES]) if outcome.failed else ""
            lines.append((f"{len(names):,}", source, outcome.value, examples))
        counts, sources, outcomes = (max(len(line[column]) for line in lines) for column in range(3))
        told = [f"{a:>{counts}}  {b:<{sources}}  {c:<{outcomes}}  {d}".rstrip() for a, b, c, d in lines]
        return "\n".join([*told, *self._notes()])

    def _by_outcome(self) -> dict[tuple[str, JoinOutcome], list[str]]:
        order = {outcome: place for place, outcome in enumerate(JoinOutcome)}
        found: dict[tuple[str, JoinOutcome], list[str]] = {}
        for (name, source), outcome in self._outcomes.items():
            found.setdefault((source, outcome), []).append(name)
        return dict(sorted(found.items(), key=lambda item: (item[0][0], order[item[0][1]])))
