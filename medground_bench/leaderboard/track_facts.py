"""What the causal filter made of every track: what stands beside the board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medground_bench.benchmark.statistics import ALL, AccuracyRow, GroupRow, Statistics
from medground_bench.core.causes import KnownCause
from medground_bench.core.types import Group
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.phantom.shortcut import SHORTCUT_FINDING

MARKER_CAUSES = (KnownCause.MARKER, KnownCause.BOTH)
"""Known causes of a right answer that becomes a no when the marker is taken out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFacts:
    """What the causal filter made of one LVLM in one mode on one source; counts of questions.

    accuracy         share 0..1 of right answers to the original pictures, positives and negatives
    shortcut         the finding with a planted shortcut, None where the source has none
    shortcut_causes  known cause -> right answers about that finding, `ungrounded` and `grounded`
    """

    lvlm: str
    mode: str
    source: str
    questions: int
    accuracy: float
    positives: int
    incorrect: int
    ungrounded: int
    grounded: int
    shortcut: str | None
    shortcut_causes: Mapping[str, Mapping[str, int]]

    @property
    def retention(self) -> float:
        """Share 0..1 of the positive questions that became cases."""
        return self.grounded / self.positives if self.positives else 0.0

    @property
    def shortcut_right(self) -> int:
        """Right answers about the shortcut finding whose cause is known."""
        return sum(sum(groups.values()) for groups in self.shortcut_causes.values())

    def on_marker(self, group: Group) -> int:
        """Those of them that would change without the marker, by what the causal filter said."""
        return sum(self.shortcut_causes.get(cause, {}).get(group, 0) for cause in MARKER_CAUSES)

    def shortcut_sentence(self) -> str:
        """For people: how many right answers rest on the planted marker, and what the filter did with them."""
        ungrounded, grounded = self.on_marker(Group.UNGROUNDED), self.on_marker(Group.GROUNDED)
        return (
            f"{self.lvlm} {self.mode}: of {self.shortcut_right} right answers about {self.shortcut}, "
            f"{ungrounded + grounded} rest on the planted side marker; the causal filter rejected {ungrounded} of them."
        )


def track_facts(numbers: Statistics) -> list[TrackFacts]:
    """The facts of every track of a split; only the phantom has a planted shortcut."""
    totals = {(row.lvlm, row.mode, row.source): row for row in numbers.groups if row.finding == ALL}
    causes: dict[tuple[str, str, str], dict[str, dict[str, int]]] = {}
    for row in numbers.causes:
        if row.finding == SHORTCUT_FINDING:
            counts = {"ungrounded": row.ungrounded, "grounded": row.grounded}
            causes.setdefault((row.lvlm, row.mode, row.source), {})[row.known_cause] = counts
    return [
        _facts(
            row,
            totals.get((row.lvlm, row.mode, row.source)),
            causes.get((row.lvlm, row.mode, row.source), {}),
        )
        for row in numbers.accuracy
        if row.finding == ALL
    ]


def _facts(
    accuracy: AccuracyRow, groups: GroupRow | None, causes: Mapping[str, Mapping[str, int]]
) -> TrackFacts:
    """Of one track; it has no groups where its source has no positive question."""
    return TrackFacts(
        lvlm=accuracy.lvlm,
        mode=accuracy.mode,
        source=accuracy.source,
        questions=accuracy.questions,
        accuracy=accuracy.accuracy,
        positives=(groups.questions or 0) if groups else 0,
        incorrect=groups.incorrect if groups else 0,
        ungrounded=groups.ungrounded if groups else 0,
        grounded=groups.grounded if groups else 0,
        shortcut=SHORTCUT_FINDING if accuracy.source == PHANTOM else None,
        shortcut_causes=causes,
    )
