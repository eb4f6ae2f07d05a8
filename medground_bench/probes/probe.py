"""`medground probe`: run the probes over a benchmark's tracks, and write tables, figures and columns for the board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from medground_bench.benchmark.opening import Benchmark
from medground_bench.core.errors import SourceMissing
from medground_bench.core.progress import Advance, Progress, silently
from medground_bench.core.types import Mode
from medground_bench.lvlms import Lvlm, key_of, open_lvlm, pinned
from medground_bench.lvlms.server.served import demand_may_see
from medground_bench.methods import Method
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.probes import ProbeKind
from medground_bench.probes.figures import figure_of
from medground_bench.probes.known_cause import marker_caused, run_known_cause
from medground_bench.probes.randomisation import ShuffleStage, asked_methods, run_randomisation
from medground_bench.probes.run import OF_CASES, Probing, TrackProbes, chosen_references, run_cases, walk
from medground_bench.probes.subjects import ProbedMethod, read_subjects
from medground_bench.probes.tables import Record, columns_of, records_of
from medground_bench.storage.journal import Journal, opened_journal
from medground_bench.storage.tables import as_csv
from medground_bench.storage.whole_files import write_whole

RESULTS = "results"
SHUFFLED_CASES = 3
"""Of a track, whose methods are run again at every stage of shuffled weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """What is asked for.

    lvlms  keys or locations; none for all that have predictions
    modes  none for both
    limit  at most so many cases of a track; None for all, and for the shuffled weights `SHUFFLED_CASES`
    """

    what: ProbeKind
    lvlms: Sequence[str] = ()
    modes: Sequence[Mode] = ()
    limit: int | None = None

    def asks(self, what: ProbeKind) -> bool:
        """Whether a probe is among what is asked for."""
        return self.what in (what, ProbeKind.ALL)


@dataclass(frozen=True, slots=True)
class Probed:
    """What was written, and for the terminal the rows of every table and why some are not there.

    not_run  probe and track -> the reason
    """

    tables: dict[ProbeKind, list[Record]]
    tracks: tuple[TrackProbes, ...]
    files: tuple[Path, ...]

    @property
    def not_run(self) -> list[str]:
        """A sentence for every probe that could not be run on a track."""
        return [
            f"{what.value}, {track.track}: {why}"
            for track in self.tracks
            for what, why in track.not_run.items()
        ]


def probe(
    benchmark: Benchmark,
    predictions: Path,
    plan: ProbePlan,
    folder: Path,
    *,
    progress: Progress = silently,
) -> Probed:
    """Probe the methods of a folder of prediction files; write a CSV and a PNG of every probe into another.

    What is measured is kept there as it comes, so a killed run goes on where it was, and another probe, LVLM or limit
    does not do again what it has in common with an earlier one.
    """
    subjects = read_subjects(predictions, benchmark.references())
    tracks: list[TrackProbes] = []
    for location, of_lvlm in _by_location(subjects, plan).items():
        lvlm = open_lvlm(location)
        for track in sorted({each.track for each in of_lvlm}):
            of_track = [each for each in of_lvlm if each.track == track]
            work = _Work(benchmark, lvlm, partial(open_lvlm, location), of_track, TrackProbes(track))
            tracks.append(work.run(plan, folder / RESULTS, progress))
    tables = {
        what: rows
        for what in ProbeKind
        if (rows := records_of(what, tracks) if what is not ProbeKind.ALL else [])
    }
    contents: dict[str, bytes] = {}
    for what, rows in tables.items():
        contents[f"{what.value}.csv"] = as_csv(columns_of(what, rows), rows)
        figure = figure_of(what, rows, tracks)
        if figure is not None:
            contents[f"{what.value}.png"] = figure.png()
    for name, content in contents.items():
        write_whole(folder / name, content)
    return Probed(tables, tuple(tracks), tuple(folder / name for name in contents))


def _by_location(subjects: Sequence[ProbedMethod], plan: ProbePlan) -> dict[str, list[ProbedMethod]]:
    """Where each LVLM is -> its subjects in the plan's modes; SourceMissing where nothing is left."""
    named = plan.lvlms or sorted({each.track.lvlm for each in subjects})
    found: dict[str, list[ProbedMethod]] = {}
    for location in (pinned(each, newest=False) for each in named):
        key = key_of(location)
        of_lvlm = [
            each
            for each in subjects
            if each.track.lvlm == key and (not plan.modes or each.track.mode in plan.modes)
        ]
        if of_lvlm:
            found[location] = of_lvlm
    if not found:
        there = ", ".join(sorted({str(each.track) for each in subjects})) or "no case"
        raise SourceMissing(f"no prediction file is of what was asked for. They are of: {there}.")
    return found


@dataclass(frozen=True)
class _Work:
    """One track."""

    benchmark: Benchmark
    lvlm: Lvlm
    reopen: Callable[[], Lvlm]
    subjects: Sequence[ProbedMethod]
    probes: TrackProbes

    @cached_property
    def methods(self) -> dict[str, Method | None]:
        """Name -> the method with the settings of its run; None where they are not known."""
        return {each.method: each.opened(self.lvlm) for each in self.subjects}

    def run(self, plan: ProbePlan, results: Path, progress: Progress) -> TrackProbes:
        """Every probe of the plan."""
        track, methods = self.probes.track, len(self.subjects)
        references = chosen_references(self.benchmark, track, plan.limit)
        demand_may_see(self.lvlm, {each.source for each in references} - {PHANTOM})
        with opened_journal(results / f"{track.stem}.jsonl") as journal:
            whats = [what for what in OF_CASES if plan.asks(what)]
            if whats:
                total = len(references) * len(whats) * methods
                with progress(f"probe {track}", total, "results") as advance:
                    cases = walk(self.benchmark, track, references)
                    run_cases(self._probing(journal, advance), cases, whats)
            if plan.asks(ProbeKind.KNOWN_CAUSE):
                caused = marker_caused(self.benchmark, track)
                with progress(f"known cause {track}", len(caused) * methods, "results") as advance:
                    run_known_cause(self._probing(journal, advance), caused)
            if plan.asks(ProbeKind.RANDOMISATION):
                chosen = chosen_references(self.benchmark, track, plan.limit or SHUFFLED_CASES)
                shown = list(walk(self.benchmark, track, chosen))
                total = len(shown) * len(ShuffleStage) * len(asked_methods(self.methods))
                with progress(f"shuffle {track}", total, "results") as advance:
                    run_randomisation(self._probing(journal, advance), shown, self.reopen)
        return self.probes

    def _probing(self, journal: Journal, advance: Advance) -> Probing:
        return Probing(self.lvlm, self.subjects, self.methods, journal, self.probes, advance)
