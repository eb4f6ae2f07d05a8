"""The numbers that the paper reports, from `submissions/reported`, one file a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medground_bench.core.errors import SourceMissing
from medground_bench.leaderboard.entries import ReportedRow
from medground_bench.leaderboard.rows import ALL
from medground_bench.runs.method_groups import group_of

FOLDER = Path("submissions") / "reported"
TEST, TUNE = "test", "tune"

NAMES = {"imagenome": "ImaGenome", "vindr_cxr": "VinDr-CXR", "padchest_gr": "PadChest-GR"}
"""Source -> its name for people, in the paper's order."""


@dataclass(frozen=True, slots=True)
class ReportedScores:
    """One method on one source, fractions 0..1; `lvlm` is empty where the paper pools all of them."""

    method: str
    source: str
    mode: str
    iou: float
    f1: float
    precision: float
    recall: float
    lvlm: str = ""

    @property
    def all(self) -> tuple[float, float, float, float]:
        """In the order of our own tables."""
        return self.iou, self.precision, self.recall, self.f1


@dataclass(frozen=True, slots=True)
class ReportedRetention:
    """What the causal filter made of the questions of a source.

    incorrect, ungrounded, grounded  shares 0..1 of the questions
    retained                         the cases that are left, counted
    """

    lvlm: str
    source: str
    mode: str
    questions: int
    incorrect: float
    ungrounded: float
    grounded: float
    retained: int


@dataclass(frozen=True, slots=True)
class ReportedSeconds:
    """What one case took with a method on an A100."""

    method: str
    seconds: float


@dataclass(frozen=True, slots=True)
class QuestionCount:
    """How many questions the paper asks of a source in a split."""

    source: str
    split: str
    questions: int


@dataclass(frozen=True, slots=True)
class Reported:
    """The paper's tables 1 (all LVLMs), 3 and 4 (retention), 5 (by LVLM) and 6 (seconds), and its questions."""

    pooled: Sequence[ReportedScores]
    by_lvlm: Sequence[ReportedScores]
    retention: Sequence[ReportedRetention]
    seconds: Sequence[ReportedSeconds]
    questions: Sequence[QuestionCount]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Reported:
        """The tables in a folder of CSV files; SourceMissing where they are not, as outside of a checkout."""
        if not folder.is_dir():
            raise SourceMissing(
                f"{folder} is not here: the paper's tables are part of a checkout of MedGround-Bench. Go to its folder."
            )
        questions = [
            QuestionCount(row["source"], row["split"], int(row["questions"]))
            for row in _rows(folder, "questions")
        ]
        return cls(
            _scores(folder, "table1"),
            _scores(folder, "table5"),
            _retention(folder, {each.source: each.questions for each in questions if each.split == TEST}),
            [ReportedSeconds(row["method"], float(row["seconds"])) for row in _rows(folder, "table6")],
            questions,
        )

    def of_track(self, lvlm: str, mode: str) -> list[tuple[ReportedRetention, ReportedScores]]:
        """Retention and MedFocus' scores, source by source."""
        scores = {each.source: each for each in self.by_lvlm if (each.lvlm, each.mode) == (lvlm, mode)}
        kept = [each for each in self.retention if (each.lvlm, each.mode) == (lvlm, mode)]
        return [(each, scores[each.source]) for each in kept]

    def pooled_scores(self, lvlm: str, mode: str) -> tuple[float, ...]:
        """Means over the cases of all sources, as the board pools them; the paper does not print them."""
        track = self.of_track(lvlm, mode)
        cases = sum(kept.retained for kept, _ in track)
        columns = zip(*(scores.all for _, scores in track), strict=True)
        weights = [kept.retained for kept, _ in track]
        return tuple(sum(w * s for w, s in zip(weights, each, strict=True)) / cases for each in columns)


def reported_on_board(folder: Path) -> list[ReportedRow]:
    """Tables 1 and 5 as rows of a board, with the seconds of table 6; none where the folder is not, as in a wheel."""
    if not folder.is_dir():
        return []
    paper = Reported.read(folder)
    seconds = {each.method: each.seconds for each in paper.seconds}
    return [
        ReportedRow(
            method=each.method,
            family=group_of(each.method),
            mode=each.mode,
            source=each.source,
            lvlm=each.lvlm or ALL,
            iou=each.iou,
            f1=each.f1,
            precision=each.precision,
            recall=each.recall,
            seconds=seconds.get(each.method),
        )
        for each in (*paper.pooled, *paper.by_lvlm)
    ]


def _rows(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _scores(folder: Path, table: str) -> list[ReportedScores]:
    return [
        ReportedScores(
            row["method"],
            row["source"],
            row["mode"],
            iou=float(row["iou"]),
            f1=float(row["f1"]),
            precision=float(row["precision"]),
            recall=float(row["recall"]),
            lvlm=row.get("lvlm", ""),
        )
        for row in _rows(folder, table)
    ]


def _retention(folder: Path, questions: dict[str, int]) -> list[ReportedRetention]:
    shares = {
        (row["lvlm"], row["source"], row["mode"], row["group"]): float(row["share"])
        for row in _rows(folder, "table3")
    }
    return [
        ReportedRetention(
            *(key := (row["lvlm"], row["source"], row["mode"])),
            questions=questions[row["source"]],
            incorrect=shares[*key, "incorrect"],
            ungrounded=shares[*key, "ungrounded"],
            grounded=shares[*key, "grounded"],
            retained=int(row["retained"]),
        )
        for row in _rows(folder, "table4")
    ]
