"""Rows that a table of several LVLMs does not have because they answered some of these alone, and where they stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medground_bench.leaderboard.case_scores import CaseScores

MOST_NAMED = 5
"""Rows that are named in one sentence; the others are counted."""


def rows_elsewhere(scores: CaseScores, chosen: NDArray[np.bool_]) -> tuple[str, ...]:
    """A sentence for every set of LVLMs, not all of the chosen cases', that rows answered on all chosen cases of each.

    chosen  whether each case is one of the table's
    """
    lvlms = scores.facts["lvlm"]
    of_lvlm = {str(lvlm): chosen & (lvlms == lvlm) for lvlm in np.unique(lvlms[chosen])}
    found: dict[tuple[str, ...], list[str]] = {}
    for entry, was_run in zip(scores.entries, scores.was_run, strict=True):
        answered = tuple(lvlm for lvlm in of_lvlm if was_run[of_lvlm[lvlm]].all())
        if 0 < len(answered) < len(of_lvlm):
            found.setdefault(answered, []).append(entry.shown)
    return tuple(_sentence(lvlms, sorted(names)) for lvlms, names in sorted(found.items()))


def _sentence(lvlms: tuple[str, ...], names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    rows, them = ("1 row", "it") if len(names) == 1 else (f"{len(names)} rows", "them")
    one = "it" if len(lvlms) == 1 else "one of these"
    return (
        f"{rows} answered {' and '.join(lvlms)} alone: choose {one} as LVLM to see {them} "
        f"({', '.join(names[:MOST_NAMED])}{more})."
    )
