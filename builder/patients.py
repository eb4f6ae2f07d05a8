"""Which patient a question is about, for statistics by patient: kept in the store folder, never in a published row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from medground_bench.storage.whole_files import write_whole


def patients_file(store: Path, source: str) -> Path:
    """Where the patients of a source are kept."""
    return store / f"patients-{source}.json"


def write_patients(store: Path, source: str, patients: Mapping[str, str]) -> None:
    """Keep question id -> patient id of a source."""
    text = json.dumps(dict(patients), sort_keys=True, indent=0)
    write_whole(patients_file(store, source), f"{text}\n".encode("ascii"))


def read_patients(store: Path, source: str) -> dict[str, str]:
    """Question id -> patient id; a question that is not among them is a patient of its own."""
    path = patients_file(store, source)
    if not path.is_file():
        return {}
    patients: dict[str, str] = json.loads(path.read_bytes())
    return patients
