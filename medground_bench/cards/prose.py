"""What a method's file says of it, as a card shows it: its docstrings as Markdown, its settings one by one."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from doctest import DocTestParser

ROW = re.compile(r"(?P<name>\S.*?) {2,}(?P<text>\S.*)")
"""A line of a docstring that says what a name means: `name    text`, as these files write a list of them."""

LABEL = re.compile(r"(?<!\w)(Departures?(?: from [^:]{1,40})?|Where it fails|Source):")
COMMENTED = re.compile(r"^    (?P<name>\w+): [^#\n]*#(?P<text>.*)$", re.MULTILINE)


def prose(what: object, without: Iterable[str] = ()) -> str:
    """Its docstring without the examples, which show a program: lists as Markdown, labels in bold.

    without  names that are explained elsewhere, so that their lines are left out
    """
    left_out = set(without)
    lines = []
    for line in _plain(what).splitlines():
        row = ROW.fullmatch(line)
        if row is None:
            lines.append(line)
        elif row["name"] not in left_out:
            lines.append(f"- **{row['name']}**: {row['text']}")
    return re.sub(r"\n{3,}", "\n\n", LABEL.sub(r"**\1:**", "\n".join(lines))).strip()


def meanings(method: type) -> dict[str, str]:
    """Setting -> what it means, by the docstring's lines or else the comment beside the field."""
    found: dict[str, str] = {}
    for each in reversed(method.__mro__[:-1]):
        found |= {row["name"]: row["text"].strip() for row in COMMENTED.finditer(inspect.getsource(each))}
        found |= dict(_rows(each))
    return found


def _rows(what: object) -> Iterator[tuple[str, str]]:
    for line in _plain(what).splitlines():
        row = ROW.fullmatch(line)
        if row:
            yield row["name"], row["text"]


def _plain(what: object) -> str:
    parts = DocTestParser().parse(inspect.getdoc(what) or "")
    return "".join(part for part in parts if isinstance(part, str))
