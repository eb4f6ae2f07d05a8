"""Where a Space finds its results: a folder, or a dataset of the hub at the commit that is named or at its newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from medground_bench.core.errors import SourceMissing
from medground_bench.leaderboard.board import Board
from medground_bench.storage.hub import Repository, newest
from tests.hub.clients import api_of
from tests.hub.faults import Answer
from tests.kit.made_boards import made_board

results_folder = pytest.importorskip("results_folder")


@pytest.fixture
def found(monkeypatch):
    """The folder that a location leads to, with nothing remembered of an earlier minute."""

    def found(location) -> Path:
        monkeypatch.setenv(results_folder.RESULTS_VARIABLE, str(location))
        monkeypatch.setattr(results_folder, "_LAST", results_folder._Look())
        return results_folder.results_folder()

    return found


def test_results_of_the_hub_follow_their_newest_commit_unless_one_is_named(hub, org, found, tmp_path):
    name, api = f"{org}/results", api_of(hub, f"hf_{org}-writer")
    api.create_repo(name, repo_type="dataset")
    commits = []
    for board in (made_board(4), made_board()):
        board.save(tmp_path)
        api.upload_folder(repo_id=name, repo_type="dataset", folder_path=tmp_path)
        assert Board.read(found(name)) == board
        commits.append(str(newest(Repository(name, kind="dataset"))))
    assert Board.read(found(commits[0])) == made_board(4)
    hub.wire.requests.clear()
    assert Board.read(results_folder.results_folder()) == made_board(4) and not hub.wire.requests


def test_results_stay_while_the_hub_gives_no_newer_ones_and_the_log_says_so(
    hub, org, found, tmp_path, monkeypatch, caplog
):
    name, api = f"{org}/kept", api_of(hub, f"hf_{org}-writer")
    api.create_repo(name, repo_type="dataset")
    made_board(4).save(tmp_path)
    api.upload_folder(repo_id=name, repo_type="dataset", folder_path=tmp_path)
    had = found(name)
    for status in (401, 500):
        hub.spoil("", Answer(status), times=99)
        monkeypatch.setattr(results_folder._LAST, "until", 0.0)
        assert results_folder.results_folder() == had
        hub.wire.rules.clear()
    assert f"results stay those of {had.name}" in caplog.text
    made_board().save(tmp_path)
    api.upload_folder(repo_id=name, repo_type="dataset", folder_path=tmp_path)
    monkeypatch.setattr(results_folder._LAST, "until", 0.0)
    assert Board.read(results_folder.results_folder()) == made_board()


def test_a_folder_is_where_it_is_said_to_be_and_results_that_the_hub_has_not_are_said_to_be_missing(
    hub, org, found, tmp_path
):
    assert found(tmp_path) == tmp_path
    with pytest.raises(SourceMissing, match="no such dataset"):
        found(f"{org}/nowhere")


def test_the_hub_is_asked_for_missing_results_once_a_moment_however_many_ask(hub, org, found, monkeypatch):
    with pytest.raises(SourceMissing):
        found(f"{org}/nowhere")
    hub.wire.requests.clear()
    with pytest.raises(SourceMissing, match="no such dataset"):
        results_folder.results_folder()
    assert not hub.wire.requests
    monkeypatch.setattr(results_folder._LAST, "until", 0.0)
    with pytest.raises(SourceMissing):
        results_folder.results_folder()
    assert hub.wire.requests
