"""Positive questions as an LVLM answered them: the retained cases, and those that the causal filter turned away.

The retained ones are the benchmark's cases. The others (the paper's groups G1 and G2, figure 6) are put together from
the benchmark's tables of questions, answers and verdicts, so that no LVLM is asked again.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from medground_bench.benchmark.opening import Benchmark
from medground_bench.benchmark.rows import (
    ANSWERS,
    ORIGINAL,
    QUESTIONS,
    VERDICTS,
    AnswerRow,
    QuestionColumns,
    QuestionRow,
    native_frame,
    stored_response,
)
from medground_bench.core.case_ids import case_id, question_of
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Case, Group, Picture, Reference, Track
from medground_bench.pictures import to_study
from medground_bench.storage.whole_files import sha256

TURNED_AWAY = frozenset({Group.INCORRECT, Group.UNGROUNDED})


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """A positive question with one LVLM's answer: what is attributed, the expert's boxes, what the filter said.

    >>> import numpy as np
    >>> from medground_bench.core.types import Frame, Mode, Response
    >>> native = Frame.native(width=2544, height=3056)
    >>> case = Case("id", "mass", "?", Response("No", (3771,), ("No",)), np.zeros((224, 224), np.uint8), native)
    >>> truth = Reference("id", "vindr_cxr", "0f3a", "medgemma_4b", Mode.DIRECT, "mass", native, boxes=())
    >>> Attempt(case, truth, Group.INCORRECT).group.value
    'incorrect'
    """

    case: Case
    reference: Reference
    group: Group


@dataclass(frozen=True, slots=True, eq=False)
class Attempts:
    """The attempts of one track that were chosen: truth and group by case id; the pictures come by `walk`.

    references  by case id, sorted
    groups      case id -> what the causal filter said
    split       whose questions they are

    >>> from pathlib import Path
    >>> from medground_bench.core.types import Mode
    >>> track = Track("medgemma_4b", Mode.DIRECT)
    >>> len(Attempts(Benchmark(Path("medground-bench")), track, references=(), groups={}))
    0
    """

    benchmark: Benchmark
    track: Track
    references: tuple[Reference, ...]
    groups: Mapping[str, Group]
    split: str = "test"

    @classmethod
    def of(
        cls,
        benchmark: Benchmark,
        track: Track,
        *,
        groups: Collection[Group] = frozenset({Group.GROUNDED}),
        split: str = "test",
        limit: int | None = None,
    ) -> Attempts:
        """Those of some groups; `limit` keeps so many of each.

        They are kept by the digest of their question: the same questions whatever the LVLM and the mode, of all
        sources and findings, and a smaller limit keeps some of a larger one's. A benchmark without its table of
        answers, such as a published one, has the retained cases only.
        """
        retained = benchmark.references(lvlm=track.lvlm, mode=track.mode, split=split)
        known = {each.case_id: (each, Group.GROUNDED) for each in retained}
        if TURNED_AWAY & set(groups):
            known |= _turned_away(benchmark, track, split)
        kept = sorted(
            case
            for group in groups
            for case in _kept([case for case, (_truth, said) in known.items() if said is group], limit)
        )
        references = tuple(known[case][0] for case in kept)
        return cls(benchmark, track, references, {case: known[case][1] for case in kept}, split)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.references)

    def walk(self) -> Iterator[Attempt]:
        """By case id, so that the questions about one picture follow each other."""
        truth = {each.case_id: each for each in self.references}
        retained = self.benchmark.cases(lvlm=self.track.lvlm, mode=self.track.mode, split=self.split)
        grounded = {case for case, group in self.groups.items() if group is Group.GROUNDED}
        kept = (case for case in retained if case.case_id in grounded)
        others = _turned_away_cases(self, set(self.groups) - grounded)
        for case in heapq.merge(kept, others, key=lambda case: case.case_id):
            yield Attempt(case, truth[case.case_id], self.groups[case.case_id])


def has_answers(benchmark: Benchmark, split: str = "test") -> bool:
    """Whether the benchmark says what was answered to the questions that were not retained.

    >>> from pathlib import Path
    >>> has_answers(Benchmark(Path("nothing-here")))
    False
    """
    return bool(benchmark.dataset.files(ANSWERS, split))


def _kept(cases: Collection[str], limit: int | None) -> Sequence[str]:
    return sorted(cases, key=lambda case: sha256(question_of(case).encode()))[:limit]


def _turned_away(benchmark: Benchmark, track: Track, split: str) -> dict[str, tuple[Reference, Group]]:
    """Case id -> truth and group of every question that was answered but not retained."""
    if not has_answers(benchmark, split):
        return {}
    questions = {row.question_id: row for row in benchmark.columns(QUESTIONS, split, QuestionColumns)}
    return {
        case_id(row.question_id, track): (questions[row.question_id].reference(track), Group(row.group))
        for row in benchmark.dataset.read(VERDICTS, split, track.lvlm)
        if row.track == track and row.group in TURNED_AWAY and row.question_id in questions
    }


def _turned_away_cases(attempts: Attempts, chosen: Collection[str]) -> Iterator[Case]:
    """Cases of chosen ids, sorted."""
    if not chosen:
        return
    benchmark, track, split = attempts.benchmark, attempts.track, attempts.split
    wanted = set(map(question_of, chosen))
    rows = benchmark.columns(QUESTIONS, split, QuestionRow)
    questions = {row.question_id: row for row in rows if row.question_id in wanted}
    answers = {
        case_id(row.question_id, track): row
        for row in benchmark.dataset.read(ANSWERS, split, track.lvlm)
        if row.track == track and row.picture == ORIGINAL
    }
    for case in sorted(chosen):
        answer = answers[case]
        question = questions[answer.question_id]
        picture = benchmark.picture(question, f"question {question.question_id}")
        yield _case(case, question, answer, picture)


def _case(case: str, question: QuestionRow, answer: AnswerRow, native: Picture) -> Case:
    name = f"question {question.question_id}"
    frame, study = native_frame(question, name), to_study(native).picture
    words = prompt(question.finding, answer.track.mode)
    return Case(case, question.finding, words, stored_response(answer, name), study, frame)
