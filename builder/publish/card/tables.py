"""What the causal filter made of the questions: tables 3 and 4 of the paper, counted from the rows of this release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from builder.publish.card.facts import CardFacts
from builder.publish.card.markdown import code, table
from medground_bench.benchmark.rows import ORIGINAL
from medground_bench.benchmark.statistics import ALL, GroupRow, ReadingRow

GROUPS = ("incorrect", "ungrounded", "grounded")
REASONS = ("wrong answer", "did not flip", "background mattered", "unreadable answer")


def groups_table(rows: Sequence[GroupRow]) -> str:
    """Table 3: per source and LVLM the groups in each mode, counts and shares of the positive questions."""
    modes = sorted({row.mode for row in rows})
    found = {(row.source, row.lvlm, row.mode): row for row in rows}
    names = ["source", "LVLM", "questions", *(f"{mode}: {group}" for mode in modes for group in GROUPS)]
    lines = []
    for source, lvlm in sorted({(row.source, row.lvlm) for row in rows}):
        asked = [found.get((source, lvlm, mode)) for mode in modes]
        questions = next((row.questions for row in asked if row and row.questions), None)
        cells = [cell for row in asked for cell in _groups(row)]
        lines.append([code(source), code(lvlm), _count(questions), *cells])
    return table(names, lines, texts=2)


def retained_table(rows: Sequence[GroupRow]) -> str:
    """Table 4: retained cases per mode, source and LVLM."""
    lvlms = sorted({row.lvlm for row in rows})
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        found.setdefault((row.mode, row.source), {})[row.lvlm] = row.grounded
    lines = []
    for mode in sorted({mode for mode, _source in found}):
        own = {source: counts for (of_mode, source), counts in sorted(found.items()) if of_mode == mode}
        lines += [[code(mode), code(source), *_retained(counts, lvlms)] for source, counts in own.items()]
        if len(own) > 1:
            sums = {lvlm: sum(counts.get(lvlm, 0) for counts in own.values()) for lvlm in lvlms}
            lines.append([code(mode), "all", *_retained(sums, lvlms)])
    return table(["mode", "source", *map(code, lvlms), "total"], lines, texts=2)


def reasons_table(rows: Sequence[GroupRow]) -> str:
    """Why questions were not retained, counts."""
    lines = [
        [code(row.source), code(row.lvlm), code(row.mode), *map(_count, _reasons(row))]
        for row in sorted(rows, key=lambda row: (row.source, row.lvlm, row.mode))
    ]
    return table(["source", "LVLM", "mode", *REASONS], lines, texts=3)


def readings_table(rows: Sequence[ReadingRow]) -> str:
    """How many answers there are, and the share that could not be read."""
    found = {(row.lvlm, row.mode, row.picture): row for row in rows}
    lines = []
    for lvlm, mode in sorted({(row.lvlm, row.mode) for row in rows}):
        every, own = found[lvlm, mode, ALL], found.get((lvlm, mode, ORIGINAL))
        shares = [_share(every.unreadable), _share(own.unreadable) if own else "-"]
        lines.append([code(lvlm), code(mode), _count(every.answers), *shares])
    return table(["LVLM", "mode", "answers", "unreadable", "unreadable, original pictures"], lines, texts=2)


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
        "Table 3 of the paper. `incorrect`: the answer to the picture itself is wrong or cannot be read. `ungrounded`: "
        "it is right and fails a later check. `grounded`: retained. A dash stands where the rows do not say: the "
        "authors' release has its retained cases alone."
    )
    yield groups_table(rows)
    yield from ("### Why questions were not retained", "Counts of positive questions.", reasons_table(rows))
    if facts.numbers.readings:
        yield "### Answers that could not be read"
        yield "Answers to all pictures, edits too, and the share that is neither yes nor no by the benchmark's grammar."
        yield readings_table(facts.numbers.readings)


def _groups(row: GroupRow | None) -> list[str]:
    if row is None:
        return ["-"] * len(GROUPS)
    if row.shares is None:
        known = row.incorrect + row.ungrounded > 0
        return [*(_count(count if known else None) for count in row.counts[:2]), _count(row.grounded)]
    return [f"{count:,} ({_share(share)})" for count, share in zip(row.counts, row.shares, strict=True)]


def _reasons(row: GroupRow) -> tuple[int | None, ...]:
    counts = (row.answer_wrong, row.answer_did_not_flip, row.background_mattered, row.unreadable_answer)
    return counts if row.questions or any(counts) else (None,) * len(counts)


def _retained(counts: Mapping[str, int], lvlms: Sequence[str]) -> list[str]:
    return [*(_count(counts.get(lvlm)) for lvlm in lvlms), _count(sum(counts.values()))]


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"
