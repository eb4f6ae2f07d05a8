"""Run one attribution method over one track of a benchmark and write its prediction file.

While it runs, predictions are kept in the journal `<file>.partial`, so a killed run goes on where it was. The finished
file is sorted by case id and appears whole. Beside it, `<file>.run.json` says what made it and names every case on
which the method failed: such a case has no boxes, and scores 0.

A method fails on a case when it says so, by an error of this package about that case. Any other error, such as memory
that runs out, a missing library or a fault in the method, says nothing about the case: it ends the run, which goes on
from there when it is started again.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from medground_bench import __version__
from medground_bench.benchmark.opening import Benchmark
from medground_bench.core.progress import Advance, Progress, silently
from medground_bench.core.types import Case, Mode, Track
from medground_bench.lvlms import Lvlm, LvlmDescription
from medground_bench.lvlms.server.served import demand_may_see
from medground_bench.methods import Method, open_method
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.runs.case_engines import CaseEngine, CaseResult, LocalCases, entry_of
from medground_bench.runs.code_version import library_versions, method_code
from medground_bench.runs.inputs import inputs_of, localizer_of
from medground_bench.runs.run_file import Failure, read_run, run_file
from medground_bench.runs.sweep import Tuned, settings_of, tuned_method
from medground_bench.storage.journal import Journal, opened_journal
from medground_bench.storage.whole_files import Plain, fingerprint, sha256, write_whole

QUANTILES = (0, 0.05, 0.5, 0.95, 1)
"""Of a method's checks of itself that a run file tells."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a prediction file is made from: everything but the machine."""

    method: str
    mode: Mode
    seed: int = 0
    split: str = "test"

    def track(self, lvlm: LvlmDescription) -> Track:
        """The LVLM in the run's mode."""
        return Track(lvlm.key, self.mode)


@dataclass(frozen=True, slots=True)
class PredictionFile:
    """A finished prediction file: of one method on one track.

    without_boxes  cases for which the method had no box to give; the failed ones are not among them
    refused        cases with a text that looks like a box and was not read as one
    """

    track: Track
    method: str
    file: Path
    cases: int
    failures: tuple[Failure, ...]
    without_boxes: int = 0
    refused: int = 0

    @property
    def all_failed(self) -> bool:
        """Whether the method failed on every case there was."""
        return 0 < self.cases == len(self.failures)

    def as_text(self) -> str:
        """One line for people."""
        failed = f", {len(self.failures)} failed and will score 0" if self.failures else ""
        empty = f", {self.without_boxes} without a box" if self.without_boxes else ""
        unread = (
            f", {self.refused} with text that looks like a box and is not read as one" if self.refused else ""
        )
        return f"{self.cases} cases{failed}{empty}{unread}; written to {self.file}"


def predict(
    benchmark: Benchmark,
    lvlm: Lvlm,
    run: Run,
    file: Path,
    *,
    tuned: Path | None = None,
    progress: Progress = silently,
) -> PredictionFile:
    """`predict_by` for an LVLM in this process."""
    return predict_by(LocalCases(lvlm), benchmark, run, file, tuned=tuned, progress=progress)


def predict_by(
    engine: CaseEngine,
    benchmark: Benchmark,
    run: Run,
    file: Path,
    *,
    tuned: Path | None = None,
    progress: Progress = silently,
) -> PredictionFile:
    """Write the predictions of a run to `file` (`.jsonl` or `.jsonl.gz`); a finished file of the same run is kept.

    A run that differs in anything, also in the benchmark's content or the LVLM's weights, starts anew; one by another
    engine does not differ.

    tuned  folder of `medground tune`; without it, or without a file for this run in it, the method has its defaults.
           MedgroundError for a file that is there and was made of other cases or by other code
    """
    lvlm = engine.lvlm
    chosen = tuned_method(run.method, lvlm, run.mode, tuned, of=benchmark) if tuned else None
    method = chosen.method if chosen else open_method(run.method, lvlm)
    key, track = run_key(benchmark, lvlm, run, method), run.track(lvlm)
    finished = _finished(file, key, run, track)
    if finished is not None:
        return finished
    references = benchmark.references(lvlm=lvlm.key, mode=run.mode, split=run.split)
    demand_may_see(lvlm, {reference.source for reference in references} - {PHANTOM})
    with (
        opened_journal(_partial_file(file)) as journal,
        progress(f"{run.method} {track}", len(references), "cases") as advance,
    ):
        keys = {reference.case_id: f"{key} {reference.case_id}" for reference in references}
        cases = benchmark.cases(lvlm=lvlm.key, mode=run.mode, split=run.split)
        results = _results(
            keys, journal, lambda missing: engine.results(missing, method, run.seed), cases, advance
        )
        _finish(file, key, results, _provenance(benchmark, run, lvlm, method, chosen))
    written = _finished(file, key, run, track)
    assert written is not None, "what was just written is there"
    return written


