"""How much the editor matters: the causal filter on phantoms by the exact editor and by another one.

Phantoms are the only pictures whose exact edit and whose cause of an answer are known. Both editors get the same
questions, so an original answer is never another: only verdicts on right answers can differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from builder.build import build_track, write_questions
from builder.editors import Editor
from builder.stages import Bench
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import QUESTIONS, VERDICTS, QuestionRow, VerdictRow, native_frame
from medground_bench.benchmark.statistics import ALL
from medground_bench.core.causes import KnownCause
from medground_bench.core.geometry import cover_areas
from medground_bench.core.progress import Progress, silently
from medground_bench.core.types import Answer, Box, Group, Mode, Reason, Track
from medground_bench.drawing.heat_maps import HeatMap, HeatMaps
from medground_bench.lvlms import Lvlm
from medground_bench.storage.tables import as_csv
from medground_bench.storage.whole_files import write_whole

SOURCE = "phantom"
SPLIT = "test"
RETAINED = "retained"
WORDS = {
    RETAINED: RETAINED,
    Reason.BACKGROUND_MATTERED.value: "background mattered",
    Reason.ANSWER_DID_NOT_FLIP.value: "did not flip",
    Reason.UNREADABLE_ANSWER.value: "unreadable",
}
"""Verdict on a right answer -> as people say it, in the order of the figure."""

SIZES = {"small": 0.05, "medium": 0.15, "large": 1.0}
"""Box size -> share of the picture below which the boxes' union is of it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One positive question that an LVLM answered right, and what each editor makes of it.

    boxes  share of the picture that they cover
    cause  what the answer rests on; None where a counterfactual answer was unreadable
    """

    question_id: str
    finding: str
    boxes: float
    lvlm: str
    mode: str
    editor: str
    exact: str
    other: str
    cause: str | None

    @property
    def size(self) -> str:
        """Of the boxes."""
        return next(name for name, below in SIZES.items() if self.boxes < below or below == 1)


@dataclass(frozen=True, slots=True)
class ConfusionRow:
    """How many right answers got this verdict by the exact editor and that one by the other."""

    lvlm: str
    mode: str
    editor: str
    exact: str
    other: str
    answers: int


@dataclass(frozen=True, slots=True)
class RetentionRow:
    """Counts of right answers; `ALL` stands for every finding or size.

    agree        the same verdict by both editors
    exact        retained by the exact editor, `other` by the other one, `both` by both
    exact_wrong  retained by the exact editor although the known cause is not the finding; likewise `other_wrong`
    """

    lvlm: str
    mode: str
    editor: str
    finding: str
    size: str
    answers: int
    agree: int
    exact: int
    other: int
    both: int
    exact_wrong: int
    other_wrong: int

    @property
    def cut(self) -> str:
        """The finding or boxes it is about."""
        return self.finding if self.size == ALL else f"{self.size} boxes"


@dataclass(frozen=True, slots=True)
class LostRow:
    """How many positive questions have no verdict by an editor, since something about them is in quarantine."""

    lvlm: str
    mode: str
    editor: str
    questions: int


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Everything that was compared, what was lost of it, and its files."""

    compared: Sequence[Compared]
    lost: Sequence[LostRow] = ()

    def confusion(self) -> list[ConfusionRow]:
        """Pairs of verdicts that occur, by track and editor."""
        pairs = Counter((row.lvlm, row.mode, row.editor, row.exact, row.other) for row in self.compared)
        return [ConfusionRow(*pair, count) for pair, count in sorted(pairs.items())]

    def retention(self) -> list[RetentionRow]:
        """All of a track and editor, then by finding, then by the size of the boxes."""
        findings = sorted({row.finding for row in self.compared})
        cuts = [(ALL, ALL), *((finding, ALL) for finding in findings), *((ALL, size) for size in SIZES)]
        return [
            _retention((lvlm, mode, editor), cut, rows)
            for (lvlm, mode, editor), own in _tracks(self.compared).items()
            for cut in cuts
            if (rows := [row for row in own if cut[0] in (ALL, row.finding) and cut[1] in (ALL, row.size)])
        ]

    def confusion_figure(self) -> HeatMaps:
        """A table a track and editor: of the answers with a verdict by the exact editor, the shares of the other's."""
        shown = [name for name in WORDS if any(name in (row.exact, row.other) for row in self.compared)]
        tables = [
            HeatMap(
                title=f"{lvlm}, {mode}",
                down="exact editor",
                across=editor,
                rows=[WORDS[name] for name in shown],
                columns=[WORDS[name] for name in shown],
                shares=[_shares([row.other for row in rows if row.exact == name], shown) for name in shown],
            )
            for (lvlm, mode, editor), rows in _tracks(self.compared).items()
        ]
        return HeatMaps(tables=[tables[start : start + 2] for start in range(0, len(tables), 2)], span=(0, 1))

    def retention_figure(self) -> HeatMaps:
        """A row a track and editor: what each editor retains, by finding and boxes, and how much of it is wrong."""
        tracks: dict[tuple[str, str, str], list[RetentionRow]] = {}
        for row in self.retention():
            tracks.setdefault((row.lvlm, row.mode, row.editor), []).append(row)
        tables = [
            (
                _two_editors(f"{lvlm}, {mode}: retained", editor, {
                    f"{row.cut} ({row.answers})": ((row.exact, row.answers), (row.other, row.answers)) for row in rows
                }),
                _two_editors("of the retained, cause is not the finding", editor, {
                    row.cut: ((row.exact_wrong, row.exact), (row.other_wrong, row.other)) for row in rows
                }),
            )
            for (lvlm, mode, editor), rows in tracks.items()
        ]  # fmt: skip
        return HeatMaps(tables=tables, span=(0, 1))

    def write(self, out: Path) -> list[Path]:
        """The four tables and, where there is anything to draw, the two figures."""
        contents = {
            "answers.csv": _csv(Compared, self.compared),
            "confusion.csv": _csv(ConfusionRow, self.confusion()),
            "retention.csv": _csv(RetentionRow, self.retention()),
            "lost.csv": _csv(LostRow, self.lost),
        }
        if self.compared:
            contents["confusion.png"] = self.confusion_figure().png()
            contents["retention.png"] = self.retention_figure().png()
        for name, content in contents.items():
            write_whole(out / name, content)
        return [out / name for name in contents]


