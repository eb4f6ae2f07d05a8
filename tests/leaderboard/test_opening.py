"""What a location names, in a folder and on the hub: results, a store, or nothing that has a board."""

from __future__ import annotations

from pathlib import Path

import pytest

from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.joining import joined
from medground_bench.leaderboard.opening import open_board, results_at
from medground_bench.leaderboard.published import board_of
from medground_bench.storage.hub import Repository, newest
from tests.hub.clients import api_of
from tests.kit.desks import hub_place
from tests.kit.joint_boards import our_board, send

pytestmark = pytest.mark.usefixtures("scored_here")


@pytest.fixture
def results(hub, org, tmp_path, local) -> str:
    """The hub id of results, with a folder beside them that no board needs."""
    our_board(local.truth).save(tmp_path / "results")
    (tmp_path / "results" / "predictions").mkdir()
    (tmp_path / "results" / "predictions" / "large.jsonl").write_text("{}")
    return put(hub, org, tmp_path / "results")


def put(hub, org: str, folder: Path) -> str:
    name, api = f"{org}/results", api_of(hub, f"hf_{org}-writer")
    api.create_repo(name, repo_type="dataset", exist_ok=True)
    api.upload_folder(repo_id=name, repo_type="dataset", folder_path=folder)
    return name


def test_results_on_the_hub_are_the_board_that_was_put_there_at_its_newest_commit_or_the_one_that_is_named(
    hub, org, results, local, tmp_path
):
    wanted, pinned = our_board(local.truth), newest(Repository(results, kind="dataset"))
    assert open_board(results) == open_board(str(pinned)) == wanted
    assert not (results_at(results) / "predictions").exists()
    fewer = Board(wanted.scores.of_rows(lambda entry: entry.method == "medfocus"))
    fewer.save(tmp_path / "results")
    put(hub, org, tmp_path / "results")
    assert open_board(results) == fewer and open_board(str(pinned)) == wanted


def test_results_and_a_store_of_the_hub_stand_on_one_board(org, results, local, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", f"hf_{org}-writer")
    place = hub_place(org)
    place.open()
    send(place, "Mine", 31)
    theirs = board_of(place.store.look())
    assert open_board(place.store.name) == theirs
    assert open_board(results, place.store.name) == joined(our_board(local.truth), theirs)
    assert {row.method for row in open_board(results, place.store.name).view("direct", lvlm="a")} >= {
        "Mine",
        "medfocus",
    }


def test_where_the_hub_has_no_such_results_that_is_said(hub, org):
    with pytest.raises(SourceMissing, match="no such dataset that you may see"):
        results_at(f"{org}/nowhere")
    with pytest.raises(MedgroundError, match="is no store of submissions"):
        open_board(f"{org}/nowhere")


def test_a_folder_that_is_not_there_is_results_that_are_not_there():
    assert results_at("/nowhere/at/all") == Path("/nowhere/at/all")