def _results(
    keys: Mapping[str, str],
    journal: Journal,
    work: Callable[[Iterable[Case]], Iterable[CaseResult]],
    cases: Iterable[Case],
    advance: Advance,
) -> list[CaseResult]:
    """Of all cases, by case id; those that the journal has not are made, and kept as they come.

    keys  case id -> its key in the journal
    """
    advance(sum(key in journal.known for key in keys.values()))
    for result in work(case for case in cases if keys[case.case_id] not in journal.known):
        journal.once(keys[result.case_id], partial(entry_of, result))
        advance(1)
    return [CaseResult(**journal.known[keys[case_id]]) for case_id in sorted(keys)]


def predict_several(
    engine: CaseEngine,
    benchmark: Benchmark,
    runs: Sequence[Run],
    out: Path,
    *,
    tuned: Path | None = None,
    progress: Progress = silently,
) -> Iterator[PredictionFile]:
    """`predict_by` for each run: one into the file `out`, several into a folder as `<lvlm>-<mode>-<method>.jsonl`."""
    for run in runs:
        file = out if len(runs) == 1 else prediction_file(out, engine.lvlm, run)
        yield predict_by(engine, benchmark, run, file, tuned=tuned, progress=progress)


def prediction_file(folder: Path, lvlm: LvlmDescription, run: Run) -> Path:
    """Where the predictions of a run are kept beside those of others."""
    seed = f"-seed{run.seed}" if run.seed else ""
    return folder / f"{run.track(lvlm).stem}-{run.method}{seed}.jsonl"


def run_key(benchmark: Benchmark, lvlm: LvlmDescription, run: Run, method: Method) -> str:
    """Identity of a run: a hash of everything its boxes depend on."""
    references = benchmark.references(lvlm=lvlm.key, mode=run.mode, split=run.split)
    sources = {reference.source for reference in references}
    return fingerprint(
        version=__version__,
        cases=benchmark.content_digest(run.track(lvlm), run.split),
        method=run.method,
        settings=repr(method),  # a frozen dataclass: its name and all its settings
        inputs=inputs_of(method, lvlm, sources),
        seed=run.seed,
        code=method_code(),
    )


def _provenance(
    benchmark: Benchmark, run: Run, lvlm: LvlmDescription, method: Method, chosen: Tuned | None
) -> dict[str, Plain]:
    """What made the file; `tuned` is null for a method with its defaults, `localizer` for one without.

    `benchmark_revision` is the commit of a benchmark of the hub, null for a folder.
    """
    return {
        "version": __version__,
        "libraries": library_versions(),
        **asdict(run),
        "lvlm": lvlm.key,
        "lvlm_revision": lvlm.revision,
        "lvlm_precision": lvlm.precision,
        "benchmark_revision": benchmark.revision,
        "settings": settings_of(method),
        "localizer": localizer_of(method),
        "tuned": None if chosen is None else chosen.as_json(),
    }


def _finish(file: Path, key: str, results: Sequence[CaseResult], provenance: Mapping[str, Plain]) -> None:
    """Write the prediction file and its run file, and remove the journal."""
    text = "".join(json.dumps(result.prediction, allow_nan=False) + "\n" for result in results)
    content = text.encode("ascii")
    if file.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    failures = [Failure(result.case_id, result.error) for result in results if result.error is not None]
    missing = Counter(concept for result in results for concept in result.missing_concepts)
    record = {
        "run": key,
        "sha256": sha256(content),
        **provenance,
        "cases": len(results),
        "without_boxes": sum(not result.prediction["boxes"] for result in results) - len(failures),
        "missing_concepts": dict(sorted(missing.items())),
        "self_checks": _self_checks(results),
        "refused": {result.case_id: list(result.refused) for result in results if result.refused},
        "failures": [asdict(failure) for failure in failures],
    }
    write_whole(file, content)
    write_whole(run_file(file), (json.dumps(record, indent=2) + "\n").encode("ascii"))
    _partial_file(file).unlink(missing_ok=True)


def _self_checks(results: Sequence[CaseResult]) -> dict[str, dict[str, float]]:
    """Of every check that the method made of itself, such as the completeness gap: how its values are distributed.

    low, high  5 of 100 cases are below and above
    """
    values: dict[str, list[float]] = {}
    for result in results:
        for name, value in result.self_checks.items():
            values.setdefault(name, []).append(value)
    return {
        name: dict(
            zip(("least", "low", "median", "high", "most"), np.quantile(of, QUANTILES).tolist(), strict=True)
        )
        | {"cases": len(of)}
        for name, of in sorted(values.items())
    }


def _finished(file: Path, key: str, run: Run, track: Track) -> PredictionFile | None:
    """The file of this very run when it is there, untouched."""
    record = read_run(file)
    if record is None or record.run != key:
        return None
    counts = (record.cases, record.failures, record.without_boxes, record.refused)
    return PredictionFile(track, run.method, file, *counts)


def _partial_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.partial")
