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

from medground_bench import plugins
from medground_bench.core.errors import SourceMissing
from medground_bench.core.protocol import PROTOCOL
from medground_bench.core.scoring import By, CaseScore, mean_over_seeds, score_cases
from medground_bench.core.types import Prediction, Reference, Track
from medground_bench.leaderboard.chance import chance_scores, draws_of
from medground_bench.leaderboard.rows import ALL as ALL  # noqa: PLC0414  one of the board's nouns
from medground_bench.leaderboard.rows import BoardRow, ScoredMethod, TunedOn, names_in, view_rows
from medground_bench.leaderboard.track_facts import TrackFacts
from medground_bench.storage.whole_files import write_whole

FILE = "board.json"
VIEWS = (
    (By.MODE,),
    (By.MODE, By.SOURCE),
    (By.MODE, By.LVLM),
    (By.MODE, By.SOURCE, By.LVLM),
)


@dataclass(frozen=True, slots=True)
class MethodRun:
    """The predictions of one method on one track under one seed; cases on which it failed have none.

    tuned      what its settings were chosen on; None where nothing was
    localizer  who found the anatomy for it; None for a method that needs none
    """

    method: str
    track: Track
    predictions: tuple[Prediction, ...]
    seed: int = 0
    tuned: TunedOn | None = None
    localizer: str | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """All rows, best first within a view, and the facts of every track."""

    rows: tuple[BoardRow, ...]
    tracks: tuple[TrackFacts, ...] = ()
    protocol: int = PROTOCOL

    def view(self, mode: str, source: str = ALL, lvlm: str = ALL) -> tuple[BoardRow, ...]:
        """The rows of one view, best IoU first, those that are not applicable last."""
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
            saved = json.loads(file.read_text("utf-8"))
            if saved["protocol"] != PROTOCOL:
                raise ValueError(f"protocol {saved['protocol']}, not {PROTOCOL}")
            rows = tuple(BoardRow(**row) for row in saved["rows"])
            return cls(rows, tuple(TrackFacts(**track) for track in saved["tracks"]))
        except FileNotFoundError as error:
            raise SourceMissing(
                f"{folder} holds no results: it has no {FILE}. Make them with medground demo --out {folder}"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise SourceMissing(
                f"{file} is not a board of this version ({error}). Make it again with medground demo --out {folder}"
            ) from error


def build_board(
    references: Sequence[Reference], runs: Iterable[MethodRun], tracks: Iterable[TrackFacts] = ()
) -> Board:
    """Score every run against the references of its track; runs of several seeds are averaged, case by case.

    ValueError for two runs of one method on one track under one seed, and where its tracks differ in their seeds.
    """
    by_method: dict[str, list[MethodRun]] = {}
    for run in runs:
        by_method.setdefault(run.method, []).append(run)
    controls = control_names()
    methods = [
        _scored(references, of_method, control=name in controls)
        for name, of_method in sorted(by_method.items())
    ]
    rows = [
        row
        for view in VIEWS
        for row in view_rows(methods, view, Counter(names_in(view, each) for each in references))
    ]
    rows.sort(key=lambda row: (row.mode, row.source, row.lvlm, row.iou is None, -(row.iou or 0), row.method))
    return Board(tuple(rows), tuple(sorted(tracks, key=lambda track: (track.lvlm, track.mode, track.source))))


def _scored(references: Sequence[Reference], runs: Sequence[MethodRun], *, control: bool) -> ScoredMethod:
    name = runs[0].method
    lacks = plugins.literal("methods", name, "LACKS") or {}
    without = sorted({lacks[run.localizer] for run in runs if run.localizer in lacks})
    seeds = _of_seeds(references, runs)
    return ScoredMethod(
        method=name,
        shown=f"{name} ({', '.join(without)})" if without else name,
        control=control,
        seeds=seeds,
        mean=mean_over_seeds(seeds),
        tuned={(run.track.lvlm, run.track.mode.value): run.tuned for run in runs if run.tuned},
    )


def _of_seeds(references: Sequence[Reference], runs: Sequence[MethodRun]) -> list[list[CaseScore]]:
    """The scores of every seed on all tracks that were run."""
    name, seeds = runs[0].method, sorted({run.seed for run in runs})
    ran = Counter((run.track, run.seed) for run in runs)
    tracks = sorted({run.track for run in runs})
    if any(ran[track, seed] != 1 for track in tracks for seed in seeds):
        raise ValueError(f"{name}: every track needs one run of each of the seeds {seeds}")
    if draws_of(name):
        there = [each for each in references if each.track in tracks]
        return [list(scores) for scores in chance_scores(name, there)]
    truth: dict[Track, list[Reference]] = {track: [] for track in tracks}
    for each in references:
        truth.setdefault(each.track, []).append(each)
    return [
        [
            score
            for run in runs
            if run.seed == seed
            for score in score_cases(truth[run.track], run.predictions)
        ]
        for seed in seeds
    ]


def control_names() -> frozenset[str]:
    """Methods that never ask the LVLM: their file says `CONTROL = True`."""
    names = (method.name for method in plugins.available("methods"))
    return frozenset(name for name in names if plugins.literal("methods", name, "CONTROL") is True)
