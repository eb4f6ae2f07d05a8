"""Tables as the cards have them, and the badge of every number: who measured it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

REPORTED = "*Reported by the paper, not by us*"
MEASURED = "*Measured by us*"
WORKED_OUT = "*worked out from the paper's tables, not printed there*"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, words: int = 1) -> str:
    """A Markdown table; the first `words` columns hold words, the others numbers, set to the right."""
    rule = ["---"] * words + ["---:"] * (len(columns) - words)
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in (columns, *rows)]
    return "\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]])


def percent(share: float, digits: int) -> str:
    """A share 0..1 in percent, without the sign."""
    return f"{100 * share:.{digits}f}"


def interval(low: float | None, high: float | None) -> str:
    """The ends of an interval, shares 0..1, in percent; a dash where images were too few for one."""
    return "-" if low is None or high is None else f"{percent(low, 1)} to {percent(high, 1)}"
