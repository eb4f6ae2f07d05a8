"""What stands beside a prediction file: `<file>.run.json`, which says what made it and on which cases that failed.

A failed case has a line without boxes, like a case for which a method has none to give; only the run file tells the two
apart. Everything that scores a prediction file asks `predictions_of`, so that it counts the same everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medground_bench.core.types import Prediction
from medground_bench.storage.whole_files import Plain, sha256


@dataclass(frozen=True, slots=True)
class Failure:
    """A case on which the method failed."""

    case_id: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What is read back of a run file; see `predict` for all that is written there.

    run            identity of the run: a hash of everything its boxes depend on
    localizer      who found the anatomy; None for a method that needs none
    without_boxes  cases for which the method had no box to give; the failed ones are not among them
    refused        cases with a text that looks like a box and was not read as one
    lvlm_revision  the weights that answered
    libraries      package -> version
    method         its name, and its settings as JSON says them
    """

    run: str
    localizer: str | None
    cases: int
    failures: tuple[Failure, ...]
    without_boxes: int
    refused: int
    lvlm: str = ""
    lvlm_revision: str = ""
    seed: int | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    settings: Mapping[str, Plain] = field(default_factory=dict)

    @property
    def said(self) -> dict[str, object]:
        """What a submitter would say of the file, as fields of `submission.metadata`; nothing without a revision."""
        if not self.lvlm_revision:
            return {}
        known = {
            "lvlm_revisions": {self.lvlm: self.lvlm_revision},
            "seed": self.seed,
            "versions": dict(self.libraries),
        }
        return {name: value for name, value in known.items() if value not in (None, {})}


def run_file(file: Path) -> Path:
    """Where the run file of a prediction file is."""
    return file.with_name(f"{file.name}.run.json")


def read_run(file: Path) -> RunRecord | None:
    """What the run file says; None where there is none of these very bytes, as for a file that was changed since."""
    try:
        return run_of(run_file(file).read_bytes(), file.read_bytes())
    except FileNotFoundError:
        return None


def run_of(record: bytes, predictions: bytes) -> RunRecord | None:
    """What the bytes of a run file say of those of a prediction file; None where they are no run file of it."""
    try:
        said = json.loads(record)
        if not isinstance(said, dict) or said.get("sha256") != sha256(predictions):
            return None
        return RunRecord(
            run=said.get("run", ""),
            localizer=said.get("settings", {}).get("localizer"),
            cases=said.get("cases", 0),
            failures=tuple(Failure(**failure) for failure in said["failures"]),
            without_boxes=said.get("without_boxes", 0),
            refused=len(said.get("refused", ())),
            lvlm=said.get("lvlm", ""),
            lvlm_revision=said.get("lvlm_revision", ""),
            seed=said.get("seed"),
            libraries=dict(said.get("libraries", {})),
            method=said.get("method", ""),
            settings=said.get("settings", {}),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def predictions_of(file: Path, predictions: Iterable[Prediction]) -> tuple[Prediction, ...]:
    """The predictions of a file, without those of cases on which the method failed: they count as missing."""
    record = read_run(file)
    failed = {failure.case_id for failure in record.failures} if record else set()
    return tuple(each for each in predictions if each.case_id not in failed)
