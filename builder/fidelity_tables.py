"""What `builder.fidelity` measured, as tables for people, shares in percent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Group as Together
from rich.table import Table

from builder.fidelity import WORDS, ConfusionRow, Fidelity, LostRow, RetentionRow


def fidelity_tables(measured: Fidelity) -> Together:
    """The confusion of verdicts, then what each editor retains, a pair of tables a track and editor; then the lost."""
    tables = []
    confusions = {key: list(rows) for key, rows in groupby(measured.confusion(), _track)}
    for key, rows in groupby(measured.retention(), _track):
        lvlm, mode, editor = key
        table = _table(
            f"Verdicts on right answers: {lvlm}, {mode}, by {editor}", "exact editor", list(WORDS.values())
        )
        counts = {(row.exact, row.other): row.answers for row in confusions[key]}
        for exact, words in WORDS.items():
            table.add_row(words, *(str(counts.get((exact, other), 0)) for other in WORDS))
        tables += [table, _retained(f"Retained: {lvlm}, {mode}, exact editor and {editor}", list(rows))]
    if any(row.questions for row in measured.lost):
        tables.append(_lost(measured.lost))
    return Together(*tables)


def _lost(rows: Sequence[LostRow]) -> Table:
    table = _table("Positive questions without a verdict: in quarantine", "LVLM, mode, editor", ["questions"])
    for row in rows:
        table.add_row(f"{row.lvlm}, {row.mode}, {row.editor}", str(row.questions))
    return table


def _retained(title: str, rows: list[RetentionRow]) -> Table:
    """Of the retained by each editor, `elsewhere` are those whose known cause is not the finding."""
    table = _table(title, "finding or boxes", ["answers", "agree", "exact", "other", "both", "elsewhere"])
    for row in rows:
        shares = (_percent(count, row.answers) for count in (row.agree, row.exact, row.other))
        elsewhere = f"{row.exact_wrong}/{row.exact}, {row.other_wrong}/{row.other}"
        table.add_row(row.cut, str(row.answers), *shares, str(row.both), elsewhere)
    return table


def _track(row: ConfusionRow | RetentionRow) -> tuple[str, str, str]:
    return row.lvlm, row.mode, row.editor


def _table(title: str, word: str, numbers: list[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(word, no_wrap=True)
    for number in numbers:
        table.add_column(number, justify="right", overflow="fold")
    return table


def _percent(count: int, of: int) -> str:
    return f"{100 * count / of:.1f}" if of else "-"