def fidelity(
    out: Path,
    bench: Bench,
    tracks: Sequence[tuple[Lvlm, Mode]],
    editors: Sequence[Editor],
    limit: int | None,
    *,
    progress: Progress = silently,
) -> Fidelity:
    """Ask every track about the phantoms of a bench with its exact editor and with each of the others, and compare.

    Each editor gets a dataset folder under `out`; answers and edits are kept in the bench's stores, so the same command
    goes on where it was stopped.
    """
    by_name = {editor.name: editor for editor in (bench.editor, *editors)}
    for name, editor in by_name.items():
        folder = DatasetFolder(out / name)
        write_questions(folder, bench.source, limit, [Track(lvlm.key, mode) for lvlm, mode in tracks])
        for lvlm, mode in tracks:
            build_track(folder, lvlm, mode, replace(bench, editor=editor), progress=progress)
    exact = bench.editor.name
    questions = {row.question_id: row for row in DatasetFolder(out / exact).read(QUESTIONS, SPLIT, SOURCE)}
    wanted = {(lvlm.key, mode.value) for lvlm, mode in tracks}
    verdicts = {name: _verdicts(out / name, wanted) for name in by_name}
    return Fidelity(
        compared=[
            row
            for name in dict.fromkeys(editor.name for editor in editors)
            for row in compared(name, questions, verdicts[exact], verdicts[name])
        ],
        lost=list(_lost(questions, wanted, verdicts)),
    )


