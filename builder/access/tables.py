"""The queue and what is to become of it as tables for people; what others typed is shown without what would steer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from builder.access.applicants import Applicant, shown
from builder.access.rules import is_ticked
from builder.access.rulings import Handling

LONGEST_LABEL, LONGEST_TEXT = 100, 200
"""Characters of a field that a table shows; --json and --to have all."""

BOXES = {True: "[x]", False: "[ ]"}


def queue_table(title: str, applicants: Iterable[Applicant]) -> Table:
    """Who asks and when, beside what was filled in: two columns, so that both can be read at 80 characters."""
    table = _table(title, ("who", "filled in"))
    for each in applicants:
        who = (each.name, each.full_name, each.email, f"{each.date:%Y-%m-%d %H:%M}")
        lines = (_line(label, value) for label, value in each.fields.items())
        table.add_row(
            Text("\n".join(_cut(word, LONGEST_TEXT) for word in who if word)), Text("\n".join(lines))
        )
        table.add_section()
    return table


def decisions_table(title: str, handlings: Sequence[Handling]) -> Table:
    """A row a decision that is to be sent."""
    table = _table(title, ("who", "is", "decision", "rule", "reason"))
    for each in handlings:
        ruling = each.ruling
        words = (each.applicant.name, each.applicant.status, ruling.decision, ruling.rule, ruling.reason)
        table.add_row(*(Text(_cut(word, LONGEST_TEXT)) for word in words))
    return table


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, collapse_padding=True)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _line(label: str, value: object) -> str:
    box, named = is_ticked(value), _cut(label, LONGEST_LABEL)
    return f"{named}: {_cut(str(value), LONGEST_TEXT)}" if box is None else f"{BOXES[box]} {named}"


def _cut(words: str, most: int) -> str:
    """One line of at most so many characters."""
    line = shown(words)
    return line if len(line) <= most else f"{line[: most - 3]}..."
