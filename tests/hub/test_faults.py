"""Faults on demand, as the real client meets them; and clients that are killed at any request."""

from __future__ import annotations

import os
import signal
import time

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from tests.hub.clients import api_of, started, surroundings
from tests.hub.faults import Answer, Cut, Silence, Slow

LARGE = bytes(range(256)) * 400
COMMIT, LFS_PUT = "POST .*/commit/main", "PUT /_lfs/"


@pytest.fixture
def bench(hub, org) -> str:
    """A public dataset with a large file."""
    made = hub.state.create("dataset", f"{org}/bench")
    made.commit({"test.parquet": LARGE})
    return made.name


@pytest.fixture
def publish(hub, org, bench):
    """Commit a small and a large file, as a member who may write."""

    def commit(**more: str):
        operations = [CommitOperationAdd("a.json", b"{}"), CommitOperationAdd("b.parquet", LARGE[::-1])]
        api = api_of(hub, f"hf_{org}-writer")
        return api.create_commit(bench, operations, commit_message="b", repo_type="dataset", **more)

    return commit


@pytest.fixture
def head(hub, bench):
    """The newest commit, as the hub has it."""
    return lambda: hub.state.repositories["dataset", bench].at("main")


def test_too_many_requests_are_waited_for_as_long_as_the_hub_says(hub, publish, head):
    hub.spoil(LFS_PUT, Answer(429, {"Retry-After": "1"}), times=1)
    start = time.monotonic()
    publish()
    assert time.monotonic() - start >= 1
    assert [request.status for request in hub.wire.requests if request.method == "PUT"] == [429, 200]
    assert "b.parquet" in head().files


@pytest.mark.parametrize("status", [429, 500])
def test_a_commit_is_not_tried_again_by_the_client_itself(hub, publish, head, status):
    before = head().oid
    hub.spoil(COMMIT, Answer(status, {"Retry-After": "1"}))
    with pytest.raises(HfHubHTTPError) as said:
        publish()
    assert said.value.response.status_code == status and head().oid == before
    publish()
    assert "b.parquet" in head().files


def test_a_download_that_is_cut_in_the_middle_goes_on_where_it_stopped(hub, bench, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1024
    )  # what is kept of a cut download
    hub.spoil("GET /_cdn/", Cut())
    path = api_of(hub).hf_hub_download(bench, "test.parquet", repo_type="dataset", local_dir=tmp_path)
    assert (tmp_path / "test.parquet").read_bytes() == LARGE and path
    ranges = [asked.headers.get("range") for asked in hub.wire.requests if asked.path.startswith("/_cdn/")]
    assert ranges == [None, f"bytes={len(LARGE) // 2}-"]


def test_a_slow_answer_arrives_whole(hub, bench, tmp_path):
    hub.spoil("GET /_cdn/", Slow(0.05, pieces=4))
    start = time.monotonic()
    api_of(hub).hf_hub_download(bench, "test.parquet", repo_type="dataset", local_dir=tmp_path)
    assert time.monotonic() - start >= 0.2 and (tmp_path / "test.parquet").read_bytes() == LARGE


def test_a_commit_whose_answer_is_lost_happened_and_one_that_never_arrived_did_not(hub, publish, head):
    before = head().oid
    for done in (False, True):
        hub.spoil(COMMIT, Silence(done=done))
        with pytest.raises(Exception, match="disconnected without sending a response"):
            publish(parent_commit=before)
        assert (head().oid != before) is done
    assert head().parent == before


def test_a_hub_that_is_at_fault_gives_no_files(hub, bench):
    hub.spoil(f"GET /api/datasets/{bench}", Answer(500), times=99)
    with pytest.raises(LocalEntryNotFoundError, match="500"):
        api_of(hub).snapshot_download(bench, repo_type="dataset")


def test_a_rule_lets_the_first_pass_and_strikes_so_many_times(hub, bench):
    hub.spoil("GET /api/datasets/", Answer(418), skip=1, times=2)
    api, said = api_of(hub), []
    for _ in range(4):
        try:
            said.append(api.dataset_info(bench).sha is not None)
        except HfHubHTTPError as error:
            said.append(error.response.status_code)
    assert said == [True, 418, 418, True]


PUBLISHER = """
import sys
from huggingface_hub import CommitOperationAdd, HfApi
operations = [CommitOperationAdd("a.json", b"{}"), CommitOperationAdd("b.parquet", bytes(100_000))]
HfApi().create_commit(sys.argv[1], operations, commit_message="b", repo_type="dataset")
"""
REQUESTS = ["preupload", "info/lfs", "PUT", "verify", "commit"]


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(len(REQUESTS)), ids=REQUESTS)
def test_a_client_killed_at_any_request_leaves_the_old_or_the_new_commit_whole(
    hub, org, bench, number, done, tmp_path
):
    repository = hub.state.repositories["dataset", bench]
    before, clients = repository.at("main").oid, []
    hub.spoil(".", Silence(done=done, then=lambda: os.kill(clients[0].pid, signal.SIGKILL)), skip=number)
    with started(PUBLISHER, surroundings(hub.address, tmp_path, f"hf_{org}-writer"), bench) as process:
        clients.append(process)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert REQUESTS[number] in hub.requests[number] and len(hub.requests) == number + 1
    published = done and REQUESTS[number] == "commit"
    assert (repository.at("main").oid != before) is published
    assert set(repository.at("main").files) == {".gitattributes", "test.parquet"} | (
        {"a.json", "b.parquet"} if published else set()
    )
