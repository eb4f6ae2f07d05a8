"""What a row of the board is of: a method, where it comes from, who measured it, and what it was tuned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from medground_bench.leaderboard.rows import TunedOn
from medground_bench.runs.method_groups import MethodGroup


class Badge(StrEnum):
    """Who measured a row: the paper says so, we scored boxes that were sent, or we ran the method ourselves."""

    REPORTED = "reported"
    SCORED = "scored"
    REPRODUCED = "reproduced"

    @property
    def words(self) -> str:
        """For people."""
        return self.value if self is Badge.REPORTED else f"{self.value} by us"


@dataclass(frozen=True, slots=True)
class TunedTrack:
    """What a method's settings were chosen on for one track."""

    lvlm: str
    mode: str
    on: TunedOn


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardEntry:
    """One row: a method with a badge.

    shown  its name for people, which says what it had to do without
    seeds  how many runs were averaged
    said   what its submitter said of it: key of a column and words
    """

    method: str
    shown: str
    badge: Badge
    family: MethodGroup
    tuned: tuple[TunedTrack, ...] = ()
    seeds: int = 1
    said: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """No two rows have the same."""
        return self.method, self.badge.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRow:
    """What a paper says of a method on a source, fractions 0..1; `lvlm` is `all` where it pools them."""

    method: str
    family: MethodGroup
    mode: str
    source: str
    lvlm: str
    iou: float
    f1: float
    precision: float
    recall: float
    seconds: float | None = None


def tuned_on(of_tracks: Sequence[TunedOn]) -> str | None:
    """For people: the fewest and the most that the tracks of a row were tuned on; None where nothing was chosen."""
    if not of_tracks:
        return None
    told = (
        _span([each.cases for each in of_tracks], "case"),
        _span([each.pictures for each in of_tracks], "picture"),
        _span([each.candidates for each in of_tracks], "candidate"),
    )
    return ", ".join(told)


def _span(counts: list[int], what: str) -> str:
    least, most = min(counts), max(counts)
    plural = "" if most == 1 else "s"
    return f"{most} {what}{plural}" if least == most else f"{least} to {most} {what}{plural}"
