"""Fetching from the hub: commits only, from the cache where it is whole, and a sentence for everything that fails."""

from __future__ import annotations

import json

import pytest

from medground_bench.core.errors import SourceMissing
from medground_bench.storage.hub import Repository, UnknownCommit, cached, fetched, newest
from tests.kit.loopback_hub import NEWEST, OLDER, LoopbackHub, served

FILES = {"config.json": b"{}", "model.safetensors": b"weights", "README.md": b"# a model"}
MODEL = Repository("clinic/tiny", NEWEST)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    return tmp_path / "cache"


@pytest.fixture
def hub(monkeypatch, cache):
    """A running hub with a model at two commits and a dataset, and an empty cache."""
    hub = LoopbackHub(
        {
            "models/clinic/tiny": {NEWEST: FILES, OLDER: {**FILES, "config.json": b'{"older": 1}'}},
            "datasets/clinic/bench": {NEWEST: {"README.md": b"# rows"}},
        }
    )
    with served(hub) as address:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        files = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", files)
        yield hub


@pytest.fixture
def no_hub(monkeypatch, cache):
    """Nobody listens where the hub should be."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")


@pytest.mark.parametrize("commit", [NEWEST, OLDER])
def test_the_files_are_those_of_the_commit(hub, commit):
    folder = fetched(Repository("clinic/tiny", commit))
    assert folder.name == commit
    said = json.loads((folder / "config.json").read_text())
    assert said == ({} if commit == NEWEST else {"older": 1})


def test_only_wanted_files_are_fetched(hub):
    folder = fetched(MODEL, ["*.json", "*.safetensors"])
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_a_model_that_is_whole_in_the_cache_is_taken_without_asking_the_hub(hub):
    assert cached(MODEL) is None
    first = fetched(MODEL)
    asked = len(hub.requests)
    assert fetched(MODEL) == first == cached(MODEL)
    assert len(hub.requests) == asked


def test_a_sharded_model_is_whole_when_every_shard_is_there(hub):
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    files = {
        "config.json": b"{}",
        "model.safetensors.index.json": json.dumps(index).encode(),
        "model-1.safetensors": b"1",
    }
    hub.repositories["models/clinic/large"] = {NEWEST: files}
    large = Repository("clinic/large", NEWEST)
    fetched(large)
    assert cached(large) is None
    files["model-2.safetensors"] = b"2"
    hub.repositories["models/clinic/larger"] = {NEWEST: files}
    larger = Repository("clinic/larger", NEWEST)
    assert fetched(larger) == cached(larger)


def test_the_newest_commit_is_what_the_hub_says_it_is(hub):
    assert newest(Repository("clinic/tiny")) == MODEL
    assert newest(Repository("clinic/tiny", OLDER)) == MODEL


def test_a_dataset_is_fetched_like_a_model(hub):
    bench = newest(Repository("clinic/bench", kind="dataset"))
    assert (fetched(bench) / "README.md").read_text() == "# rows"


def test_a_commit_that_the_hub_does_not_know_is_one_sentence_that_offers_the_newest(hub):
    gone = "c" * 40
    with pytest.raises(UnknownCommit) as said:
        fetched(Repository("clinic/tiny", gone))
    message = str(said.value)
    assert gone in message and "--newest" in message and message.count(". ") == 0


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ((403, "GatedRepo"), r"is gated\. Accept its terms at https://huggingface\.co/clinic/tiny"),
        ((404, "RepoNotFound"), r"no such model that you may see\. Check the name, or log in"),
        ((503, ""), r"not in the local cache, and the hub answers 503\. Try later"),
        ((418, ""), r"the hub answers 418"),
    ],
)
def test_what_the_hub_refuses_is_said_with_what_to_do(hub, refusal, words):
    hub.refusals["models/clinic/tiny"] = refusal
    for ask in (fetched, newest):
        with pytest.raises(SourceMissing, match=words) as said:
            ask(MODEL)
        assert "\n" not in str(said.value)
    assert len(hub.requests) == 2, "asked once each, not again and again"


def test_without_a_hub_what_is_kept_serves_and_what_is_not_is_said(no_hub, cache):
    with pytest.raises(SourceMissing, match=r"not in the local cache, and the hub cannot be reached"):
        fetched(MODEL)
    with pytest.raises(SourceMissing, match=r"not in the local cache, and the hub cannot be reached"):
        newest(Repository("clinic/tiny"))
    repository = cache / "datasets--clinic--bench"
    (repository / "snapshots" / NEWEST).mkdir(parents=True)
    (repository / "snapshots" / NEWEST / "README.md").write_text("# rows")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(NEWEST)
    bench = newest(Repository("clinic/bench", kind="dataset"))
    assert (bench.commit, fetched(bench).name) == (NEWEST, NEWEST)


@pytest.mark.parametrize(
    "location", ["org/name@main", "org/name@v1.0", "org/name@", f"org/name@{NEWEST[:-1]}"]
)
def test_a_branch_or_a_tag_is_refused(location):
    with pytest.raises(SourceMissing, match="a branch or a tag would name other files tomorrow"):
        Repository.parse(location)


@pytest.mark.parametrize("location", ["", "name", "a/b/c", "./a/b", "/a/b", "../b", "~/a", "a/b@c@d"])
def test_another_text_means_no_repository(location):
    assert Repository.parse(location) is None


def test_a_hub_id_is_read_as_it_is_written():
    assert Repository.parse(f"clinic/tiny@{NEWEST}") == MODEL and str(MODEL) == f"clinic/tiny@{NEWEST}"
    assert Repository.parse("clinic/tiny") == Repository("clinic/tiny")
