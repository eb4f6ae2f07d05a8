"""What our own runs found, as it is kept beside the cards: scores, retention, and the settings that tuning chose."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from medground_bench.ablation import What
from medground_bench.ablation.ablate import BY_SIZE, FILES, PROVENANCE
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.statistics import Statistics
from medground_bench.core.errors import SourceMissing
from medground_bench.core.ranks import RankSet
from medground_bench.core.scoring import By
from medground_bench.core.types import Mode
from medground_bench.leaderboard.board import ALL, Board
from medground_bench.leaderboard.rows import BoardRow
from medground_bench.runs.sweep import Sweep, spelled
from medground_bench.storage.whole_files import Plain, write_whole

RESULTS, RETENTION, CHOSEN, RULES = "results.json", "retention.json", "chosen.json", "rules.json"
CHECKS, LOCALIZERS = "checks.json", "localizers.json"
BOX_FLOOR, MAP_FLOOR = "random_box", "random_map"
"""The controls that every method should beat: chance, for those that choose boxes and for those that give a map."""

TUNED = "tuned"
"""Where `medground demo` keeps its sweeps, beside its board."""

PREDICTED = "predictions"
"""Where it keeps prediction files with their run files."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Result:
    """A row of one board view as it is kept, fractions 0..1 to four digits; `BoardRow` says what its fields are.

    box_floor, map_floor  IoU of chance on the same cases
    """

    method: str
    shown: str
    control: bool
    mode: str
    lvlm: str
    best_rank: int | None
    last_rank: int | None
    iou: float | None
    iou_low: float | None
    iou_high: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    cases: int
    failed: int
    without_boxes: int
    images: int
    seeds: int
    seed_sd: float | None
    box_floor: float | None
    map_floor: float | None

    @property
    def rank(self) -> RankSet | None:
        """Between which places it stands."""
        places = self.best_rank, self.last_rank
        return None if places[0] is None or places[1] is None else RankSet(places[0], places[1])


@dataclass(frozen=True, slots=True)
class OwnRetention:
    """What the causal filter made of the positive questions of a track on a source, counted.

    edits  edit -> right answers that came to it, and those that it turned away
    """

    lvlm: str
    mode: str
    source: str
    questions: int
    incorrect: int
    ungrounded: int
    grounded: int
    edits: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChosenSettings:
    """What `medground tune` chose for a method on a track, of how many candidates and on how many cases."""

    method: str
    lvlm: str
    mode: str
    settings: Mapping[str, Plain]
    candidates: int
    as_good: int
    cases: int
    pictures: int

    def __str__(self) -> str:
        """For people: `layer 3, head mean (4 of 20)`, as many as good as that of all that were tried."""
        chosen = ", ".join(f"{name} {spelled(value)}" for name, value in self.settings.items())
        return f"{chosen} ({self.as_good} of {self.candidates})"


@dataclass(frozen=True, slots=True)
class AblationResult:
    """A row of a table as `medground ablate` wrote it, sources pooled, fractions 0..1 to four digits.

    size  of the findings, "all" where they are not told apart
    """

    split: str
    label: str
    mode: str
    lvlm: str
    size: str
    cases: int
    images: int
    iou: float
    low: float | None
    high: float | None
    area: float
    whole_image: float
    failed: float
    asked: float | None


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """How the values of one check that a method makes of itself are distributed over the cases of a track.

    low, high  5 of 100 cases are below and above
    """

    method: str
    check: str
    lvlm: str
    mode: str
    least: float
    low: float
    median: float
    high: float
    most: float
    cases: int


@dataclass(frozen=True, slots=True)
class OwnRuns:
    """Everything that is kept."""

    results: Sequence[Result]
    retention: Sequence[OwnRetention]
    chosen: Sequence[ChosenSettings]
    rules: Sequence[AblationResult] = ()
    checks: Sequence[SelfCheck] = ()
    localizers: Sequence[AblationResult] = ()

    @classmethod
    def read(cls, cards: Path) -> OwnRuns:
        """What lies beside the cards; nothing of a kind where there is no such file."""
        return cls(
            _kept(cards / RESULTS, Result),
            _kept(cards / RETENTION, OwnRetention),
            _kept(cards / CHOSEN, ChosenSettings),
            _kept(cards / RULES, AblationResult),
            _kept(cards / CHECKS, SelfCheck),
            _kept(cards / LOCALIZERS, AblationResult),
        )


def keep_demo(demo: Path, cards: Path) -> None:
    """Keep the board, the choices and the self-checks of a folder that `medground demo` made."""
    sweeps = [Sweep.read(file) for file in sorted((demo / TUNED).glob("*.json"))]
    _keep(cards / RESULTS, results_of(Board.read(demo)))
    _keep(cards / CHOSEN, [chosen_by(sweep) for sweep in sweeps])
    runs = sorted((demo / PREDICTED).glob("*.run.json"))
    _keep(cards / CHECKS, [check for file in runs for check in checks_of(file)])


def keep_retention(benchmark: Path, cards: Path) -> None:
    """Keep what the causal filter made of the split `test` of a dataset folder."""
    folder = DatasetFolder(benchmark)
    folder.demand()
    _keep(cards / RETENTION, retention_of(Statistics.of(folder, "test")))


