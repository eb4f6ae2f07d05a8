"""What stands beside a prediction file: `<file>.run.json`, which says what made it and on which cases that failed.

A failed case has a line without boxes, like a case for which a method has none to give; only the run file tells the two
apart. Everything that scores a prediction file asks `predictions_of`, so that it counts the same everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from medground_bench.core.types import Prediction
from medground_bench.storage.whole_files import sha256


def run_file(file: Path) -> Path:
    """Where the run file of a prediction file is."""
    return file.with_name(f"{file.name}.run.json")


def read_run(file: Path) -> dict[str, Any] | None:
    """What the run file says; None where there is none of these very bytes, as for a file that was changed since."""
    try:
        made = json.loads(run_file(file).read_bytes())
        content = file.read_bytes()
    except (FileNotFoundError, ValueError):
        return None
    belongs = isinstance(made, dict) and made.get("sha256") == sha256(content)
    return made if belongs else None


def predictions_of(file: Path, written: Iterable[Prediction]) -> tuple[Prediction, ...]:
    """The predictions written in a file, without those of cases on which the method failed: they count as missing."""
    made = read_run(file)
    failed = {failure["case_id"] for failure in made["failures"]} if made else set()
    return tuple(each for each in written if each.case_id not in failed)
