"""Methods over several tracks at once: one process a core, each with its own share of the tracks."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import TypeAlias

from medground_bench import plugins
from medground_bench.benchmark.opening import Benchmark, open_benchmark
from medground_bench.core.errors import MedgroundError
from medground_bench.core.progress import Advance, Progress, silently
from medground_bench.core.types import Mode, Track
from medground_bench.lvlms import LvlmDescription, open_lvlm
from medground_bench.runs.predict import PredictionFile, Run, predict, prediction_file
from medground_bench.runs.sweep import SPLIT
from medground_bench.runs.tune import tunable_names, tune_to

MOST_PROCESSES = 4
LOG = "predict.log"
POLL_S = 1.0


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
class _Share:
    """What one process does: tracks, methods, and the threads it may use.

    tuned  folder for what is chosen on the split `tune`; None to leave methods at their defaults
    """

    tracks: tuple[LocatedTrack, ...]
    methods: tuple[str, ...]
    threads: int
    tuned: Path | None


@dataclass(frozen=True, slots=True)
class _End:
    """The last word of a process."""

    error: str | None = None


Messages: TypeAlias = "Queue[PredictionFile | _End]"


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
    cores = os.cpu_count() or 1
    processes = max(1, min(cores, len(tracks), MOST_PROCESSES))
    threads = max(1, cores // processes)
    shares = [
        _Share(_dealt(tracks, place, processes), tuple(methods), threads, tuned) for place in range(processes)
    ]
    context = get_context("spawn")
    messages = context.Queue()
    workers = [
        context.Process(target=_work, args=(share, benchmark, folder, messages, progress), daemon=True)
        for share in shares
    ]
    for worker in workers:
        worker.start()
    try:
        names = methods or [plugin.name for plugin in plugins.available("methods")]
        total = sum(len(track.runs(name)) for track in tracks for name in names)
        with progress("run methods", total, "runs") as advance:
            return _collected(messages, workers, folder, advance)
    finally:
        for worker in workers:
            worker.terminate()


def method_names(lvlm: LvlmDescription) -> list[str]:
    """The methods that need nothing beyond what an LVLM gives."""
    names = [plugin.name for plugin in plugins.available("methods")]
    return [name for name in names if plugins.load("methods", name).needs <= lvlm.gives]


def _dealt(tracks: Sequence[LocatedTrack], place: int, hands: int) -> tuple[LocatedTrack, ...]:
    """Dealt to and fro, so that long and short ones add up alike."""
    dealt: list[LocatedTrack] = []
    for start in range(0, len(tracks), hands):
        forth = start // hands % 2 == 0
        dealt += tracks[start : start + hands][place if forth else hands - 1 - place :][:1]
    return tuple(dealt)


def _collected(
    messages: Messages, workers: Sequence[SpawnProcess], folder: Path, advance: Advance
) -> list[PredictionFile]:
    files: list[PredictionFile] = []
    waiting = len(workers)
    while waiting:
        try:
            message = messages.get(timeout=POLL_S)
        except Empty:
            if any(worker.exitcode not in (None, 0) for worker in workers):
                why = f"A process that ran methods was killed; {folder / LOG} may say why."
                raise MedgroundError(f"{why} Run the same command again to go on.") from None
            continue
        if isinstance(message, PredictionFile):
            files.append(message)
            advance(1)
        elif message.error is not None:
            raise MedgroundError(f"{message.error} (more in {folder / LOG})")
        else:
            waiting -= 1
    return sorted(files, key=lambda file: (file.track, file.method, file.file))


def _work(share: _Share, benchmark: Path, folder: Path, messages: Messages, progress: Progress) -> None:
    """The life of one process; its messages go to the log, so that they do not cross the parent's progress bar."""
    import torch

    torch.set_num_threads(share.threads)
    with (folder / LOG).open("a", encoding="utf-8", buffering=1) as log, redirect_stderr(log):
        try:
            for file in _runs(share, open_benchmark(benchmark), folder, progress):
                messages.put(file)
            messages.put(_End())
        except Exception as error:  # noqa: BLE001  told to the parent, which raises it
            traceback.print_exc()
            messages.put(_End(f"{type(error).__name__}: {error}"))


def _runs(share: _Share, benchmark: Benchmark, folder: Path, progress: Progress) -> Iterator[PredictionFile]:
    tunable = [name for name in tunable_names() if share.tuned and not _costly(name)]
    for located in share.tracks:
        lvlm = open_lvlm(located.location)
        track = Track(lvlm.key, located.mode)
        tune_cases = benchmark.tracks(SPLIT).get(track, 0)
        for name in share.methods or method_names(lvlm):
            if share.tuned and tune_cases and name in tunable:
                tune_to(share.tuned, benchmark, lvlm, name, track.mode, progress=progress)
            for run in located.runs(name):
                file = prediction_file(folder, lvlm, run)
                yield predict(benchmark, lvlm, run, file, tuned=share.tuned, progress=progress)


def _costly(method: str) -> bool:
    return plugins.literal("methods", method, "COSTLY_TO_TUNE") is True
