"""Words of others in Markdown: whatever they hold, they stay words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from builder.publish.contents import masked, text_findings

SPECIAL = re.compile(r"[\\`*\[\]<>|~&$#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
LINE_START = re.compile(r"(\d*)([-+=.)])")
ESCAPED = re.compile(r"\\([\\`*_\[\]<>|~&$#.)+=-])")
NO_NAME = frozenset("`|\\")
"""Letters that no name in a table has, and that would end a piece of code or a cell."""

LONGEST_NAME = 200


def shown(name: str) -> str:
    """A name in a text; what the policy would refuse there is masked.

    The key of an LVLM may hold a date, which is fine in a column and looks like that of a study in a text.
    """
    told = masked(name) if text_findings(name.encode("utf-8", "backslashreplace")) else name[:LONGEST_NAME]
    letters = (letter if letter.isprintable() and letter not in NO_NAME else "?" for letter in told)
    return "".join(letters).strip() or "?"


def code(name: str) -> str:
    """A name as code, also in a cell."""
    return f"`{shown(name)}`"


def prose(text: str) -> str:
    """A line of plain words, without any mark-up of its own."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    escaped = SPECIAL.sub(r"\\\g<0>", line)
    return LINE_START.sub(r"\1\\\2", escaped, count=1) if LINE_START.match(escaped) else escaped


def words(line: str) -> str:
    """The plain words that `prose` was given, white space apart."""
    return ESCAPED.sub(r"\1", line)


def table(names: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int) -> str:
    """A table whose first `texts` columns are words and whose others are numbers, at the right."""
    rules = ["---"] * texts + ["---:"] * (len(names) - texts)
    return "\n".join(f"| {' | '.join(row)} |" for row in (names, rules, *rows))
