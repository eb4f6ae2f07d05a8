"""What a dataset folder says in numbers: accuracy, how many answers could be read, the filter's groups and its reasons.

The groups are Table 3 of the paper, the grounded ones Table 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from medground_bench.benchmark.counted import AskedColumns, FilterColumns, ReadingColumns
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import (
    ANSWERS,
    ORIGINAL,
    QUESTIONS,
    VERDICTS,
    AnswerRow,
    QuestionRow,
    VerdictRow,
    is_released,
)
from medground_bench.core.answers import read
from medground_bench.core.causal_filter import Edit
from medground_bench.core.types import Answer, Group, Reason

ALL = "all"


@dataclass(frozen=True, slots=True, order=True)
class AccuracyRow:
    """Right answers to original pictures; an unreadable answer is a wrong one. Shares 0..1, None of no questions.

    The authors' release has no row: it holds retained cases alone, which were all answered right.

    sensitivity  right share of the positive questions; specificity, of the negative ones

    >>> AccuracyRow("gemma3_4b", "direct", "phantom", "mass", 8, 0.75, 0.5, 1.0, unreadable=0.0).specificity
    1.0
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
    """Counts of the paper's three groups, and of the reasons why a question is in one of the first two.

    questions          positive ones; None where the source's question list is not in the folder, and for the authors'
                       release, which has verdicts on the retained ones alone
    unreadable_answer  counts a question with any answer that could not be read, the original's or an edit's

    >>> row = GroupRow("gemma3_4b", "direct", "phantom", "mass", questions=9, incorrect=3, ungrounded=2, grounded=4,
    ...     answer_wrong=2, answer_did_not_flip=1, background_mattered=1, unreadable_answer=1)
    >>> row.incorrect + row.ungrounded + row.grounded
    9
    """

    lvlm: str
    mode: str
    source: str
    finding: str
    questions: int | None
    incorrect: int
    ungrounded: int
    grounded: int
    answer_wrong: int
    answer_did_not_flip: int
    background_mattered: int
    unreadable_answer: int

    @property
    def counts(self) -> tuple[int, int, int]:
        """Of the groups, in the order of `Group`."""
        return self.incorrect, self.ungrounded, self.grounded

    @property
    def shares(self) -> tuple[float, ...] | None:
        """The groups as shares 0..1 of the questions; None where that is not known or there are none.

        They are less than a whole where questions have no verdict, because units were given up.
        """
        return tuple(count / self.questions for count in self.counts) if self.questions else None


@dataclass(frozen=True, slots=True, order=True)
class ReadingRow:
    """How many answers to one kind of picture there are, and the share 0..1 of them that could not be read.

    picture  `original`, an edit or a counterfactual; `ALL` for every answer that was asked

    >>> ReadingRow("gemma3_4b", "direct", ORIGINAL, answers=8, unreadable=0.25).unreadable
    0.25
    """

    lvlm: str
    mode: str
    picture: str
    answers: int
    unreadable: float


@dataclass(frozen=True, slots=True, order=True)
class UnreadableRow:
    """How many answers could not be read for one reason, such as another language; see `answers.Why`.

    >>> UnreadableRow("gemma3_4b", "direct", "another language", answers=2).why
    'another language'
    """

    lvlm: str
    mode: str
    why: str
    answers: int


@dataclass(frozen=True, slots=True, order=True)
class EditRow:
    """How many right answers came to one edit of the causal filter, and how many of them it turned away.

    >>> EditRow("gemma3_4b", "direct", "phantom", "background", answers=40, turned_away=3).turned_away
    3
    """

    lvlm: str
    mode: str
    source: str
    edit: str
    answers: int
    turned_away: int


