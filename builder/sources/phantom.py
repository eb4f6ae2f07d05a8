"""Procedural chest X-rays with exact findings, boxes and causes; free to share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from builder.ledger import Ledger
from builder.sources import BadSource, SourceQuestion, pictures_wanted
from medground_bench.core.causes import Counterfactual
from medground_bench.core.types import Answer, Picture, Question
from medground_bench.phantom import seeds
from medground_bench.phantom.exact_edits import EXACT, original, without
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.patient import patient
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.pictures import Levels

SEEDS = {"test": seeds.TEST, "tune": seeds.TUNE}
PICTURES = {"test": 400, "tune": 100}


@dataclass(frozen=True, slots=True)
class Phantom:
    """Per picture a question about every visible finding, and about as many that are not there."""

    roots: tuple[Path, ...] = ()
    name: str = PHANTOM
    editor: str = EXACT
    may_show: bool = True
    levels: Levels = Levels.MIN_MAX  # of no effect: phantoms are drawn in 8 bits
    ledger: Ledger = field(default_factory=Ledger, compare=False)

    def __post_init__(self) -> None:
        if self.roots:
            raise BadSource(f"{self.name} is drawn, not read: it takes no folder ({self.roots[0]}).")

    @classmethod
    def holds(cls, root: Path) -> bool:
        """See `Source`: no folder does."""
        return False

    def splits(self) -> tuple[str, ...]:
        """See `Source`."""
        return tuple(SEEDS)

    def questions(self, split: str, limit: int | None) -> Iterator[SourceQuestion]:
        """See `Source`. With a limit, `tune` gets as many pictures as `pictures_wanted` says."""
        wanted = pictures_wanted(split, limit)
        pictures = PICTURES[split] if wanted is None else wanted
        for seed in SEEDS[split][:pictures]:
            yield from _questions_of(str(seed))

    def picture(self, question: Question) -> Picture:
        """See `Source`."""
        return original(question.image_id)

    def without(self, question: Question, counterfactual: Counterfactual) -> Picture:
        """See `KnowsCauses`."""
        return without(question, counterfactual)


@lru_cache(maxsize=sum(PICTURES.values()))
def _questions_of(image_id: str) -> tuple[SourceQuestion, ...]:
    """Kept, for a finding's exact boxes take two drawings of the picture."""
    who = patient(image_id)
    boxes = {finding: who.boxes(finding) for finding in who.findings}
    visible = [finding for finding in who.findings if boxes[finding]]
    absent = [finding for finding in FINDINGS if finding not in who.findings]
    rng = np.random.default_rng([int(image_id), 2])
    negatives = {str(finding) for finding in rng.permutation(absent)[: max(1, len(visible))]}
    asked = [finding for finding in FINDINGS if finding in visible or finding in negatives]
    answers = {finding: Answer.YES if finding in visible else Answer.NO for finding in asked}
    questions = [
        Question(PHANTOM, image_id, finding, answers[finding], who.native, boxes.get(finding, ()))
        for finding in asked
    ]
    return tuple(SourceQuestion(question, who.marker) for question in questions)


SOURCE = Phantom
