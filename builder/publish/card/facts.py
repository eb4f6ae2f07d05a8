"""What a card counts: read once from a dataset folder, a few columns of each table, never a picture or a response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from builder.publish.card.sources import SOURCES, PublishedSource, source_of
from medground_bench.benchmark.card import Config
from medground_bench.benchmark.counted import AskedColumns, FilterColumns, ReadingColumns
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import ANSWERS, QUESTIONS, SPLITS, VERDICTS
from medground_bench.benchmark.statistics import Statistics, group_table, reading_table
from medground_bench.core.errors import SourceMissing

SPLIT = "test"
"""The split of the paper's tables."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the rows of a folder say.

    configs  that have rows, the first is the one that loads when none is named
    sources  that occur in any table or split
    numbers  groups and readings of the split `test`
    weights  LVLM -> what its rows say of the weights that answered, None for the authors' release
    editors  who made the edits
    """

    configs: tuple[Config, ...]
    sources: tuple[PublishedSource, ...]
    numbers: Statistics
    weights: Mapping[str, tuple[str | None, ...]]
    editors: tuple[str, ...]

    @classmethod
    def of(cls, folder: DatasetFolder) -> CardFacts:
        """Of a folder; SourceMissing where it has no row, and UnknownName for a source without known terms."""
        folder.demand()
        configs = folder.configs()
        if not configs:
            raise SourceMissing(
                f"{folder.path}: no table has a row, so there is nothing to publish. Build it first."
            )
        verdicts = {split: list(folder.columns(VERDICTS, split, FilterColumns)) for split in SPLITS}
        judged = [row for rows in verdicts.values() for row in rows]
        numbers = Statistics(
            SPLIT,
            accuracy=(),
            readings=reading_table(folder.columns(ANSWERS, SPLIT, ReadingColumns)),
            unreadable=(),
            groups=group_table(verdicts[SPLIT], folder.columns(QUESTIONS, SPLIT, AskedColumns)),
            causes=(),
        )
        editors = tuple(sorted({row.editor for row in judged if row.editor}))
        sources = tuple(sorted(map(source_of, folder.sources()), key=SOURCES.index))
        return cls(tuple(configs), sources, numbers, _weights(judged), editors)

    @property
    def credentialed(self) -> tuple[PublishedSource, ...]:
        """The sources that are shared under an agreement."""
        return tuple(each for each in self.sources if each.terms)

    @property
    def with_release(self) -> bool:
        """Whether there are rows of the authors' release."""
        return any(None in revisions for revisions in self.weights.values())

    @property
    def rows(self) -> int:
        """In all tables and splits."""
        return sum(count for config in self.configs for count in config.rows.values())

    def config(self, name: str) -> Config | None:
        """A config by its name; None where it has no rows."""
        return next((config for config in self.configs if config.name == name), None)


def _weights(rows: Iterable[FilterColumns]) -> dict[str, tuple[str | None, ...]]:
    known: dict[str, set[str | None]] = {}
    for row in rows:
        known.setdefault(row.lvlm, set()).add(row.lvlm_revision)
    return {lvlm: tuple(sorted(known[lvlm], key=lambda each: each or "")) for lvlm in sorted(known)}
