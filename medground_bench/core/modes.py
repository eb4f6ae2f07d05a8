"""How an LVLM is asked; by itself, so that a command line that names modes needs no numpy."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """How the LVLM is asked: a bare yes or no, or a chain that ends in one.

    >>> f"{Mode.REASON}"
    'reason'
    """

    DIRECT = "direct"
    REASON = "reason"
