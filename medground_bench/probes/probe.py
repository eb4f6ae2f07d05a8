"""`medground probe`: run the probes over a benchmark's tracks, and write tables, figures and columns for the board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path

from medground_bench.benchmark.opening import Benchmark
from medground_bench.core.errors import SourceMissing
from medground_bench.core.progress import Advance, Progress, silently
from medground_bench.core.types import Mode, Track
from medground_bench.lvlms import Lvlm, embedded, key_of, open_lvlm, pinned
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
from medground_bench.runs.processes import Tell, in_processes
from medground_bench.storage.journal import Journal, opened_journal
from medground_bench.storage.tables import as_csv
from medground_bench.storage.whole_files import write_whole

RESULTS, LOG = "results", "probe.log"
SHUFFLED_CASES = 6
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
    does not do again what it has in common with an earlier one. Where all LVLMs are small ones that come with the
    package, tracks are probed several at once, and `probe.log` says how far each is.
    """
    located = _located(read_subjects(predictions, benchmark.references()), plan)
    work = partial(_run_tracks, benchmark, plan, folder / RESULTS, progress)
    tracks: list[TrackProbes] = []
    if len(located) > 1 and all(embedded(each.location) for each in located):
        folder.mkdir(parents=True, exist_ok=True)
        with progress("probe", len(located), "tracks") as advance:
            for track in in_processes(work, located, folder / LOG):
                tracks.append(track)
                advance(1)
    else:
        work(located, tracks.append)
    tracks.sort(key=lambda each: each.track)
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


@dataclass(frozen=True, slots=True)
class _Located:
    """The methods of a track, and where its LVLM is."""

    location: str
    track: Track
    subjects: tuple[ProbedMethod, ...]


def _located(subjects: Sequence[ProbedMethod], plan: ProbePlan) -> list[_Located]:
    """Every track of the plan, those of one LVLM together; SourceMissing where there is none."""
    named = plan.lvlms or sorted({each.track.lvlm for each in subjects})
    found: list[_Located] = []
    for location in (pinned(each, newest=False) for each in named):
        key = key_of(location)
        of_lvlm = [each for each in subjects if each.track.lvlm == key]
        for track in sorted(
            {each.track for each in of_lvlm if not plan.modes or each.track.mode in plan.modes}
        ):
            found.append(_Located(location, track, tuple(each for each in of_lvlm if each.track == track)))
    if not found:
        there = ", ".join(sorted({str(each.track) for each in subjects})) or "no case"
        raise SourceMissing(f"no prediction file is of what was asked for. They are of: {there}.")
    return found


def _run_tracks(
    benchmark: Benchmark,
    plan: ProbePlan,
    results: Path,
    progress: Progress,
    located: Sequence[_Located],
    tell: Tell[TrackProbes],
) -> None:
    """Probe tracks one after the other; an LVLM is opened once for those that follow each other."""
    opened = lru_cache(maxsize=1)(open_lvlm)
    for each in located:
        reopen = partial(open_lvlm, each.location)
        work = _Work(benchmark, opened(each.location), reopen, each.subjects, TrackProbes(each.track))
        tell(work.run(plan, results, progress))


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
