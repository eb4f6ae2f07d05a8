"""What the causal filter made of the questions: tables 3 and 4 of the paper, counted from the rows of this release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from builder.publish.card.facts import CardFacts
from builder.publish.card.markdown import code, table
from medground_bench.benchmark.rows import ORIGINAL
from medground_bench.benchmark.statistics import ALL, GroupRow, ReadingRow

GROUPS = ("incorrect", "ungrounded", "grounded")
REASONS = ("wrong answer", "did not flip", "background mattered", "unreadable answer")


def groups_table(rows: Sequence[GroupRow]) -> str:
    """Table 3: the groups per source, LVLM and mode, counts and percent of the positive questions."""
    lines = [[*_place(row), _count(row.questions), *_groups(row)] for row in sorted(rows, key=_order)]
    return table(["source", "LVLM", "mode", "questions", *GROUPS], lines, texts=3)


def retained_table(rows: Sequence[GroupRow]) -> str:
    """Table 4: retained cases per LVLM, mode and source, and over all of each."""
    sources, modes = sorted({row.source for row in rows}), sorted({row.mode for row in rows})
    found = {(row.mode, row.lvlm, row.source): row.grounded for row in rows}
    lines = []
    for mode in modes:
        for lvlm in sorted({lvlm for of_mode, lvlm, _source in found if of_mode == mode}):
            counts = [found.get((mode, lvlm, source)) for source in sources]
            lines.append([code(mode), code(lvlm), *map(_count, (*counts, _sum(counts)))])
        sums = [
            _sum(row.grounded for row in rows if (row.mode, row.source) == (mode, each)) for each in sources
        ]
        lines.append([code(mode), "all", *map(_count, (*sums, _sum(sums)))])
    return table(["mode", "LVLM", *map(code, sources), "all"], lines, texts=2)


def reasons_table(rows: Sequence[GroupRow]) -> str:
    """Why questions were not retained, counts."""
    lines = [[*_place(row), *map(_count, _reasons(row))] for row in sorted(rows, key=_order)]
    return table(["source", "LVLM", "mode", *REASONS], lines, texts=3)


def readings_table(rows: Sequence[ReadingRow]) -> str:
    """How many answers there are, and the share that could not be read."""
    found = {(row.lvlm, row.mode, row.picture): row for row in rows}
    lines = []
    for lvlm, mode in sorted({(row.lvlm, row.mode) for row in rows}):
        every, own = found[lvlm, mode, ALL], found.get((lvlm, mode, ORIGINAL))
        shares = [_percent(every.unreadable), _percent(own.unreadable) if own else "-"]
        lines.append([code(lvlm), code(mode), _count(every.answers), *shares])
    return table(["LVLM", "mode", "answers", "unreadable, %", "to originals, %"], lines, texts=2)


def weights_table(weights: Mapping[str, tuple[str | None, ...]]) -> str:
    """Which weights answered."""
    lines = [
        [
            code(lvlm),
            ", ".join(code(each) if each else "not said in the authors' release" for each in revisions),
        ]
        for lvlm, revisions in weights.items()
    ]
    return table(["LVLM", "weights"], lines, texts=2)


def filter_section(facts: CardFacts) -> Iterator[str]:
    """Everything about the filter, as paragraphs."""
    rows = [row for row in facts.numbers.groups if row.finding == ALL]
    if not rows:
        yield "No LVLM has been asked yet."
        return
    yield from ("### LVLMs and edits", weights_table(facts.weights))
    if facts.editors:
        yield f"The edits were made by {', '.join(map(code, facts.editors))}."
    yield from ("### Retained cases", "Table 4 of the paper, counted from the rows of this release.")
    yield retained_table(rows)
    yield "### All positive questions"
    yield (
        "Table 3 of the paper: counts, and percent of the questions. `incorrect`: the answer to the picture itself is "
        "wrong or cannot be read. `ungrounded`: it is right and fails a later check. `grounded`: retained. A dash "
        "stands where the rows do not say: the authors' release has its retained cases alone."
    )
    yield groups_table(rows)
    yield from ("### Why questions were not retained", "Counts of positive questions.", reasons_table(rows))
    if facts.numbers.readings:
        yield "### Answers that could not be read"
        yield "The share of all answers, edits too, that is neither yes nor no by the benchmark's grammar."
        yield readings_table(facts.numbers.readings)


def _order(row: GroupRow) -> tuple[str, str, str]:
    return row.source, row.lvlm, row.mode


def _place(row: GroupRow) -> list[str]:
    return [code(row.source), code(row.lvlm), code(row.mode)]


def _groups(row: GroupRow) -> list[str]:
    if row.shares is None:
        known = row.incorrect + row.ungrounded > 0
        return [*(_count(count if known else None) for count in row.counts[:2]), _count(row.grounded)]
    return [f"{count:,} ({_percent(share)})" for count, share in zip(row.counts, row.shares, strict=True)]


def _reasons(row: GroupRow) -> tuple[int | None, ...]:
    counts = (row.answer_wrong, row.answer_did_not_flip, row.background_mattered, row.unreadable_answer)
    return counts if row.questions or any(counts) else (None,) * len(counts)


def _sum(counts: Iterable[int | None]) -> int:
    return sum(count or 0 for count in counts)


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
