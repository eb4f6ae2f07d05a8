"""The numbers of a folder as tables for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Group as Together
from rich.table import Table

from builder.folder import ANSWERS, QUESTIONS, VERDICTS, Folder
from builder.tables import (
    ALL,
    AccuracyRow,
    CauseRow,
    GroupRow,
    ReadingRow,
    UnreadableRow,
    accuracy_table,
    cause_table,
    group_table,
    reading_table,
    unreadable_table,
)


@dataclass(frozen=True, slots=True)
class Statistics:
    """All tables of one split."""

    split: str
    accuracy: Sequence[AccuracyRow]
    readings: Sequence[ReadingRow]
    unreadable: Sequence[UnreadableRow]
    groups: Sequence[GroupRow]
    causes: Sequence[CauseRow]

    @classmethod
    def of(cls, folder: Folder, split: str) -> Statistics:
        """The tables of a folder's split."""
        verdicts, answers = folder.read(VERDICTS, split), folder.read(ANSWERS, split)
        return cls(
            split,
            accuracy_table(answers),
            reading_table(answers),
            unreadable_table(answers),
            group_table(verdicts, folder.read(QUESTIONS, split)),
            cause_table(verdicts),
        )

    def as_json(self) -> dict[str, object]:
        """Plain values: split and the tables as lists of objects, shares 0..1."""
        return {
            "split": self.split,
            "accuracy": [asdict(row) for row in self.accuracy],
            "readings": [asdict(row) for row in self.readings],
            "unreadable": [asdict(row) for row in self.unreadable],
            "groups": [asdict(row) for row in self.groups],
            "causes": [asdict(row) for row in self.causes],
        }

    def as_tables(self) -> Together:
        """For people, shares in percent: by finding first, then over all findings as in the paper."""
        tables = [
            *self._accuracies(),
            self._readings(),
            self._unreadable(),
            *self._causes(),
            self._groups(),
            self._reasons(),
            self.retained_table(),
        ]
        return Together(*(table for table in tables if table.row_count))

    def retained_table(self) -> Table:
        """Retained cases per mode, source and LVLM, as Table 4 of the paper."""
        totals = [row for row in self.groups if row.finding == ALL]
        lvlms = sorted({row.lvlm for row in totals})
        table = _table(f"Retained cases, split {self.split}", ["mode", "source"], [*lvlms, "total"])
        for mode, source in sorted({(row.mode, row.source) for row in totals}):
            counts = {row.lvlm: row.grounded for row in totals if (row.mode, row.source) == (mode, source)}
            cells = [str(counts[lvlm]) if lvlm in counts else "-" for lvlm in lvlms]
            table.add_row(mode, source, *cells, str(sum(counts.values())))
        return table

    def _accuracies(self) -> Iterator[Table]:
        numbers = ["questions", "accuracy", "sensitivity", "specificity", "unreadable"]
        for track, rows in groupby(self.accuracy, lambda row: (row.lvlm, row.mode, row.source)):
            table = _table(f"Accuracy (%): {', '.join(track)}, split {self.split}", ["finding"], numbers)
            for row in rows:
                shares = (row.accuracy, row.sensitivity, row.specificity, row.unreadable)
                table.add_row(row.finding, str(row.questions), *map(_percent, shares))
            yield table

    def _causes(self) -> Iterator[Table]:
        for track, rows in groupby(self.causes, lambda row: (row.lvlm, row.mode)):
            title = f"Known cause of right answers: {', '.join(track)}, split {self.split}"
            table = _table(title, ["finding", "known cause"], ["ungrounded", "grounded"])
            for row in rows:
                table.add_row(row.finding, row.known_cause, str(row.ungrounded), str(row.grounded))
            yield table

    def _groups(self) -> Table:
        """As Table 3 of the paper; a released split does not say how many questions it was cut from."""
        names = ["questions", "incorrect", "correct, ungrounded", "correct, grounded"]
        title = f"Groups (% of the positive questions), split {self.split}"
        table = _table(title, ["source", "LVLM", "mode"], names)
        for row in sorted(self.groups, key=lambda row: (row.source, row.lvlm, row.mode)):
            if row.finding == ALL and row.questions:
                shares = (count / row.questions for count in (row.incorrect, row.ungrounded, row.grounded))
                table.add_row(row.source, row.lvlm, row.mode, str(row.questions), *map(_percent, shares))
        return table

    def _reasons(self) -> Table:
        """Counts, because each reason belongs to another share of the questions."""
        names = ["wrong answer", "did not flip", "background mattered", "unreadable answer"]
        title = f"Reasons (positive questions), split {self.split}"
        table = _table(title, ["source", "LVLM", "mode"], names)
        for row in sorted(self.groups, key=lambda row: (row.source, row.lvlm, row.mode)):
            if row.finding == ALL:
                counts = (row.answer_wrong, row.answer_did_not_flip, row.background_mattered)
                numbers = map(str, (*counts, row.unreadable_answer))
                table.add_row(row.source, row.lvlm, row.mode, *numbers)
        return table

    def _readings(self) -> Table:
        title = f"Unreadable answers (% of all that were asked), split {self.split}"
        table = _table(title, ["LVLM", "mode", "picture"], ["answers", "unreadable"])
        for row in self.readings:
            table.add_row(row.lvlm, row.mode, row.picture, str(row.answers), _percent(row.unreadable))
        return table

    def _unreadable(self) -> Table:
        """Counts: an answer in another language, or one that was cut off, calls for another remedy than a refusal."""
        title = f"Why answers could not be read, split {self.split}"
        table = _table(title, ["LVLM", "mode", "because"], ["answers"])
        for row in self.unreadable:
            table.add_row(row.lvlm, row.mode, row.why, str(row.answers))
        return table


def _table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for word in words:
        table.add_column(word, overflow="fold")
    for number in numbers:
        table.add_column(number, justify="right", overflow="fold")
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