@dataclass(frozen=True, slots=True, order=True)
class CauseRow:
    """Right answers with one known cause (see `core.causes`), by what the causal filter said of them.

    >>> CauseRow("gemma3_4b", "direct", "phantom", "mass", "marker", ungrounded=5, grounded=1).grounded
    1
    """

    lvlm: str
    mode: str
    source: str
    finding: str
    known_cause: str
    ungrounded: int
    grounded: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """All tables of one split.

    >>> from pathlib import Path
    >>> Statistics.of(DatasetFolder(Path("nothing-here")), "test").groups
    []
    """

    split: str
    accuracy: Sequence[AccuracyRow]
    readings: Sequence[ReadingRow]
    unreadable: Sequence[UnreadableRow]
    groups: Sequence[GroupRow]
    causes: Sequence[CauseRow]
    edits: Sequence[EditRow] = ()

    @classmethod
    def of(cls, folder: DatasetFolder, split: str) -> Statistics:
        """The tables of a folder's split."""
        verdicts, answers = folder.read(VERDICTS, split), folder.read(ANSWERS, split)
        return cls(
            split,
            accuracy_table(answers),
            reading_table(answers),
            unreadable_table(answers),
            group_table(verdicts, folder.columns(QUESTIONS, split, AskedColumns)),
            cause_table(verdicts),
            edit_table(verdicts),
        )

    def whole(self) -> list[GroupRow]:
        """Over all findings, by source, LVLM and mode, where the number of questions is known: Table 3 of the paper."""
        rows = (row for row in self.groups if row.finding == ALL and row.shares is not None)
        return sorted(rows, key=lambda row: (row.source, row.lvlm, row.mode))

    def pooled(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """LVLM and mode -> questions in each group over all sources of `whole`: those of Figure 6 of the paper."""
        tracks: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        for row in self.whole():
            tracks.setdefault((row.lvlm, row.mode), []).append(row.counts)
        return {track: tuple(map(sum, zip(*tracks[track], strict=True))) for track in sorted(tracks)}

    def as_json(self) -> dict[str, object]:
        """Plain values: split and the tables as lists of objects, shares 0..1."""
        return {
            "split": self.split,
            "accuracy": [asdict(row) for row in self.accuracy],
            "readings": [asdict(row) for row in self.readings],
            "unreadable": [asdict(row) for row in self.unreadable],
            "groups": [asdict(row) for row in self.groups],
            "edits": [asdict(row) for row in self.edits],
            "causes": [asdict(row) for row in self.causes],
        }


def accuracy_table(answers: Iterable[AnswerRow]) -> list[AccuracyRow]:
    """Per LVLM, mode, source and finding, and over all findings.

    >>> row = AnswerRow(question_id="phantom/1/mass", source="phantom", image_id="1", finding="mass", answer="yes",
    ...     lvlm="gemma3_4b", lvlm_revision="1f2e", mode="direct", picture=ORIGINAL, response="No.",
    ...     response_token_ids=(), response_tokens=(), said="no")
    >>> [(each.finding, each.sensitivity) for each in accuracy_table([row])]
    [('mass', 0.0), ('all', 0.0)]
    """
    groups: dict[tuple[str, str, str, str], list[AnswerRow]] = {}
    for row in answers:
        if row.picture == ORIGINAL and not is_released(row):
            for finding in (row.finding, ALL):
                groups.setdefault((row.lvlm, row.mode, row.source, finding), []).append(row)
    return [_accuracy(key, groups[key]) for key in sorted(groups, key=_all_last)]


def group_table(
    verdicts: Iterable[VerdictRow | FilterColumns], questions: Iterable[QuestionRow | AskedColumns]
) -> list[GroupRow]:
    """Per LVLM, mode, source and finding, and over all findings.

    >>> row = VerdictRow(question_id="phantom/1/mass", source="phantom", image_id="1", finding="mass",
    ...     lvlm="gemma3_4b", lvlm_revision="1f2e", mode="direct", answer="yes", original="yes", foreground="yes",
    ...     background=None, background_normal=None, group="ungrounded", reason="ANSWER_DID_NOT_FLIP",
    ...     known_cause="marker")
    >>> [(each.finding, each.ungrounded, each.questions) for each in group_table([row], questions=[])]
    [('mass', 1, None), ('all', 1, None)]
    """
    asked: Counter[tuple[str, str]] = Counter()
    for question in questions:
        if question.answer == Answer.YES:
            asked.update({(question.source, question.finding): 1, (question.source, ALL): 1})
    counts: dict[tuple[str, str, str, str], Counter[str | None]] = {}
    partial: set[tuple[str, str, str, str]] = set()
    for row in verdicts:
        for finding in {row.finding or ALL, ALL}:
            key = (row.lvlm, row.mode, row.source, finding)
            counts.setdefault(key, Counter()).update([row.group, row.reason])
            if is_released(row):
                partial.add(key)
    return [
        _group_row(key, None if key in partial else asked.get(key[2:]), counts[key])
        for key in sorted(counts, key=_all_last)
    ]


def edit_table(verdicts: Iterable[VerdictRow]) -> list[EditRow]:
    """Per LVLM, mode, source and edit, in the order in which the filter asks; released verdicts are left out.

    >>> row = VerdictRow(question_id="phantom/1/mass", source="phantom", image_id="1", finding="mass",
    ...     lvlm="gemma3_4b", lvlm_revision="1f2e", mode="direct", answer="yes", original="yes", foreground="no",
    ...     background="no", background_normal=None, group="ungrounded", reason="BACKGROUND_MATTERED")
    >>> [(each.edit, each.answers, each.turned_away) for each in edit_table([row])]
    [('foreground', 1, 0), ('background', 1, 1)]
    """
    counts: dict[tuple[str, str, str, int], Counter[bool]] = {}
    for row in verdicts:
        if not is_released(row):
            asked = [getattr(row, edit.value) is not None for edit in Edit]
            for place in range(sum(asked)):
                last = place == sum(asked) - 1 and row.group != Group.GROUNDED
                counts.setdefault((row.lvlm, row.mode, row.source, place), Counter())[last] += 1
    edits = list(Edit)
    return [
        EditRow(*key[:3], edits[key[3]].value, counts[key].total(), counts[key][True])
        for key in sorted(counts)
    ]


def reading_table(answers: Iterable[AnswerRow | ReadingColumns]) -> list[ReadingRow]:
    """Per LVLM, mode and kind of picture, and over all pictures.

    >>> row = AnswerRow(question_id="phantom/1/mass", source="phantom", image_id="1", finding="mass", answer="yes",
    ...     lvlm="gemma3_4b", lvlm_revision="1f2e", mode="direct", picture=ORIGINAL, response="Nein.",
    ...     response_token_ids=(), response_tokens=(), said="unreadable")
    >>> [(each.picture, each.unreadable) for each in reading_table([row])]
    [('original', 1.0), ('all', 1.0)]
    """
    groups: dict[tuple[str, str, str], list[bool]] = {}
    for row in answers:
        for picture in (row.picture, ALL):
            groups.setdefault((row.lvlm, row.mode, picture), []).append(row.said == Answer.UNREADABLE)
    return [
        ReadingRow(*key, len(groups[key]), sum(groups[key]) / len(groups[key]))
        for key in sorted(groups, key=lambda key: (key[0], key[1], key[2] == ALL, key[2]))
    ]


def unreadable_table(answers: Iterable[AnswerRow]) -> list[UnreadableRow]:
    """Per LVLM, mode and reason; the commonest reason of a track first.

    >>> row = AnswerRow(question_id="phantom/1/mass", source="phantom", image_id="1", finding="mass", answer="yes",
    ...     lvlm="gemma3_4b", lvlm_revision="1f2e", mode="direct", picture=ORIGINAL, response="Nein.",
    ...     response_token_ids=(), response_tokens=(), said="unreadable")
    >>> unreadable_table([row])
    [UnreadableRow(lvlm='gemma3_4b', mode='direct', why='another language', answers=1)]
    """
    counts = Counter(
        (row.lvlm, row.mode, read(row.response, row.finding).why.value)
        for row in answers
        if row.said == Answer.UNREADABLE
    )
    rows = [UnreadableRow(*key, count) for key, count in counts.items()]
    return sorted(rows, key=lambda row: (row.lvlm, row.mode, -row.answers, row.why))


def cause_table(verdicts: Iterable[VerdictRow]) -> list[CauseRow]:
    """Per LVLM, mode, source, finding and known cause; a right answer whose cause is not known is left out.

    >>> row = VerdictRow(question_id="phantom/1/mass", source="phantom", image_id="1", finding="mass",
    ...     lvlm="gemma3_4b", lvlm_revision="1f2e", mode="direct", answer="yes", original="yes", foreground="yes",
    ...     background=None, background_normal=None, group="ungrounded", reason="ANSWER_DID_NOT_FLIP",
    ...     known_cause="marker")
    >>> cause_table([row])[0].known_cause
    'marker'
    """
    counts: dict[tuple[str, str, str, str, str], Counter[str]] = {}
    for row in verdicts:
        if row.known_cause is not None:
            key = (row.lvlm, row.mode, row.source, row.finding or ALL, row.known_cause)
            counts.setdefault(key, Counter())[row.group] += 1
    return [
        CauseRow(*key, counts[key][Group.UNGROUNDED.value], counts[key][Group.GROUNDED.value])
        for key in sorted(counts)
    ]


def _group_row(
    key: tuple[str, str, str, str], questions: int | None, counts: Counter[str | None]
) -> GroupRow:
    lvlm, mode, source, finding = key
    return GroupRow(
        lvlm=lvlm,
        mode=mode,
        source=source,
        finding=finding,
        questions=questions,
        incorrect=counts[Group.INCORRECT],
        ungrounded=counts[Group.UNGROUNDED],
        grounded=counts[Group.GROUNDED],
        answer_wrong=counts[Reason.ANSWER_WRONG],
        answer_did_not_flip=counts[Reason.ANSWER_DID_NOT_FLIP],
        background_mattered=counts[Reason.BACKGROUND_MATTERED],
        unreadable_answer=counts[Reason.UNREADABLE_ANSWER],
    )


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
