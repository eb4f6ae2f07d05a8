"""The demo: build the phantom benchmark, tune and run every method on every track, score, and keep the board.

Every stage keeps what it has done, so a second run is quick and a killed one goes on where it was.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import ceil
from pathlib import Path

from medground_bench import plugins
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.benchmark.statistics import Statistics
from medground_bench.cards.reported import FOLDER as REPORTED
from medground_bench.cards.reported import reported_on_board
from medground_bench.commands.console import Stopped, progress
from medground_bench.commands.programs import programs_folder
from medground_bench.commands.sweep_tables import sweeps_as_markdown
from medground_bench.core.errors import BadSubmission, MedgroundError, SourceMissing
from medground_bench.core.types import Mode, Reference, Track
from medground_bench.leaderboard.board import Board, MethodRun, build_board
from medground_bench.leaderboard.case_book import CaseBook
from medground_bench.leaderboard.rows import TunedOn
from medground_bench.leaderboard.track_facts import track_facts
from medground_bench.lvlms import checkpoints, embedded
from medground_bench.runs.parallel import LocatedTrack, run_methods
from medground_bench.runs.predict import PredictionFile
from medground_bench.runs.run_file import predictions_of, read_run
from medground_bench.runs.sweep import Sweep, file_of
from medground_bench.runs.tune import tunable_names
from medground_bench.storage.whole_files import write_whole
from medground_bench.submission.read import Problems, read_submission

BENCHMARK = "medground-bench"
PREDICTIONS = "predictions"
TUNED = "tuned"
TUNED_TABLE = "README.md"
SOURCE = "phantom"
CASES_PER_PICTURE = 3
"""Retained in a track, on average."""

TunedRuns = Mapping[tuple[str, Track], TunedOn]
"""Method and track -> what its settings were chosen on."""


@dataclass(slots=True)
class Demo:
    """What a demo made: the board, the sweeps its methods were tuned by, and the seconds of every stage, in order."""

    board: Board = field(default_factory=lambda: build_board([], []))
    sweeps: tuple[Sweep, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


def run_demo(
    out: Path, cases: int, *, lvlms: Sequence[str] = (), methods: Sequence[str] = (), seeds: int = 1
) -> Demo:
    """Build, tune, predict, score; everything is kept in `out`, such as `board.json` and `cases.json`.

    Layers, heads and baselines are chosen on the split `tune`, on 20 cases or more of a track; what was tried and
    chosen on how many is in the folder `tuned`, as tables and heat maps.

    cases    wanted in every track; as many pictures are taken as give them on average
    lvlms    keys or folders; by default the embedded ones
    methods  by default every one that the LVLM supports
    seeds    runs of a method that draws random numbers
    """
    programs, demo = programs_folder(), Demo()
    lvlms = lvlms or [key for key in checkpoints() if embedded(key)]
    out.mkdir(parents=True, exist_ok=True)
    with _timed(demo, "build the benchmark"):
        choices = [word for key in lvlms for word in ("--lvlm", key)]
        choices += [word for mode in Mode for word in ("--mode", mode.value)]
        folder, pictures = (out / BENCHMARK).resolve(), ceil(cases / CASES_PER_PICTURE)
        _builder(
            programs, "build", "--source", SOURCE, *choices, "--limit", str(pictures), "--out", str(folder)
        )
    with _timed(demo, "tune and run all methods"):
        modes = (Mode.REASON, Mode.DIRECT)
        tracks = [LocatedTrack(key, mode, seeds) for mode in modes for key in lvlms]
        files = run_methods(folder, tracks, methods, out / PREDICTIONS, tuned=out / TUNED, progress=progress)
        demo.sweeps = _sweeps(out / TUNED, files)
        write_whole(out / TUNED / TUNED_TABLE, sweeps_as_markdown(demo.sweeps).encode())
    with _timed(demo, "score"):
        benchmark = open_benchmark(folder)
        references = benchmark.references()
        facts = track_facts(Statistics.of(benchmark.dataset, "test"))
        tuned = _tuned_on(demo.sweeps)
        runs = [_method_run(references, tuned, file) for file in files]
        demo.board = build_board(references, runs, facts, reported_on_board(programs / REPORTED))
        demo.board.save(out)
        CaseBook.of(benchmark, runs).save(out)
    return demo


def serve_space(out: Path) -> None:
    """Open the Space on the results of a demo and serve it until it is stopped."""
    if find_spec("gradio") is None:
        raise SourceMissing("the Space needs gradio. Install it with: pip install 'medground-bench[demo]'")
    programs = programs_folder()
    line = [
        sys.executable,
        str(programs / "space_app" / "app.py"),
        *(["--browser"] if sys.stdout.isatty() else []),
    ]
    environment = os.environ | {"MEDGROUND_RESULTS": str(out.resolve()), "PYTHONPATH": str(programs)}
    with subprocess.Popen(line, env=environment) as space:  # noqa: S603
        try:
            failed = space.wait() > 0
        except Stopped:  # being stopped is how serving ends; the Space removes what visitors sent to it
            space.terminate()
            failed = False
    if failed:
        raise MedgroundError("the Space ended by itself; it said why above.")


def _sweeps(folder: Path, predicted: Sequence[PredictionFile]) -> tuple[Sweep, ...]:
    """What the methods of these predictions were tuned by."""
    tunable = tunable_names()
    files = (file_of(folder, each.track, each.method) for each in predicted if each.method in tunable)
    return tuple(Sweep.read(file) for file in dict.fromkeys(files) if file.is_file())


def _tuned_on(sweeps: Sequence[Sweep]) -> TunedRuns:
    return {
        (sweep.method, sweep.track): TunedOn(sweep.cases, sweep.pictures, len(sweep.candidates))
        for sweep in sweeps
    }


def _chosen_on(method: str) -> TunedOn | None:
    """What the file of a method says of how its own settings were chosen."""
    said = plugins.literal("methods", method, "CHOSEN_ON")
    return TunedOn(**said) if said else None


def _method_run(references: Sequence[Reference], tuned: TunedRuns, predicted: PredictionFile) -> MethodRun:
    """What a method predicted on a track; a case on which it failed counts as not predicted."""
    record = read_run(predicted.file)
    seed = (record.seed if record else None) or 0
    if not predicted.cases:
        return MethodRun(predicted.method, predicted.track, (), seed)
    submission = read_submission(predicted.file.read_bytes(), references)
    if isinstance(submission, Problems):
        raise BadSubmission(f"{predicted.file}: {submission.shown[0]}")
    return MethodRun(
        predicted.method,
        predicted.track,
        predictions_of(predicted.file, submission.predictions),
        seed,
        tuned=tuned.get((predicted.method, predicted.track)) or _chosen_on(predicted.method),
        localizer=record.localizer if record else None,
    )


def _builder(programs: Path, command: str, *arguments: str) -> None:
    """Run a builder command; its messages go to the terminal, what it prints does not."""
    line = [sys.executable, "-m", "builder", command, *arguments]
    environment = {"OMP_NUM_THREADS": "1"} | os.environ  # tiny models: threads wait more than they work
    ended = subprocess.run(  # noqa: S603
        line, cwd=programs, env=environment, stdout=subprocess.DEVNULL, check=False
    )
    if ended.returncode:
        raise MedgroundError(f"the builder could not {command} the phantom benchmark; it said why above.")


@contextmanager
def _timed(demo: Demo, stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    demo.seconds[stage] = time.perf_counter() - start
