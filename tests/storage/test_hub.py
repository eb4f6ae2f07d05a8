"""Fetching from the hub: commits only, from the cache where it is whole, and a sentence for everything that fails."""

from __future__ import annotations

import json
import re

import pytest

from medground_bench.core.errors import SourceMissing
from medground_bench.storage.hub import Repository, cached, fetched, newest
from medground_bench.storage.hub_refusals import UnknownCommit
from tests.hub.faults import Answer

FILES = {"config.json": b"{}", "model.safetensors": b"weights", "README.md": b"# a model"}
SOME_COMMIT = "c" * 40
MODEL = Repository("clinic/tiny", SOME_COMMIT)


@pytest.fixture
def cache(tmp_path):
    """The cache of the hub's client, which is empty."""
    return tmp_path / "huggingface/cache"


@pytest.fixture
def tiny(hub, org):
    """A model on the hub that has two commits."""
    made = hub.state.create("model", f"{org}/tiny")
    made.commit({**FILES, "config.json": b'{"older": 1}'})
    made.commit(FILES)
    return made


@pytest.fixture
def model(tiny):
    """The same at its newest commit."""
    return Repository(tiny.name, tiny.at("main").oid)


@pytest.fixture
def bench(hub, org):
    """A dataset on the hub."""
    made = hub.state.create("dataset", f"{org}/bench")
    made.commit({"README.md": b"# rows"})
    return made


@pytest.fixture
def no_hub(monkeypatch, hub):
    """Nobody listens where the hub should be."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")


@pytest.mark.parametrize(("back", "config"), [(0, {}), (1, {"older": 1})], ids=["newest", "older"])
def test_the_files_are_those_of_the_commit(tiny, back, config):
    commit = list(tiny.history("main"))[back].oid
    folder = fetched(Repository(tiny.name, commit))
    assert folder.name == commit
    assert json.loads((folder / "config.json").read_text()) == config


def test_only_wanted_files_are_fetched(model):
    folder = fetched(model, ["*.json", "*.safetensors"])
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_a_model_that_is_whole_in_the_cache_is_taken_without_asking_the_hub(hub, model):
    assert cached(model) is None
    first = fetched(model)
    asked = len(hub.requests)
    assert fetched(model) == first == cached(model)
    assert len(hub.requests) == asked


def test_a_sharded_model_is_whole_when_every_shard_is_there(hub, org):
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    files = {
        "config.json": b"{}",
        "model.safetensors.index.json": json.dumps(index).encode(),
        "model-1.safetensors": b"1",
    }
    made = hub.state.create("model", f"{org}/large")
    lacking = Repository(made.name, made.commit(files).oid)
    fetched(lacking)
    assert cached(lacking) is None
    whole = Repository(made.name, made.commit({"model-2.safetensors": b"2"}).oid)
    assert fetched(whole) == cached(whole)


def test_the_newest_commit_is_what_the_hub_says_it_is(tiny, model):
    assert newest(Repository(tiny.name)) == model
    older = tiny.at("main").parent
    assert newest(Repository(tiny.name, older)) == model


def test_a_dataset_is_fetched_like_a_model(bench):
    there = newest(Repository(bench.name, kind="dataset"))
    assert (fetched(there) / "README.md").read_text() == "# rows"


def test_a_commit_that_the_hub_does_not_know_is_one_sentence_that_offers_the_newest(tiny):
    with pytest.raises(UnknownCommit) as said:
        fetched(Repository(tiny.name, SOME_COMMIT))
    message = str(said.value)
    assert SOME_COMMIT in message and "--newest" in message and message.count(". ") == 0


def test_of_a_gated_model_the_newest_commit_is_known_but_its_files_are_refused_with_what_to_do(tiny, model):
    tiny.gated = "manual"
    assert newest(Repository(tiny.name)) == model
    page = re.escape(f"https://huggingface.co/{tiny.name}")
    with pytest.raises(SourceMissing, match=rf"is gated, .* Accept its terms at {page}") as said:
        fetched(model)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("private", [True, False], ids=["private", "missing"])
def test_a_model_that_is_not_there_for_the_caller_is_one_sentence(hub, tiny, model, private):
    tiny.private = private
    unseen = model if private else Repository(f"{tiny.name}-none", SOME_COMMIT)
    for ask in (fetched, newest):
        with pytest.raises(
            SourceMissing, match=r"no such model that you may see\. Check the name, or log in"
        ) as said:
            ask(unseen)
        assert "\n" not in str(said.value)
    assert len(hub.requests) == 2, "asked once each, not again and again"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (503, r"not in the local cache, and the hub answers 503\. Try later"),
        (418, r"the hub answers 418"),
    ],
)
def test_what_the_hub_refuses_is_said_with_what_to_do(hub, model, status, words):
    hub.spoil(model.name, Answer(status), times=9)
    for ask in (fetched, newest):
        with pytest.raises(SourceMissing, match=words) as said:
            ask(model)
        assert "\n" not in str(said.value)
    assert len(hub.requests) == 2, "asked once each, not again and again"


def test_without_a_hub_what_is_kept_serves_and_what_is_not_is_said(no_hub, cache):
    with pytest.raises(SourceMissing, match=r"not in the local cache, and the hub cannot be reached"):
        fetched(MODEL)
    with pytest.raises(SourceMissing, match=r"not in the local cache, and the hub cannot be reached"):
        newest(Repository("clinic/tiny"))
    repository = cache / "datasets--clinic--bench"
    (repository / "snapshots" / SOME_COMMIT).mkdir(parents=True)
    (repository / "snapshots" / SOME_COMMIT / "README.md").write_text("# rows")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(SOME_COMMIT)
    bench = newest(Repository("clinic/bench", kind="dataset"))
    assert (bench.commit, fetched(bench).name) == (SOME_COMMIT, SOME_COMMIT)


@pytest.mark.parametrize(
    "location", ["org/name@main", "org/name@v1.0", "org/name@", f"org/name@{SOME_COMMIT[:-1]}"]
)
def test_a_branch_or_a_tag_is_refused(location):
    with pytest.raises(SourceMissing, match="a branch or a tag would name other files tomorrow"):
        Repository.parse(location)


@pytest.mark.parametrize("location", ["", "name", "a/b/c", "./a/b", "/a/b", "../b", "~/a", "a/b@c@d"])
def test_another_text_means_no_repository(location):
    assert Repository.parse(location) is None


def test_a_hub_id_is_read_as_it_is_written():
    assert (
        Repository.parse(f"clinic/tiny@{SOME_COMMIT}") == MODEL and str(MODEL) == f"clinic/tiny@{SOME_COMMIT}"
    )
    assert Repository.parse("clinic/tiny") == Repository("clinic/tiny")