def keep_rules(ablation: Path, cards: Path) -> None:
    """Keep the tables of rules of a folder that `medground ablate --what rules` wrote."""
    _keep(cards / RULES, _ablated(ablation, What.RULES, FILES[What.RULES], BY_SIZE))


def keep_localizers(ablation: Path, cards: Path) -> bytes:
    """Keep the table of localizers of a folder that `medground ablate --what localizers` wrote; gives its figure."""
    name = FILES[What.LOCALIZERS]
    rows = _ablated(ablation, What.LOCALIZERS, name)
    try:
        figure = (ablation / f"{name}.png").read_bytes()
    except FileNotFoundError as error:
        raise _no_table(ablation, What.LOCALIZERS, error) from error
    _keep(cards / LOCALIZERS, rows)
    return figure


def _ablated(ablation: Path, what: What, *names: str) -> list[AblationResult]:
    """The rows of its tables that were run."""
    try:
        split = json.loads((ablation / PROVENANCE).read_bytes())[f"{names[-1]}.csv"]["split"]
        rows = [row for name in names for row in _rows(ablation / f"{name}.csv")]
    except (FileNotFoundError, KeyError) as error:
        raise _no_table(ablation, what, error) from error
    return [_ablation_result(split, row) for row in rows if row["source"] == ALL and not row.get("not_run")]


def _no_table(ablation: Path, what: What, error: Exception) -> SourceMissing:
    again = f"Make it with: medground ablate --what {what}"
    return SourceMissing(f"{ablation} holds no table of {what} ({error}). {again}")


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _ablation_result(split: str, row: Mapping[str, str]) -> AblationResult:
    def share(name: str) -> float | None:
        return _rounded(float(row[name])) if row[name] else None

    return AblationResult(
        split=split,
        label=row["label"],
        mode=row["mode"],
        lvlm=row["lvlm"],
        size=row.get("size", ALL),
        cases=int(row["cases"]),
        images=int(row["images"]),
        iou=share("iou") or 0.0,
        low=share("low"),
        high=share("high"),
        area=share("area") or 0.0,
        whole_image=share("whole_image") or 0.0,
        failed=share("failed") or 0.0,
        asked=share("asked"),
    )


def results_of(board: Board) -> list[Result]:
    """Every method in every mode, all LVLMs together and each alone, sources pooled."""
    views = [board.view(mode, ALL, lvlm) for mode in Mode for lvlm in (ALL, *board.choices(By.LVLM))]
    return [_result(row, view) for view in views for row in sorted(view, key=lambda row: row.method)]


def retention_of(numbers: Statistics) -> list[OwnRetention]:
    """Of every track and source, over all findings."""
    edits: dict[tuple[str, str, str], dict[str, Sequence[int]]] = {}
    for each in numbers.edits:
        edits.setdefault((each.lvlm, each.mode, each.source), {})[each.edit] = [
            each.answers,
            each.turned_away,
        ]
    return [
        OwnRetention(
            *(row.lvlm, row.mode, row.source, row.questions or 0),
            *row.counts,
            edits=edits.get((row.lvlm, row.mode, row.source), {}),
        )
        for row in numbers.whole()
    ]


def checks_of(file: Path) -> list[SelfCheck]:
    """Those of a run file, to six digits; none of a run with another seed than the first."""
    run = json.loads(file.read_bytes())
    if run["seed"]:
        return []
    return [
        SelfCheck(
            run["method"], name, run["lvlm"], run["mode"], **{at: round(value, 6) for at, value in of.items()}
        )
        for name, of in sorted(run["self_checks"].items())
    ]


def chosen_by(sweep: Sweep) -> ChosenSettings:
    """The settings that vary in a sweep, as it chose them."""
    chosen = {name: sweep.chosen.settings[name] for name in sweep.varying}
    return ChosenSettings(
        method=sweep.method,
        lvlm=sweep.lvlm,
        mode=sweep.mode.value,
        settings=chosen,
        candidates=len(sweep.candidates),
        as_good=sweep.as_good,
        cases=sweep.cases,
        pictures=sweep.pictures,
    )


def _result(row: BoardRow, view: Sequence[BoardRow]) -> Result:
    floors = {other.method: other.iou for other in view}
    return Result(
        method=row.method,
        shown=row.shown,
        control=row.control,
        mode=row.mode,
        lvlm=row.lvlm,
        best_rank=row.best_rank,
        last_rank=row.last_rank,
        iou=_rounded(row.iou),
        iou_low=_rounded(row.iou_low),
        iou_high=_rounded(row.iou_high),
        precision=_rounded(row.precision),
        recall=_rounded(row.recall),
        f1=_rounded(row.f1),
        cases=row.cases,
        failed=row.failed,
        without_boxes=row.without_boxes,
        images=row.images,
        seeds=row.seeds,
        seed_sd=_rounded(row.seed_sd),
        box_floor=_rounded(floors.get(BOX_FLOOR)),
        map_floor=_rounded(floors.get(MAP_FLOOR)),
    )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _keep(
    file: Path, rows: Sequence[Result | OwnRetention | ChosenSettings | AblationResult | SelfCheck]
) -> None:
    write_whole(file, (json.dumps([asdict(row) for row in rows], indent=1) + "\n").encode())


def _kept(file: Path, kind: Callable[..., Row]) -> list[Row]:
    return [kind(**row) for row in json.loads(file.read_text("utf-8"))] if file.is_file() else []
