"""A gated dataset with people who ask for it, and whoever decides."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from builder.access.carrying_out import deciding
from builder.access.queue import AccessQueue
from medground_bench.storage.hub_calls import HubCalls
from tests.kit.access import PEOPLE


@pytest.fixture
def bench(hub, org, monkeypatch):
    """The dataset as the hub has it, with three pending requests; this process is a member who may write."""
    made = hub.state.create("dataset", f"{org}/bench", gated="manual")
    for number, (person, fields) in enumerate(PEOPLE.items()):
        hub.state.person(person)
        asked = made.ask(person, **fields)
        asked.date = datetime(2026, 11, 1 + number, tzinfo=UTC)
    monkeypatch.setenv("HF_TOKEN", f"hf_{org}-writer")
    return made


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that were waited, without waiting them."""
    return []


@pytest.fixture
def queue(bench, org, pauses) -> AccessQueue:
    """The same, as the builder sees it."""
    return AccessQueue(HubCalls(f"hf_{org}-writer", wait=pauses.append), bench.name)


@pytest.fixture
def log(tmp_path):
    """Where decisions are logged."""
    return tmp_path / "access.jsonl"


@pytest.fixture
def maintainer(queue, log):
    """Who decides, with an open log."""
    with deciding(queue, log) as held:
        yield held