def compared(
    editor: str,
    questions: Mapping[str, QuestionRow],
    exact: Sequence[VerdictRow],
    other: Sequence[VerdictRow],
) -> Iterator[Compared]:
    """Every right answer with its two verdicts; one that was lost has none and is left out."""
    others = {(row.question_id, row.lvlm, row.mode): row for row in other}
    for row in exact:
        others_row = others.get((row.question_id, row.lvlm, row.mode))
        if row.group == Group.INCORRECT or row.question_id is None or others_row is None:
            continue
        question = questions[row.question_id]
        yield Compared(
            question_id=row.question_id,
            finding=question.finding,
            boxes=_boxes_share(question),
            lvlm=row.lvlm,
            mode=row.mode,
            editor=editor,
            exact=_verdict(row),
            other=_verdict(others_row),
            cause=row.known_cause,
        )


def _verdicts(folder: Path, wanted: set[tuple[str, str]]) -> list[VerdictRow]:
    rows = DatasetFolder(folder).read(VERDICTS, SPLIT)
    return [row for row in rows if (row.lvlm, row.mode) in wanted]


def _lost(
    questions: Mapping[str, QuestionRow],
    wanted: set[tuple[str, str]],
    verdicts: Mapping[str, Sequence[VerdictRow]],
) -> Iterator[LostRow]:
    positives = sum(row.answer == Answer.YES for row in questions.values())
    for lvlm, mode in sorted(wanted):
        for editor, rows in verdicts.items():
            there = sum((row.lvlm, row.mode) == (lvlm, mode) for row in rows)
            yield LostRow(lvlm, mode, editor, positives - there)


def _verdict(row: VerdictRow) -> str:
    return row.reason or RETAINED


def _boxes_share(question: QuestionRow) -> float:
    frame = native_frame(question, f"question {question.question_id}")
    area = cover_areas([Box(*corners, frame) for corners in question.boxes or ()], ()).first
    return area / (frame.width * frame.height)


def _tracks(rows: Sequence[Compared]) -> dict[tuple[str, str, str], list[Compared]]:
    tracks: dict[tuple[str, str, str], list[Compared]] = {}
    for row in rows:
        tracks.setdefault((row.lvlm, row.mode, row.editor), []).append(row)
    return dict(sorted(tracks.items()))


def _retention(track: tuple[str, str, str], cut: tuple[str, str], rows: Sequence[Compared]) -> RetentionRow:
    by_exact = [row for row in rows if row.exact == RETAINED]
    by_other = [row for row in rows if row.other == RETAINED]
    return RetentionRow(
        *track,
        *cut,
        answers=len(rows),
        agree=sum(row.exact == row.other for row in rows),
        exact=len(by_exact),
        other=len(by_other),
        both=sum(row.other == RETAINED for row in by_exact),
        exact_wrong=sum(map(_rests_elsewhere, by_exact)),
        other_wrong=sum(map(_rests_elsewhere, by_other)),
    )


def _rests_elsewhere(row: Compared) -> bool:
    return row.cause not in (None, KnownCause.FINDING)


def _two_editors(
    title: str, editor: str, cuts: Mapping[str, tuple[tuple[int, int], tuple[int, int]]]
) -> HeatMap:
    """Of each cut, how many of how many by the exact editor and by the other one."""
    return HeatMap(
        title=title,
        rows=list(cuts),
        columns=["exact", editor],
        shares=[[count / of if of else None for count, of in pair] for pair in cuts.values()],
    )


def _shares(verdicts: Sequence[str], names: Sequence[str]) -> list[float | None]:
    return [verdicts.count(name) / len(verdicts) if verdicts else None for name in names]


Row = TypeVar("Row", Compared, ConfusionRow, RetentionRow, LostRow)


def _csv(kind: type[Row], rows: Sequence[Row]) -> bytes:
    return as_csv([column.name for column in fields(kind)], map(asdict, rows))
