"""Positive questions as an LVLM answered them: the retained cases, and those that the causal filter turned away.

The retained ones are the benchmark's cases. The others (the paper's groups G1 and G2, figure 6) are put together from
the benchmark's tables of questions, answers and verdicts, so that no LVLM is asked again.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from medground_bench.benchmark.folder import Benchmark, native_frame, readable, stored_picture
from medground_bench.core.prompts import prompt
from medground_bench.core.types import (
    Box,
    Case,
    Group,
    Mode,
    Reference,
    Response,
    case_id,
)
from medground_bench.pictures import to_study
from medground_bench.storage.whole_files import sha256

SPLIT = "test"
ORIGINAL = "original"
TURNED_AWAY = frozenset({Group.INCORRECT, Group.UNGROUNDED})


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """A positive question with one LVLM's answer: what is attributed, the expert's boxes, what the filter said."""

    case: Case
    reference: Reference
    group: Group


@dataclass(frozen=True, slots=True, eq=False)
class Attempts:
    """The attempts of one track that were chosen: truth and group by case id; the pictures come by `walk`.

    references  by case id, sorted
    groups      case id -> what the causal filter said
    """

    benchmark: Benchmark
    lvlm: str
    mode: Mode
    references: tuple[Reference, ...]
    groups: Mapping[str, Group]

    @classmethod
    def of(
        cls,
        benchmark: Benchmark,
        lvlm: str,
        mode: Mode,
        *,
        groups: Collection[Group] = frozenset({Group.GROUNDED}),
        limit: int | None = None,
    ) -> Attempts:
        """Those of some groups; `limit` keeps so many of each.

        They are kept by the digest of their question: the same questions whatever the LVLM and the mode, of all
        sources and findings, and a smaller limit keeps some of a larger one's. A benchmark without its table of
        answers, such as a published one, has the retained cases only.
        """
        known = {each.case_id: (each, Group.GROUNDED) for each in benchmark.references(lvlm=lvlm, mode=mode)}
        if TURNED_AWAY & set(groups):
            known |= _turned_away(benchmark, lvlm, mode)
        kept = sorted(
            case
            for group in groups
            for case in _kept([case for case, (_truth, said) in known.items() if said is group], limit)
        )
        references = tuple(known[case][0] for case in kept)
        return cls(benchmark, lvlm, mode, references, {case: known[case][1] for case in kept})

    def __len__(self) -> int:
        """How many there are."""
        return len(self.references)

    def walk(self) -> Iterator[Attempt]:
        """By case id, so that the questions about one picture follow each other."""
        truth = {each.case_id: each for each in self.references}
        retained = self.benchmark.cases(lvlm=self.lvlm, mode=self.mode)
        grounded = {case for case, group in self.groups.items() if group is Group.GROUNDED}
        kept = (case for case in retained if case.case_id in grounded)
        others = _turned_away_cases(self.benchmark, self.lvlm, self.mode, set(self.groups) - grounded)
        for case in heapq.merge(kept, others, key=lambda case: case.case_id):
            yield Attempt(case, truth[case.case_id], self.groups[case.case_id])


def has_answers(benchmark: Benchmark) -> bool:
    """Whether the benchmark says what was answered to the questions that were not retained."""
    return any((benchmark.folder / "answers").glob(f"{SPLIT}-*.parquet"))


def _kept(cases: Collection[str], limit: int | None) -> Sequence[str]:
    return sorted(cases, key=lambda case: sha256(_question_of(case).encode()))[:limit]


def _question_of(case: str) -> str:
    """The question id in a case id; an LVLM's key may hold another @."""
    return case.partition("@")[0]


def _turned_away(benchmark: Benchmark, lvlm: str, mode: Mode) -> dict[str, tuple[Reference, Group]]:
    """Case id -> truth and group of every question that was answered but not retained."""
    if not has_answers(benchmark):
        return {}
    columns = ["question_id", "source", "image_id", "finding", "boxes", "width", "height"]
    questions = {row["question_id"]: row for row in _rows(benchmark, "questions", columns)}
    verdicts = _rows(benchmark, "verdicts", ["question_id", "lvlm", "mode", "group"])
    return {
        case_id(row["question_id"], lvlm, mode): (
            _reference(questions[row["question_id"]], lvlm, mode),
            Group(row["group"]),
        )
        for row in verdicts
        if (row["lvlm"], row["mode"]) == (lvlm, mode)
        and row["group"] in TURNED_AWAY
        and row["question_id"] in questions
    }


def _turned_away_cases(
    benchmark: Benchmark, lvlm: str, mode: Mode, chosen: Collection[str]
) -> Iterator[Case]:
    """Cases of chosen ids, sorted."""
    if not chosen:
        return
    columns = ["question_id", "finding", "width", "height", "image", "image_sha256", "source"]
    wanted = set(map(_question_of, chosen))
    questions = {
        row["question_id"]: row
        for row in _rows(benchmark, "questions", columns)
        if row["question_id"] in wanted
    }
    said = ["question_id", "lvlm", "mode", "picture", "response", "response_token_ids", "response_tokens"]
    answers = {
        case_id(row["question_id"], lvlm, mode): row
        for row in _rows(benchmark, "answers", said)
        if (row["lvlm"], row["mode"], row["picture"]) == (lvlm, mode, ORIGINAL)
    }
    for case in sorted(chosen):
        answer = answers[case]
        yield _case(case, questions[answer["question_id"]], answer, mode)


def _case(case: str, question: dict[str, Any], answer: dict[str, Any], mode: Mode) -> Case:
    response = Response(
        answer["response"], tuple(answer["response_token_ids"]), tuple(answer["response_tokens"])
    )
    picture = to_study(stored_picture(question, f"question {question['question_id']}")).picture
    finding = question["finding"]
    return Case(case, finding, prompt(finding, mode), response, picture, native_frame(question))


def _reference(question: dict[str, Any], lvlm: str, mode: Mode) -> Reference:
    native = native_frame(question)
    return Reference(
        case_id=case_id(question["question_id"], lvlm, mode),
        source=question["source"],
        image_id=question["image_id"],
        lvlm=lvlm,
        mode=mode,
        finding=question["finding"],
        native=native,
        boxes=tuple(Box(x0, y0, x1, y1, native) for x0, y0, x1, y1 in question["boxes"] or ()),
    )


def _rows(benchmark: Benchmark, table: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for file in _files(benchmark, table):
        with readable(file):
            rows = pq.read_table(file, columns=list(columns)).to_pylist()
        yield from rows


def _files(benchmark: Benchmark, table: str) -> list[Path]:
    return sorted((benchmark.folder / table).glob(f"{SPLIT}-*.parquet"))
