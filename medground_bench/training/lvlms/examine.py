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
class ExamQuestion:
    """One question about one unseen picture in the study frame, with the truth."""

    finding: str
    present: bool
    marker: bool
    region: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class ExaminedAnswer:
    """What the LVLM said to a question; `region_right` is None unless it said yes to a finding that is there."""

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


def exam_questions(per_answer: int) -> Iterator[ExamQuestion]:
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
                yield ExamQuestion(finding, present, marker, scene.region(finding), picture)


def examine(lvlm: Lvlm, questions: Sequence[ExamQuestion], mode: Mode) -> list[ExaminedAnswer]:
    """The LVLM's answers to all questions in one mode."""
    answers = []
    for start in range(0, len(questions), BATCH):
        batch = questions[start : start + BATCH]
        responses = lvlm.generate(
            [question.picture for question in batch],
            [prompt(question.finding, mode) for question in batch],
            max_new_tokens=64,
        )
        for question, response in zip(batch, responses, strict=True):
            answer = read_answer(response.text, question.finding)
            named = mode is Mode.REASON and question.present and answer is Answer.YES
            right = region_named(response.text) == question.region if named else None
            answers.append(
                ExaminedAnswer(question.finding, mode, question.present, question.marker, answer, right)
            )
    return answers


def rates(answers: Sequence[ExaminedAnswer]) -> Rates:
    """Rates over any selection of answers that holds both kinds of pictures."""
    there = [each.answer is Answer.YES for each in answers if each.present]
    absent = [each.answer is Answer.NO for each in answers if not each.present]
    regions = [each.region_right for each in answers if each.region_right is not None]
    unreadable = [each.answer is Answer.UNREADABLE for each in answers]
    return Rates(
        sensitivity=float(np.mean(there)),
        specificity=float(np.mean(absent)),
        unreadable=float(np.mean(unreadable)),
        region=float(np.mean(regions)) if regions else None,
    )
