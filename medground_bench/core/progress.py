"""How far long work is: told to whoever hands in a `Progress`; the work itself draws nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

Advance: TypeAlias = Callable[[int], None]
"""Takes how many more are done."""

Progress: TypeAlias = Callable[[str, int | None, str], AbstractContextManager[Advance]]
"""Of a label, a total (None where nobody knows) and the name of a unit: open while the work goes on."""


@contextmanager
def silently(_label: str, _total: int | None, _unit: str) -> Iterator[Advance]:
    """Tells nobody.

    >>> with silently("cases", 10, "case") as advance:
    ...     advance(1)
    """
    yield lambda _done: None
