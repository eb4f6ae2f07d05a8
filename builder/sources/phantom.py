"""Procedural chest X-rays with exact findings, boxes and causes; free to share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from builder.sources import SourceQuestion
from medground_bench.core.causes import Counterfactual
from medground_bench.core.types import Answer, Picture, Question
from medground_bench.phantom import seeds
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.patient import patient
from medground_bench.phantom.region_edits import PHANTOM, rendered
from medground_bench.pictures import Levels

SEEDS = {"test": seeds.TEST, "tune": seeds.TUNE}
PICTURES = {"test": 400, "tune": 100}
TUNE_SHARE = 4
"""With a limit of N pictures for `test`, `tune` gets one for every 4 of them, at least two."""


@dataclass(frozen=True, slots=True)
class Phantom:
    """Per picture a question about every visible finding, and about as many that are not there."""

    name: str = PHANTOM
    editor: str = "phantom_exact"
    may_show: bool = True
    levels: Levels = Levels.MIN_MAX  # of no effect: phantoms are drawn in 8 bits

    def splits(self) -> tuple[str, ...]:
        """See `Source`."""
        return tuple(SEEDS)

    def questions(self, split: str, limit: int | None) -> Iterator[SourceQuestion]:
        """See `Source`. With a limit, `tune` gets a quarter as many pictures as `test`, at least two."""
        pictures = PICTURES[split] if limit is None else limit
        if limit is not None and split == "tune":
            pictures = max(2, limit // TUNE_SHARE)
        for seed in SEEDS[split][:pictures]:
            yield from _questions_of(str(seed))

    def picture(self, question: Question) -> Picture:
        """See `Source`."""
        who = patient(question.image_id)
        return rendered(question.image_id, who.findings, who.marker)

    def without(self, question: Question, counterfactual: Counterfactual) -> Picture:
        """See `KnowsCauses`."""
        who = patient(question.image_id)
        keeps_finding = counterfactual is Counterfactual.WITHOUT_MARKER
        marker = who.marker and counterfactual is Counterfactual.WITHOUT_FINDING
        findings = who.findings if keeps_finding else who.without(question.finding)
        return rendered(question.image_id, findings, marker)


def _questions_of(image_id: str) -> Iterator[SourceQuestion]:
    who = patient(image_id)
    boxes = {finding: who.boxes(finding) for finding in who.findings}
    visible = [finding for finding in who.findings if boxes[finding]]
    absent = [finding for finding in FINDINGS if finding not in who.findings]
    rng = np.random.default_rng([int(image_id), 2])
    negatives = {str(finding) for finding in rng.permutation(absent)[: max(1, len(visible))]}
    for finding in FINDINGS:
        if finding in visible or finding in negatives:
            answer = Answer.YES if finding in visible else Answer.NO
            question = Question(PHANTOM, image_id, finding, answer, who.native, boxes.get(finding, ()))
            yield SourceQuestion(question, who.marker)


SOURCE = Phantom
