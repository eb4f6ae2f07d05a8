"""The board: every row's scores on every case, the paper's numbers beside them, and what is made of them.

`table` answers any query, from the scores of the cases; every page, file and command line takes its numbers from there.
`rows` are its answers where source and LVLM are fixed or pooled, as other parts of the library want them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np

from medground_bench import plugins
from medground_bench.core.errors import SourceMissing
from medground_bench.core.protocol import PROTOCOL
from medground_bench.core.scoring import By, CaseScore, mean_over_seeds, score_cases
from medground_bench.core.types import Prediction, Reference, Track
from medground_bench.leaderboard.case_numbers import numbers_of
from medground_bench.leaderboard.case_scores import BoardCase, CaseScores, RowScores, hidden_sources
from medground_bench.leaderboard.chance import chance_scores, draws_of
from medground_bench.leaderboard.columns import COLUMNS, Column, Direction, Pooling, Unit
from medground_bench.leaderboard.entries import Badge, BoardEntry, ReportedRow, TunedTrack
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.rows import ALL as ALL  # noqa: PLC0414  one of the board's nouns
from medground_bench.leaderboard.rows import BoardRow, TunedOn
from medground_bench.leaderboard.track_facts import TrackFacts
from medground_bench.leaderboard.views import BoardTable, BoardTableRow, choices_of, chosen_cases, table_of
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.runs.method_groups import MethodGroup, group_of
from medground_bench.storage.whole_files import write_whole

FILE = "board.json"
NOT_TOLD = "Our scores on {sources} are not here: from scores of single cases their expert boxes could be worked out."
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
    badge: Badge = Badge.REPRODUCED


@dataclass(frozen=True)
class Board:
    """What every row scored on every case, what the paper reports, and the facts of every track.

    notes   sentences on what is not on it
    """

    scores: CaseScores
    tracks: tuple[TrackFacts, ...] = ()
    reported: tuple[ReportedRow, ...] = ()
    columns: tuple[Column, ...] = COLUMNS
    protocol: int = PROTOCOL
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        scores: CaseScores,
        tracks: Iterable[TrackFacts] = (),
        reported: Iterable[ReportedRow] = (),
        protocol: int = PROTOCOL,
    ) -> Board:
        """A board whose tracks stand in order."""
        ordered = sorted(tracks, key=lambda track: (track.lvlm, track.mode, track.source))
        return cls(scores, tuple(ordered), tuple(reported), protocol=protocol)

    def table(self, query: BoardQuery) -> BoardTable:
        """What a query asks for."""
        return table_of(self.scores, self.columns, self.reported, query, self.hidden)

    @cached_property
    def hidden(self) -> tuple[str, ...]:
        """Sources whose expert boxes no table may tell of."""
        return hidden_sources(case.source for case in self.scores.cases)

    def for_everybody(self) -> Board:
        """What may be published with the scores of its cases: those of phantoms alone, and a sentence on the others."""
        if not self.hidden:
            return self
        note = NOT_TOLD.format(sources=" and ".join(self.hidden))
        return replace(self, scores=self.scores.of_sources({PHANTOM}), notes=(*self.notes, note))

    def query(self, params: Mapping[str, str]) -> BoardQuery:
        """The query in an address; UnknownName where it names what is not on this board."""
        return BoardQuery.of(params, self.offered)

    @cached_property
    def offered(self) -> dict[str, tuple[str, ...]]:
        """Filter or `sort` -> what there is to choose from, `all` aside."""
        return choices_of(self.scores, self.columns, self.reported)

    @cached_property
    def rows(self) -> tuple[BoardRow, ...]:
        """Our own rows of every view, best first within one; views of the same cases are one table."""
        sources, lvlms = ((ALL, *self.choices(by)) for by in (By.SOURCE, By.LVLM))
        queries = (
            BoardQuery(mode=mode, source=source, lvlm=lvlm)
            for mode, source, lvlm in product(self.choices(By.MODE), sources, lvlms)
        )
        entries = {entry.key: entry for entry in self.scores.entries}
        tables: dict[bytes, BoardTable] = {}
        rows: list[BoardRow] = []
        for query in queries:
            cases = chosen_cases(self.scores, query).tobytes()
            tables[cases] = replace(tables[cases], query=query) if cases in tables else self.table(query)
            rows += [
                _board_row(row, tables[cases], entries[row.method, row.badge.value])
                for row in tables[cases].ours
            ]
        return tuple(rows)

    def view(self, mode: str, source: str = ALL, lvlm: str = ALL) -> tuple[BoardRow, ...]:
        """The rows of one view, best IoU first."""
        wanted = (mode, source, lvlm)
        return tuple(row for row in self.rows if (row.mode, row.source, row.lvlm) == wanted)

    def choices(self, field: By) -> tuple[str, ...]:
        """Every mode, source or LVLM that we have cases of, sorted."""
        return tuple(sorted({str(getattr(case, field.value)) for case in self.scores.cases}))

    def content(self) -> bytes:
        """Of `board.json`; same board, same bytes."""
        content = {
            "protocol": self.protocol,
            "columns": [asdict(column) for column in self.columns],
            "entries": [asdict(entry) for entry in self.scores.entries],
            "rows": [asdict(row) for row in self.rows],
            "reported": [asdict(row) for row in self.reported],
            "tracks": [asdict(track) for track in self.tracks],
            "notes": [*self.notes],
        }
        return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode("ascii")

    def save(self, folder: Path) -> None:
        """Write `board.json` and the scores of the cases beside it."""
        self.scores.save(folder)
        write_whole(folder / FILE, self.content())

    @classmethod
    def read(cls, folder: Path) -> Board:
        """The board that `save` wrote; SourceMissing when it is not there or not one."""
        file = folder / FILE
        try:
            entries, empty = _described(file.read_text("utf-8"))
        except FileNotFoundError as error:
            raise SourceMissing(
                f"{folder} holds no results: it has no {FILE}. Make them with medground demo --out {folder}"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise SourceMissing(
                f"{file} is not a board of this version ({error}). Make it again with medground demo --out {folder}"
            ) from error
        return replace(empty, scores=CaseScores.read(folder, entries))


def _described(text: str) -> tuple[list[BoardEntry], Board]:
    """What `board.json` says: entries, and the board but for its scores; ValueError, KeyError or TypeError if not."""
    saved = json.loads(text)
    if saved["protocol"] != PROTOCOL:
        raise ValueError(f"protocol {saved['protocol']}, not {PROTOCOL}")
    entries = [
        BoardEntry(
            method=each["method"],
            shown=each["shown"],
            badge=Badge(each["badge"]),
            family=MethodGroup(each["family"]),
            tuned=tuple(TunedTrack(of["lvlm"], of["mode"], TunedOn(**of["on"])) for of in each["tuned"]),
            seeds=each["seeds"],
            said=tuple((key, words) for key, words in each["said"]),
        )
        for each in saved["entries"]
    ]
    board = Board(
        CaseScores.of((), {}),
        tuple(TrackFacts(**track) for track in saved["tracks"]),
        tuple(ReportedRow(**each | {"family": MethodGroup(each["family"])}) for each in saved["reported"]),
        tuple(_column(**each) for each in saved["columns"]),
        notes=tuple(map(str, saved["notes"])),
    )
    return entries, board


def _column(*, unit: str, direction: str, pooling: str, **words: str) -> Column:
    return Column(unit=Unit(unit), direction=Direction(direction), pooling=Pooling(pooling), **words)


def build_board(
    references: Sequence[Reference],
    runs: Iterable[MethodRun],
    tracks: Iterable[TrackFacts] = (),
    reported: Iterable[ReportedRow] = (),
) -> Board:
    """Score every run against the references of its track; runs of several seeds are averaged, case by case.

    ValueError for two runs of one method on one track under one seed, and where its tracks differ in their seeds.
    """
    by_row: dict[tuple[str, Badge], list[MethodRun]] = {}
    for run in runs:
        by_row.setdefault((run.method, run.badge), []).append(run)
    scored = dict(_scored(references, of_row) for of_row in by_row.values())
    return Board.of(CaseScores.of(map(BoardCase.of, references), scored), tracks, reported)


def control_names() -> frozenset[str]:
    """Methods that never ask the LVLM: their file says `CONTROL = True`."""
    names = (method.name for method in plugins.available("methods"))
    return frozenset(name for name in names if group_of(name) is MethodGroup.CONTROL)


def shown_name(runs: Sequence[MethodRun]) -> str:
    """What the runs of one method are called for people: its name, with what any of them had to do without."""
    name = runs[0].method
    lacks = plugins.literal("methods", name, "LACKS") or {}
    without = sorted({lacks[run.localizer] for run in runs if run.localizer in lacks})
    return f"{name} ({', '.join(without)})" if without else name


def _scored(references: Sequence[Reference], runs: Sequence[MethodRun]) -> tuple[BoardEntry, RowScores]:
    """A row and what it scores on every case on which it was run."""
    seeds, name = _of_seeds(references, runs), runs[0].method
    entry = BoardEntry(
        method=name,
        shown=shown_name(runs),
        badge=runs[0].badge,
        family=group_of(name),
        tuned=tuple(
            TunedTrack(run.track.lvlm, run.track.mode.value, run.tuned)
            for run in sorted(runs, key=lambda run: run.track)
            if run.tuned and run.seed == runs[0].seed
        ),
        seeds=len(seeds),
    )
    took: dict[str, list[float]] = {}
    for prediction in (each for run in runs for each in run.predictions if each.seconds is not None):
        took.setdefault(prediction.case_id, []).append(prediction.seconds or 0.0)
    ious: dict[str, list[float]] = {}
    for score in (each for scores in seeds for each in scores if len(seeds) > 1):
        ious.setdefault(score.case_id, []).append(score.overlap.iou)
    means = mean_over_seeds(seeds)
    seconds = {case_id: fmean(of_case) for case_id, of_case in took.items()}
    numbers = np.array([numbers_of(score, seconds.get(score.case_id)) for score in means], dtype=np.float64)
    of_seeds = np.array([ious[score.case_id] for score in means]) if ious else None
    return entry, RowScores.of([score.case_id for score in means], numbers, of_seeds)


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


def _board_row(row: BoardTableRow, table: BoardTable, entry: BoardEntry) -> BoardRow:
    on = [
        each.on
        for each in entry.tuned
        if each.mode == table.query.mode and table.query.lvlm in (ALL, each.lvlm)
    ]
    tuned = min(on, key=lambda each: (each.cases, each.pictures, each.candidates), default=None)
    least, greatest = row.spread or (None, None)
    return BoardRow(
        method=row.method,
        shown=row.shown,
        badge=row.badge.value,
        control=row.family is MethodGroup.CONTROL,
        mode=table.query.mode,
        source=table.query.source,
        lvlm=table.query.lvlm,
        best_rank=row.rank.best if row.rank else None,
        last_rank=row.rank.last if row.rank else None,
        iou=row.number("iou"),
        iou_low=row.number("iou_low"),
        iou_high=row.number("iou_high"),
        f1=row.number("f1"),
        precision=row.number("precision"),
        recall=row.number("recall"),
        spread_low=least,
        spread_high=greatest,
        cases=table.cases,
        failed=round((row.number("failure_rate") or 0.0) * table.cases),
        without_boxes=round((row.number("without_box") or 0.0) * table.cases),
        images=table.images,
        boxes=row.number("boxes") or 0.0,
        covered=row.number("covered") or 0.0,
        seeds=entry.seeds,
        seed_sd=row.number("seed_sd"),
        tuned_cases=tuned.cases if tuned else None,
        tuned_pictures=tuned.pictures if tuned else None,
        tuned_candidates=tuned.candidates if tuned else None,
    )
