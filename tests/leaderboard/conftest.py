"""Stores of both kinds, a desk before them, and scoring in this process where the process is not what is tested."""

from __future__ import annotations

import json

import pytest

from medground_bench.leaderboard import examining
from medground_bench.leaderboard.scoring_process import examine
from tests.kit.desks import folder_place, hub_place


@pytest.fixture
def scored_here(monkeypatch):
    """Scoring takes no process of its own, which takes a second to start."""
    monkeypatch.setattr(
        examining, "_answer", lambda question, _limits: json.dumps(examine(json.loads(question))).encode()
    )


@pytest.fixture(params=["folder", "hub"])
def place(request, tmp_path):
    """A new store of either kind."""
    if request.param == "folder":
        return folder_place(tmp_path / "store")
    request.getfixturevalue("hub")
    return hub_place(request.getfixturevalue("org"))


@pytest.fixture
def local(tmp_path):
    """A new store in a folder."""
    return folder_place(tmp_path / "store")
