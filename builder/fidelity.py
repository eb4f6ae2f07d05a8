"""How much the editor matters: the causal filter on phantoms by the exact editor and by another one.

Phantoms are the only pictures whose exact edit and whose cause of an answer are known. Both editors get the same
questions, so an original answer is never another: only verdicts on right answers can differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from builder.build import bench_at, build_track, open_source, write_questions
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import QUESTIONS, VERDICTS, QuestionRow, VerdictRow, native_frame
from medground_bench.benchmark.statistics import ALL
from medground_bench.core.causes import KnownCause
from medground_bench.core.geometry import cover_areas
from medground_bench.core.progress import Progress, silently
from medground_bench.core.types import Box, Group, Mode, Reason, Track
from medground_bench.drawing.heat_maps import HeatMap, HeatMaps
from medground_bench.lvlms import Lvlm
from medground_bench.storage.tables import as_csv
from medground_bench.storage.whole_files import write_whole

SOURCE = "phantom"
EXACT = "phantom_exact"
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


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Everything that was compared, and its files."""

    compared: Sequence[Compared]

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

    def figure(self) -> HeatMaps:
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

    def write(self, out: Path) -> list[Path]:
        """The three tables and, where there is anything to draw, the figure."""
        contents = {
            "answers.csv": _csv(Compared, self.compared),
            "confusion.csv": _csv(ConfusionRow, self.confusion()),
            "retention.csv": _csv(RetentionRow, self.retention()),
        }
        if self.compared:
            contents["confusion.png"] = self.figure().png()
        for name, content in contents.items():
            write_whole(out / name, content)
        return [out / name for name in contents]


def fidelity(
    out: Path,
    tracks: Sequence[tuple[Lvlm, Mode]],
    editors: Sequence[str],
    limit: int | None,
    *,
    progress: Progress = silently,
) -> Fidelity:
    """Ask every track about the phantoms with the exact editor and with each of the others, and compare.

    Each editor gets a dataset folder under `out`; answers and edits are kept in one store, so the same command goes on
    where it was stopped.
    """
    for editor in dict.fromkeys((EXACT, *editors)):
        folder, source = DatasetFolder(out / editor), open_source(SOURCE)
        with bench_at(out / "store", source, editor) as bench:
            write_questions(folder, source, limit, [Track(lvlm.key, mode) for lvlm, mode in tracks])
            for lvlm, mode in tracks:
                build_track(folder, lvlm, mode, bench, progress=progress)
    questions = {row.question_id: row for row in DatasetFolder(out / EXACT).read(QUESTIONS, SPLIT, SOURCE)}
    wanted = {(lvlm.key, mode.value) for lvlm, mode in tracks}
    exact = _verdicts(out / EXACT, wanted)
    return Fidelity(
        [
            row
            for editor in dict.fromkeys(editors)
            for row in compared(editor, questions, exact, _verdicts(out / editor, wanted))
        ]
    )


def compared(
    editor: str,
    questions: Mapping[str, QuestionRow],
    exact: Sequence[VerdictRow],
    other: Sequence[VerdictRow],
) -> Iterator[Compared]:
    """Every right answer with its two verdicts."""
    others = {(row.question_id, row.lvlm, row.mode): row for row in other}
    for row in exact:
        if row.group == Group.INCORRECT or row.question_id is None:
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
            other=_verdict(others[row.question_id, row.lvlm, row.mode]),
            cause=row.known_cause,
        )


def _verdicts(folder: Path, wanted: set[tuple[str, str]]) -> list[VerdictRow]:
    rows = DatasetFolder(folder).read(VERDICTS, SPLIT)
    return [row for row in rows if (row.lvlm, row.mode) in wanted]


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


def _shares(verdicts: Sequence[str], names: Sequence[str]) -> list[float | None]:
    return [verdicts.count(name) / len(verdicts) if verdicts else None for name in names]


Table = type[Compared] | type[ConfusionRow] | type[RetentionRow]


def _csv(kind: Table, rows: Sequence[Compared] | Sequence[ConfusionRow] | Sequence[RetentionRow]) -> bytes:
    return as_csv([column.name for column in fields(kind)], map(asdict, rows))
