"""What our own runs found, as it is kept beside the cards: scores, retention, and the settings that tuning chose."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.statistics import Statistics
from medground_bench.core.scoring import By
from medground_bench.core.types import Mode
from medground_bench.leaderboard.board import ALL, Board, BoardRow
from medground_bench.runs.sweep import Sweep, spelled
from medground_bench.storage.whole_files import Plain, write_whole

RESULTS, RETENTION, CHOSEN = "results.json", "retention.json", "chosen.json"
BAR = "random_box"
"""The control that every method should beat."""

TUNED = "tuned"
"""Where `medground demo` keeps its sweeps, beside its board."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Result:
    """A method's scores on one board view, fractions 0..1; `bar` is the IoU of `random_box` on the same cases."""

    method: str
    mode: str
    lvlm: str
    iou: float
    precision: float
    recall: float
    f1: float
    cases: int
    failed: int
    bar: float | None

    @property
    def below_the_bar(self) -> bool:
        """Whether chance does better."""
        return self.bar is not None and self.method != BAR and self.iou < self.bar


@dataclass(frozen=True, slots=True)
class OwnRetention:
    """What the causal filter made of the positive questions of a track on a source, counted."""

    lvlm: str
    mode: str
    source: str
    questions: int
    incorrect: int
    ungrounded: int
    grounded: int


@dataclass(frozen=True, slots=True)
class ChosenSettings:
    """What `medground tune` chose for a method on a track, of how many candidates and on how many cases."""

    method: str
    lvlm: str
    mode: str
    settings: Mapping[str, Plain]
    candidates: int
    cases: int

    def __str__(self) -> str:
        """For people: `layer 3, head mean`."""
        return ", ".join(f"{name} {spelled(value)}" for name, value in self.settings.items())


@dataclass(frozen=True, slots=True)
class OwnRuns:
    """Everything that is kept."""

    results: Sequence[Result]
    retention: Sequence[OwnRetention]
    chosen: Sequence[ChosenSettings]

    @classmethod
    def read(cls, cards: Path) -> OwnRuns:
        """What lies beside the cards; nothing of a kind where there is no such file."""
        return cls(
            _kept(cards / RESULTS, Result),
            _kept(cards / RETENTION, OwnRetention),
            _kept(cards / CHOSEN, ChosenSettings),
        )


def keep_demo(demo: Path, cards: Path) -> None:
    """Keep the board and the choices of a folder that `medground demo` made."""
    sweeps = [Sweep.read(file) for file in sorted((demo / TUNED).glob("*.json"))]
    _keep(cards / RESULTS, results_of(Board.read(demo)))
    _keep(cards / CHOSEN, [chosen_by(sweep) for sweep in sweeps])


def keep_retention(benchmark: Path, cards: Path) -> None:
    """Keep what the causal filter made of the split `test` of a dataset folder."""
    folder = DatasetFolder(benchmark)
    folder.demand()
    _keep(cards / RETENTION, retention_of(Statistics.of(folder, "test")))


def results_of(board: Board) -> list[Result]:
    """Every method in every mode, all LVLMs together and each alone, sources pooled."""
    views = [board.view(mode, ALL, lvlm) for mode in Mode for lvlm in (ALL, *board.choices(By.LVLM))]
    return [_result(row, view) for view in views for row in sorted(view, key=lambda row: row.method)]


def retention_of(numbers: Statistics) -> list[OwnRetention]:
    """Of every track and source, over all findings."""
    return [
        OwnRetention(row.lvlm, row.mode, row.source, row.questions or 0, *row.counts)
        for row in numbers.whole()
    ]


def chosen_by(sweep: Sweep) -> ChosenSettings:
    """The settings that vary in a sweep, as it chose them."""
    chosen = {name: sweep.chosen.settings[name] for name in sweep.varying}
    return ChosenSettings(
        sweep.method, sweep.lvlm, sweep.mode.value, chosen, len(sweep.candidates), sweep.cases
    )


def _result(row: BoardRow, view: Sequence[BoardRow]) -> Result:
    bar = next((other.iou for other in view if other.method == BAR), None)
    return Result(
        method=row.method,
        mode=row.mode,
        lvlm=row.lvlm,
        iou=round(row.iou, 4),
        precision=round(row.precision, 4),
        recall=round(row.recall, 4),
        f1=round(row.f1, 4),
        cases=row.cases,
        failed=row.failed,
        bar=None if bar is None else round(bar, 4),
    )


def _keep(file: Path, rows: Sequence[Result | OwnRetention | ChosenSettings]) -> None:
    write_whole(file, (json.dumps([asdict(row) for row in rows], indent=1) + "\n").encode())


def _kept(file: Path, kind: Callable[..., Row]) -> list[Row]:
    return [kind(**row) for row in json.loads(file.read_text("utf-8"))] if file.is_file() else []
