"""How often an LVLM is right about unseen phantoms, finding by finding and mode by mode; the numbers of its card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from medground_bench.core.answers import read_answer
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Answer, Mode, Picture
from medground_bench.lvlms import Lvlm
from medground_bench.phantom import seeds
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.language import region_named
from medground_bench.phantom.scene import Scene, sample_findings
from medground_bench.phantom.shortcut import draw_marker
from medground_bench.pictures import to_study

BATCH = 512
"""Questions handed over at once; the LVLM sorts them into batches of equal length."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One question about one unseen picture in the study frame, with the truth."""

    finding: str
    present: bool
    marker: bool
    region: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the LVLM said to an item; `region_right` is None unless it said yes to a finding that is there."""

    finding: str
    mode: Mode
    present: bool
    marker: bool
    answer: Answer
    region_right: bool | None


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of right answers; an unreadable one is wrong. `region` is over right yes answers of the reason mode."""

    sensitivity: float
    specificity: float
    unreadable: float
    region: float | None

    @property
    def balanced_accuracy(self) -> float:
        """Mean of sensitivity and specificity."""
        return (self.sensitivity + self.specificity) / 2


def items(per_answer: int) -> Iterator[Item]:
    """`per_answer` pictures with and as many without each finding, markers drawn as in training."""
    missing = {(finding, present): per_answer for finding in FINDINGS for present in (True, False)}
    for seed in seeds.EXAMINATION:
        if not any(missing.values()):
            return
        scene, rng = Scene.sample(seed), np.random.default_rng([seed, 1])
        findings = sample_findings(scene, rng)
        marker = draw_marker(findings, rng)
        picture = to_study(scene.native(findings, marker=marker)).picture
        for finding in FINDINGS:
            present = finding in findings
            if missing[finding, present]:
                missing[finding, present] -= 1
                yield Item(finding, present, marker, scene.region(finding), picture)


def examine(lvlm: Lvlm, asked: Sequence[Item], mode: Mode) -> list[Outcome]:
    """The LVLM's answers to all items in one mode."""
    outcomes = []
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        responses = lvlm.generate(
            [item.picture for item in batch],
            [prompt(item.finding, mode) for item in batch],
            max_new_tokens=64,
        )
        for item, response in zip(batch, responses, strict=True):
            answer = read_answer(response.text, item.finding)
            named = mode is Mode.REASON and item.present and answer is Answer.YES
            right = region_named(response.text) == item.region if named else None
            outcomes.append(Outcome(item.finding, mode, item.present, item.marker, answer, right))
    return outcomes


def rates(outcomes: Sequence[Outcome]) -> Rates:
    """Rates over any selection of outcomes that holds both kinds of pictures."""
    there = [o.answer is Answer.YES for o in outcomes if o.present]
    absent = [o.answer is Answer.NO for o in outcomes if not o.present]
    regions = [o.region_right for o in outcomes if o.region_right is not None]
    unreadable = [o.answer is Answer.UNREADABLE for o in outcomes]
    return Rates(
        sensitivity=float(np.mean(there)),
        specificity=float(np.mean(absent)),
        unreadable=float(np.mean(unreadable)),
        region=float(np.mean(regions)) if regions else None,
    )
