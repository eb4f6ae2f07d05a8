"""The numbers of a dataset folder as tables for people, shares in percent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Group as Together
from rich.table import Table

from builder.counters import TrackWork
from builder.diff import Change
from builder.plan import BuildPlan, Span, sum_hours
from medground_bench.benchmark.statistics import ALL, Statistics

WIDTHS = {"source": 11, "LVLM": 18, "mode": 6}
"""Characters that a column of names keeps where a terminal is narrow; numbers are folded before."""

GROUPS = ("incorrect", "correct, ungrounded", "correct, grounded")
"""How people call the three groups of the causal filter, in the order of `Group`."""


def tables_of(numbers: Statistics) -> Together:
    """Everything: by finding first, then over all findings as in the paper."""
    tables = [
        *_accuracies(numbers),
        _readings(numbers),
        _unreadable(numbers),
        *_causes(numbers),
        groups_table(numbers),
        _reasons(numbers),
        _edits(numbers),
        retained_table(numbers),
    ]
    return Together(*(table for table in tables if table.row_count))


def retained_table(numbers: Statistics) -> Table:
    """Retained cases per mode, source and LVLM, as Table 4 of the paper."""
    totals = [row for row in numbers.groups if row.finding == ALL]
    lvlms = sorted({row.lvlm for row in totals})
    table = _table(f"Retained cases, split {numbers.split}", ["mode", "source"], [*lvlms, "total"])
    for mode, source in sorted({(row.mode, row.source) for row in totals}):
        counts = {row.lvlm: row.grounded for row in totals if (row.mode, row.source) == (mode, source)}
        cells = [str(counts[lvlm]) if lvlm in counts else "-" for lvlm in lvlms]
        table.add_row(mode, source, *cells, str(sum(counts.values())))
    return table


def groups_table(numbers: Statistics) -> Table:
    """As Table 3 of the paper; a released split does not say how many questions it was cut from."""
    title = f"Groups (% of the positive questions), split {numbers.split}"
    table = _table(title, ["source", "LVLM", "mode"], ["questions", *GROUPS])
    for row in numbers.whole():
        table.add_row(row.source, row.lvlm, row.mode, str(row.questions), *map(_percent, row.shares or ()))
    return table


def pooled_table(numbers: Statistics) -> Table:
    """How many questions are in each of the groups that Figure 6 of the paper compares, all sources together."""
    table = _table(f"Questions of Figure 6's groups, split {numbers.split}", ["LVLM", "mode"], list(GROUPS))
    for (lvlm, mode), counts in numbers.pooled().items():
        table.add_row(lvlm, mode, *map(str, counts))
    return table


def work_tables(works: Sequence[TrackWork]) -> list[Table]:
    """What the last build of each track needed of the LVLM and of the editor, beside a naive filter, which is not lazy.

    Lost is what is in quarantine.
    """
    track = ["source", "LVLM", "mode"]
    numbers = ["calls", "% naive", "made", "s each", "lost"]
    calls = _table("Calls of the last build of each track", track, numbers)
    numbers = ["edits", "% naive", "reused", "s each", "lost"]
    edits = _table("Edits of the last build of each track", track, numbers)
    for work in works:
        last, counters = work.last, work.last.counters
        named = (last.source, last.lvlm, last.mode)
        of_calls = (str(work.calls_made), _seconds(counters.seconds_a_call))
        lost = counters.calls_lost + counters.cause_calls_lost + counters.pictures_lost
        calls.add_row(*named, *_beside(counters.calls, counters.naive_calls), *of_calls, str(lost))
        of_edits = (str(counters.edits_reused), _seconds(counters.seconds_an_edit))
        needed = _beside(counters.edits, counters.naive_edits)
        edits.add_row(*named, *needed, *of_edits, str(counters.edits_lost))
    return [calls, edits]


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2g}"


def diff_tables(changes: Sequence[Change]) -> Together:
    """How many cases were gained and lost for which reason, and then each of them."""
    counts = Counter((change.split, change.why, change.gained) for change in changes)
    summary = _table("Retained cases", ["split", "why"], ["gained", "lost"])
    for split, why in sorted({(change.split, change.why) for change in changes}):
        summary.add_row(split, why, str(counts[split, why, True]), str(counts[split, why, False]))
    each = _table("Each of them", ["split", "case", "", "why", "before", "after", "answers"], [])
    for change in changes:
        said = (change.before or "-", change.after or "-", ", ".join(change.answers))
        each.add_row(change.split, change.case, "gained" if change.gained else "lost", change.why, *said)
    return Together(summary, each)


def plan_tables(plan: BuildPlan) -> Together:
    """Calls by track, edits by source, and the sums; each at best and at worst, beside a naive filter, not lazy."""
    names = ["calls", "of naive", "GPU-hours"]
    calls = _table("Calls", ["source", "LVLM", "mode"], names)
    for track in plan.tracks:
        cells = _planned(track.calls, track.naive_calls, track.hours)
        calls.add_row(track.source, track.lvlm, track.mode, *cells)
    edits = _table(
        "Edits, shared by all LVLMs and modes",
        ["source"],
        ["questions", "edits", "of naive", "GPU-hours"],
    )
    for source in plan.sources:
        cells = _planned(source.edits, source.naive_edits, source.hours)
        edits.add_row(source.source, str(source.questions), *cells)
    whole = _table("All of it", [""], ["", "of naive", "GPU-hours"])
    naive_calls, naive_edits = (
        sum(each.naive_calls for each in plan.tracks),
        sum(each.naive_edits for each in plan.sources),
    )
    whole.add_row("calls", *_planned(plan.calls, naive_calls, sum_hours(plan.tracks)))
    whole.add_row("edits", *_planned(plan.edits, naive_edits, sum_hours(plan.sources)))
    whole.add_row("GPU-hours", "", "", _span(plan.hours, ".0f"))
    whole.add_row("store, GB", _span(plan.stored_bytes.times(1e-9), ".1f"), "", "")
    return Together(calls, edits, whole)


def _planned(units: Span, naive: int, hours: Span | None) -> tuple[str, str, str]:
    share = f"{_span(units.times(100 / naive), '.0f')} %" if naive else "-"
    return _span(units, ",.0f"), share, _span(hours, ".1f")


def _span(span: Span | None, numbers: str) -> str:
    if span is None:
        return "-"
    low, high = format(span.low, numbers), format(span.high, numbers)
    return low if low == high else f"{low}-{high}"


def _beside(needed: int, naive: int) -> tuple[str, str]:
    return str(needed), _percent(needed / naive if naive else None)


def _accuracies(numbers: Statistics) -> Iterator[Table]:
    columns = ["questions", "accuracy", "sensitivity", "specificity", "unreadable"]
    for track, rows in groupby(numbers.accuracy, lambda row: (row.lvlm, row.mode, row.source)):
        table = _table(f"Accuracy (%): {', '.join(track)}, split {numbers.split}", ["finding"], columns)
        for row in rows:
            shares = (row.accuracy, row.sensitivity, row.specificity, row.unreadable)
            table.add_row(row.finding, str(row.questions), *map(_percent, shares))
        yield table


def _causes(numbers: Statistics) -> Iterator[Table]:
    for track, rows in groupby(numbers.causes, lambda row: (row.lvlm, row.mode, row.source)):
        title = f"Known cause of right answers: {', '.join(track)}, split {numbers.split}"
        table = _table(title, ["finding", "known cause"], ["ungrounded", "grounded"])
        for row in rows:
            table.add_row(row.finding, row.known_cause, str(row.ungrounded), str(row.grounded))
        yield table


def _reasons(numbers: Statistics) -> Table:
    """Counts, because each reason belongs to another share of the questions."""
    names = ["wrong answer", "did not flip", "background mattered", "unreadable answer"]
    title = f"Reasons (positive questions), split {numbers.split}"
    table = _table(title, ["source", "LVLM", "mode"], names)
    for row in sorted(numbers.groups, key=lambda row: (row.source, row.lvlm, row.mode)):
        if row.finding == ALL:
            counts = (row.answer_wrong, row.answer_did_not_flip, row.background_mattered)
            table.add_row(row.source, row.lvlm, row.mode, *map(str, (*counts, row.unreadable_answer)))
    return table


def _edits(numbers: Statistics) -> Table:
    """Of the right answers that came to an edit, those whose answer was then not the wanted one."""
    title = f"Edits of the causal filter, split {numbers.split}"
    table = _table(title, ["source", "LVLM", "mode", "edit"], ["answers", "turned away", "%"])
    for row in numbers.edits:
        counts = (str(row.answers), str(row.turned_away), _percent(row.turned_away / row.answers))
        table.add_row(row.source, row.lvlm, row.mode, row.edit, *counts)
    return table


def _readings(numbers: Statistics) -> Table:
    title = f"Unreadable answers (% of all that were asked), split {numbers.split}"
    table = _table(title, ["LVLM", "mode", "picture"], ["answers", "unreadable"])
    for row in numbers.readings:
        table.add_row(row.lvlm, row.mode, row.picture, str(row.answers), _percent(row.unreadable))
    return table


def _unreadable(numbers: Statistics) -> Table:
    """Counts: an answer in another language, or one that was cut off, calls for another remedy than a refusal."""
    title = f"Why answers could not be read, split {numbers.split}"
    table = _table(title, ["LVLM", "mode", "because"], ["answers"])
    for row in numbers.unreadable:
        table.add_row(row.lvlm, row.mode, row.why, str(row.answers))
    return table


def _table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for word in words:
        table.add_column(word, overflow="fold", min_width=WIDTHS.get(word))
    for number in numbers:
        table.add_column(number, justify="right", overflow="fold")
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
