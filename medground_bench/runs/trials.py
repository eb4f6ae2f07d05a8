"""What a method tried that hides regions: each concept and group, the picture that was asked, and what it cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from medground_bench.core.types import Case, Picture, TokenDrop
from medground_bench.core.word_drops import WordDrop, word_drops
from medground_bench.methods.medfocus import MedFocus
from medground_bench.runs.explain import Explanation


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One concept or group hidden.

    drop     Delta, nats
    score    what it was compared by, for people, as the rule of the method tells it; empty where it costs too little
    chosen   whether it was reported
    picture  the one that was asked, study frame
    words    the response's words with what each lost; for every trial the same words
    """

    name: str
    is_group: bool
    drop: float
    score: str
    chosen: bool
    picture: Picture
    words: Sequence[WordDrop]

    @property
    def kept(self) -> float:
        """Share of the response's probability that is left, 0..1."""
        return math.exp(-self.drop)


def trials_of(explanation: Explanation, case: Case) -> list[Trial]:
    """Every trial, what the method prefers first, then the most costly; none for a method that hides no regions."""
    method, evidence = explanation.settings, explanation.explained.attribution
    if not isinstance(method, MedFocus):
        return []
    pictures = method.counterfactuals(case)
    scores = evidence.region_scores
    groups = {group.name for group in method.concepts.groups}
    trials = [
        Trial(
            name=name,
            is_group=name in groups,
            drop=evidence.concept_drops[name],
            score=method.rule.told(scores[name]) if name in scores else "",
            chosen=name == evidence.concept,
            picture=pictures[name],
            words=word_drops(list(map(TokenDrop, case.response.tokens, drops))),
        )
        for name, drops in evidence.region_drops.items()
    ]
    return sorted(trials, key=lambda trial: (-scores.get(trial.name, -math.inf), -trial.drop))


def taken_by(trials: Sequence[Trial]) -> list[int | None]:
    """For every word the trial that took most of it, the first of equals; None for a word that lost nothing."""
    places: list[int | None] = []
    for drops in zip(*([word.drop for word in trial.words] for trial in trials), strict=True):
        most = max(drops)
        places.append(drops.index(most) if most > 0 else None)
    return places
