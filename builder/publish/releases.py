"""What a release changes, in a line for the card and in the title of its commit. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from medground_bench.benchmark.rows import QUESTIONS

NUMBER = re.compile(r"v(\d{1,6})\b")
FIRST = "first release"


def numbered(before: Sequence[str], tags: Iterable[str], words: str) -> tuple[str, ...]:
    """The lines of all releases, the newest first, with one more.

    before  the lines of the card that is there
    tags    of the repository; the new number is above all that were used
    """
    used = [int(found[1]) for found in map(NUMBER.match, (*before, *tags)) if found]
    return (f"v{max(used, default=0) + 1}: {words}", *before)


def name_of(line: str) -> str | None:
    """The name of a release by its line, which is the title of its commit too; None for any other."""
    name, colon, _words = line.partition(":")
    return name if colon and NUMBER.fullmatch(name) else None


def words_of(before: Mapping[str, object], after: Mapping[str, object]) -> str | None:
    """What differs between the tables of two revisions, by what identifies their content; None where nothing does."""
    if not before and after:
        return FIRST
    told = [
        f"{verb} {what}"
        for verb, names in (
            ("adds", after.keys() - before.keys()),
            ("changes", {name for name in after.keys() & before.keys() if after[name] != before[name]}),
            ("removes", before.keys() - after.keys()),
        )
        if (what := "; ".join(_owners(names)))
    ]
    return ", ".join(told) or None


def _owners(names: Iterable[str]) -> Iterator[str]:
    """Whose files these are, and of which tables: `medgemma_4b (direct, verdicts)`, `questions of imagenome`."""
    tables: dict[str, set[str]] = {}
    for name in names:
        table, _, file = name.partition("/")
        owner = file.partition("-")[2].removesuffix(".parquet")
        tables.setdefault(owner, set()).add(table)
    for owner, found in sorted(tables.items()):
        yield (
            f"questions of {owner}" if found == {QUESTIONS.name} else f"{owner} ({', '.join(sorted(found))})"
        )
