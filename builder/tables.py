"""What a folder says in numbers: accuracy, the filter's groups (Table 3 of the paper) and retained cases (Table 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builder.rows import AnswerRow, QuestionRow, VerdictRow
from builder.stages import ORIGINAL
from medground_bench.types import Answer, Group

ALL = "all"


@dataclass(frozen=True, slots=True, order=True)
class AccuracyRow:
    """Right answers to original pictures; an unreadable answer is a wrong one. Shares 0..1, None of no questions.

    sensitivity  right share of the positive questions; specificity, of the negative ones
    """

    lvlm: str
    mode: str
    source: str
    finding: str
    questions: int
    accuracy: float
    sensitivity: float | None
    specificity: float | None
    unreadable: float


@dataclass(frozen=True, slots=True, order=True)
class GroupRow:
    """Counts of the paper's three groups; `questions` is None where the source's question list is not in the folder."""

    lvlm: str
    mode: str
    source: str
    finding: str
    questions: int | None
    incorrect: int
    ungrounded: int
    grounded: int


@dataclass(frozen=True, slots=True, order=True)
class CauseRow:
    """Right answers with one known cause (see `builder.causes`), by what the causal filter said of them."""

    lvlm: str
    mode: str
    finding: str
    known_cause: str
    ungrounded: int
    grounded: int


def accuracy_table(answers: Iterable[AnswerRow]) -> list[AccuracyRow]:
    """Per LVLM, mode, source and finding, and over all findings."""
    groups: dict[tuple[str, str, str, str], list[AnswerRow]] = {}
    for row in answers:
        if row.picture == ORIGINAL:
            for finding in (row.finding, ALL):
                groups.setdefault((row.lvlm, row.mode, row.source, finding), []).append(row)
    return [_accuracy(key, groups[key]) for key in sorted(groups, key=_all_last)]


def group_table(verdicts: Iterable[VerdictRow], questions: Iterable[QuestionRow]) -> list[GroupRow]:
    """Per LVLM, mode, source and finding, and over all findings."""
    asked: Counter[tuple[str, str]] = Counter()
    for question in questions:
        if question.answer == Answer.YES:
            asked.update({(question.source, question.finding): 1, (question.source, ALL): 1})
    groups: dict[tuple[str, str, str, str], Counter[str]] = {}
    for row in verdicts:
        for finding in {row.finding or ALL, ALL}:
            groups.setdefault((row.lvlm, row.mode, row.source, finding), Counter())[row.group] += 1
    return [
        GroupRow(*key, asked.get((key[2], key[3])), *(groups[key][group.value] for group in Group))
        for key in sorted(groups, key=_all_last)
    ]


def cause_table(verdicts: Iterable[VerdictRow]) -> list[CauseRow]:
    """Per LVLM, mode, finding and known cause; a right answer whose cause is not known is left out."""
    counts: dict[tuple[str, str, str, str], Counter[str]] = {}
    for row in verdicts:
        if row.known_cause is not None:
            key = (row.lvlm, row.mode, row.finding or ALL, row.known_cause)
            counts.setdefault(key, Counter())[row.group] += 1
    return [
        CauseRow(*key, counts[key][Group.UNGROUNDED.value], counts[key][Group.GROUNDED.value])
        for key in sorted(counts)
    ]


def _accuracy(key: tuple[str, str, str, str], rows: Sequence[AnswerRow]) -> AccuracyRow:
    positives = [row for row in rows if row.answer == Answer.YES]
    negatives = [row for row in rows if row.answer == Answer.NO]
    unreadable = sum(row.said == Answer.UNREADABLE for row in rows) / len(rows)
    right = _right(rows)
    assert right is not None
    return AccuracyRow(*key, len(rows), right, _right(positives), _right(negatives), unreadable)


def _right(rows: Sequence[AnswerRow]) -> float | None:
    return sum(row.said == row.answer for row in rows) / len(rows) if rows else None


def _all_last(key: tuple[str, str, str, str]) -> tuple[str, str, str, bool, str]:
    return (*key[:3], key[3] == ALL, key[3])
