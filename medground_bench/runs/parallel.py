"""Methods over several tracks at once, each process with its own share of the tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from medground_bench import plugins
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.progress import Progress, silently
from medground_bench.core.types import Mode, Track
from medground_bench.lvlms import LvlmDescription, open_lvlm
from medground_bench.runs.predict import PredictionFile, Run, predict, prediction_file
from medground_bench.runs.processes import Tell, in_processes
from medground_bench.runs.sweep import SPLIT
from medground_bench.runs.tune import tunable_names, tune_to

LOG = "predict.log"


@dataclass(frozen=True, slots=True)
class LocatedTrack:
    """An LVLM, by what `open_lvlm` takes, in a mode.

    seeds  how often a method is run on it whose file says `SEEDED`, with the seeds from 0 on
    """

    location: str
    mode: Mode
    seeds: int = 1

    def runs(self, method: str) -> list[Run]:
        """Of a method, one a seed."""
        several = self.seeds if plugins.literal("methods", method, "SEEDED") is True else 1
        return [Run(method, self.mode, seed) for seed in range(several)]


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which methods, and how.

    tuned  folder for what is chosen on the split `tune`; None to leave methods at their defaults
    """

    methods: tuple[str, ...]
    tuned: Path | None


def run_methods(
    benchmark: Path,
    tracks: Sequence[LocatedTrack],
    methods: Sequence[str],
    folder: Path,
    *,
    tuned: Path | None = None,
    progress: Progress = silently,
) -> list[PredictionFile]:
    """Run methods over tracks; files are called as `prediction_file` says.

    tracks   put the longest first
    methods  by name; none for every method that the LVLM of a track supports
    tuned    folder in which every method that has settings to choose is first tuned, on the track's own cases of the
             split `tune`; one that has none there, or whose file says `COSTLY_TO_TUNE`, keeps its defaults
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = partial(_runs, benchmark, _Choice(tuple(methods), tuned), folder, progress)
    names = methods or [plugin.name for plugin in plugins.available("methods")]
    total = sum(len(track.runs(name)) for track in tracks for name in names)
    files: list[PredictionFile] = []
    with progress("run methods", total, "runs") as advance:
        for file in in_processes(work, tracks, folder / LOG):
            files.append(file)
            advance(1)
    return sorted(files, key=lambda file: (file.track, file.method, file.file))


def method_names(lvlm: LvlmDescription) -> list[str]:
    """The methods that need nothing beyond what an LVLM gives."""
    names = [plugin.name for plugin in plugins.available("methods")]
    return [name for name in names if plugins.load("methods", name).needs <= lvlm.gives]


def _runs(
    folder_of_cases: Path,
    choice: _Choice,
    folder: Path,
    progress: Progress,
    tracks: Sequence[LocatedTrack],
    tell: Tell[PredictionFile],
) -> None:
    """Tell the files of these tracks, in a process of their own."""
    benchmark = open_benchmark(folder_of_cases)
    tunable = [name for name in tunable_names() if choice.tuned and not _costly(name)]
    for located in tracks:
        lvlm = open_lvlm(located.location)
        track = Track(lvlm.key, located.mode)
        tune_cases = benchmark.tracks(SPLIT).get(track, 0)
        for name in choice.methods or method_names(lvlm):
            if choice.tuned and tune_cases and name in tunable:
                tune_to(choice.tuned, benchmark, lvlm, name, track.mode, progress=progress)
            for run in located.runs(name):
                file = prediction_file(folder, lvlm, run)
                tell(predict(benchmark, lvlm, run, file, tuned=choice.tuned, progress=progress))


def _costly(method: str) -> bool:
    return plugins.literal("methods", method, "COSTLY_TO_TUNE") is True
