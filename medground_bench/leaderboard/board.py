"""The board: every method's scores in every view (mode, source, LVLM), as rows and as JSON.

A view fixes the mode and either fixes or pools source and LVLM; pooled scores are means over all cases, as in Table 1
of the paper. A method is in a view only when it was run on all of its cases, so that a view compares like with like.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from medground_bench import plugins
from medground_bench.core.errors import SourceMissing
from medground_bench.core.scoring import By, CaseScore, ScoreRow, score_cases, table
from medground_bench.core.types import Prediction, Reference, Track
from medground_bench.leaderboard.records import Json
from medground_bench.leaderboard.track_facts import TrackFacts
from medground_bench.storage.whole_files import write_whole

ALL = "all"
FILE = "board.json"
VIEWS = (
    (By.MODE,),
    (By.MODE, By.SOURCE),
    (By.MODE, By.LVLM),
    (By.MODE, By.SOURCE, By.LVLM),
)


@dataclass(frozen=True, slots=True)
class MethodRun:
    """The predictions of one method on one track; cases on which it failed have none."""

    method: str
    track: Track
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One method in one view; `source` and `lvlm` are `ALL` where they are pooled. Scores are fractions 0..1.

    iou_low, iou_high  95 % interval by resampling images, None where there is a single image
    """

    method: str
    control: bool
    mode: str
    source: str
    lvlm: str
    iou: float
    iou_low: float | None
    iou_high: float | None
    f1: float
    precision: float
    recall: float
    cases: int
    failed: int
    images: int


@dataclass(frozen=True, slots=True)
class Board:
    """All rows, best first within a view, and the facts of every track."""

    rows: tuple[BoardRow, ...]
    tracks: tuple[TrackFacts, ...] = ()

    def view(self, mode: str, source: str = ALL, lvlm: str = ALL) -> tuple[BoardRow, ...]:
        """The rows of one view, best IoU first."""
        wanted = (mode, source, lvlm)
        return tuple(row for row in self.rows if (row.mode, row.source, row.lvlm) == wanted)

    def choices(self, field: By) -> tuple[str, ...]:
        """Every mode, source or LVLM that occurs, sorted, `ALL` left out."""
        return tuple(sorted({str(getattr(row, field.value)) for row in self.rows} - {ALL}))

    def save(self, folder: Path) -> None:
        """Write `board.json`; same board, same bytes."""
        text = json.dumps(asdict(self), indent=1, allow_nan=False)
        write_whole(folder / FILE, f"{text}\n".encode())

    @classmethod
    def read(cls, folder: Path) -> Board:
        """The board that `save` wrote; SourceMissing when it is not there or not one."""
        file = folder / FILE
        try:
            return cls.of(json.loads(file.read_bytes()))
        except FileNotFoundError as error:
            raise SourceMissing(
                f"{folder} holds no results: it has no {FILE}. Make them with medground demo --out {folder}"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise SourceMissing(
                f"{file} is not a board of this version ({error}). Make it again with medground demo --out {folder}"
            ) from error

    @classmethod
    def of(cls, saved: Json) -> Board:
        """The board in an object that `save` wrote; TypeError, KeyError or ValueError where there is none."""
        rows = tuple(BoardRow(**row) for row in saved["rows"])
        return cls(rows, tuple(TrackFacts(**track) for track in saved["tracks"]))


class Grouped(Protocol):
    """What a view groups cases by."""

    @property
    def source(self) -> str:
        """Where the picture is from."""
        ...

    @property
    def lvlm(self) -> str:
        """Who answered."""
        ...

    @property
    def mode(self) -> str:
        """How it was asked."""
        ...


def build_board(
    references: Sequence[Reference], runs: Iterable[MethodRun], tracks: Iterable[TrackFacts] = ()
) -> Board:
    """Score every run against the references of its track; ValueError for two runs of one method on one track."""
    scores: dict[str, list[CaseScore]] = {}
    for run in runs:
        truth = [each for each in references if each.track == run.track]
        scores.setdefault(run.method, []).extend(score_cases(truth, run.predictions))
    controls = control_names()
    rows = (
        row
        for method in sorted(scores)
        for row in rows_of(method, scores[method], references, control=method in controls)
    )
    return sorted_board(rows, tracks)


def rows_of(
    method: str, scores: Sequence[CaseScore], cases: Sequence[Grouped], *, control: bool
) -> list[BoardRow]:
    """The rows of one method; `cases` are all of the benchmark, so that a view lacks a method that lacks a case."""
    return [_board_row(method, control, row) for view in VIEWS for row in _whole_rows(cases, scores, view)]


def sorted_board(rows: Iterable[BoardRow], tracks: Iterable[TrackFacts]) -> Board:
    """A board of rows in the order in which they are shown."""
    ordered = sorted(rows, key=lambda row: (row.mode, row.source, row.lvlm, -row.iou, row.method))
    return Board(
        tuple(ordered), tuple(sorted(tracks, key=lambda track: (track.lvlm, track.mode, track.source)))
    )


def control_names() -> frozenset[str]:
    """Methods that never ask the LVLM: their file says `CONTROL = True`."""
    names = (method.name for method in plugins.available("methods"))
    return frozenset(name for name in names if plugins.literal("methods", name, "CONTROL") is True)


def _whole_rows(cases: Sequence[Grouped], scores: Sequence[CaseScore], view: Sequence[By]) -> list[ScoreRow]:
    """Rows of the groups in which every case was run."""
    wanted = Counter(tuple(str(getattr(each, by.value)) for by in view) for each in cases)
    rows = table(scores, by=view, rng=np.random.default_rng(0))
    return [row for row in rows if row.coverage.cases == wanted[tuple(name for _by, name in row.group)]]


def _board_row(method: str, control: bool, row: ScoreRow) -> BoardRow:
    group = {by: name for by, name in row.group}
    iou_low, iou_high = row.iou_ends
    return BoardRow(
        method=method,
        control=control,
        mode=group[By.MODE],
        source=group.get(By.SOURCE, ALL),
        lvlm=group.get(By.LVLM, ALL),
        iou=row.mean.iou,
        iou_low=iou_low,
        iou_high=iou_high,
        f1=row.mean.f1,
        precision=row.mean.precision,
        recall=row.mean.recall,
        cases=row.coverage.cases,
        failed=row.coverage.failed,
        images=row.images,
    )
