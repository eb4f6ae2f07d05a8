"""Which patient a question is about, for statistics by patient: kept in the store, never in a published row."""

from __future__ import annotations

import json
from collections.abc import Mapping

from builder.place import Place


def write_patients(store: Place, source: str, patients: Mapping[str, str]) -> None:
    """Keep question id -> patient id of a source."""
    text = json.dumps(dict(patients), sort_keys=True, indent=0)
    store.write(_name(source), f"{text}\n".encode("ascii"))


def read_patients(store: Place, source: str) -> dict[str, str]:
    """Question id -> patient id; a question that is not among them is a patient of its own."""
    try:
        patients: dict[str, str] = json.loads(store.read(_name(source)))
    except FileNotFoundError:
        return {}
    return patients


def _name(source: str) -> str:
    return f"patients-{source}.json"
