"""A folder that is staged beside what the hub holds already: planned again, and each file fetched once."""

from __future__ import annotations

import io
from collections import Counter
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.publish.folder_files import files_of, names_of
from builder.publish.levels import Level
from builder.publish.staging import Choices, Staging
from builder.publish.steps import planned, published
from medground_bench.storage.hub_calls import HubCalls
from tests.kit.publishable import raw_folder
from tests.kit.publishing import KEY, LVLM

SAME_ROWS = f"verdicts/test-{LVLM}.parquet"


@pytest.fixture
def calls(hub, org, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", f"hf_{org}-writer")
    return HubCalls(wait=lambda _seconds: None)


@pytest.fixture
def name(org):
    return f"{org}/medground-bench"


@pytest.fixture
def repository(hub, calls, name, tmp_path):
    """Of an LVLM, with a file of the same rows in other bytes, as another version of pyarrow writes them."""
    prepare = staged(tmp_path / "first", name, calls, lvlms=(LVLM,))
    published(planned(calls, "dataset", name, prepare), calls, prepare)
    made = hub.state.repositories["dataset", name]
    rows, buffer = pq.read_table(pa.BufferReader(made.at("main").files[SAME_ROWS].content)), io.BytesIO()
    pq.write_table(rows, buffer, compression="gzip", write_statistics=False)
    made.commit({SAME_ROWS: buffer.getvalue()})
    return made


def staged(place, name, calls, **of):
    """What makes the shipment of a folder, whose rows are staged and inspected."""
    folder = raw_folder(place / "medground-bench", **of)
    staging = Staging(folder, Choices(name, Level.KEYS, KEY), calls)
    return partial(staging.shipment, staging.inspected())


def test_a_file_that_stays_in_the_hubs_bytes_stays_so_when_another_commit_comes_first(
    calls, name, repository, tmp_path
):
    theirs = repository.at("main").files[SAME_ROWS].content
    prepare = staged(tmp_path / "more", name, calls, lvlms=(LVLM, "gemma3_4b"))
    plan = planned(calls, "dataset", name, prepare)
    repository.commit({"README.md": repository.at("main").files["README.md"].content + b"\n"})
    done = published(plan, calls, prepare)
    files = repository.at(done.commit).files
    assert files[SAME_ROWS].content == theirs and "verdicts/test-gemma3_4b.parquet" in files


def test_a_plan_fetches_the_card_and_each_file_that_differs_once(hub, calls, name, repository, tmp_path):
    hub.wire.requests.clear()
    planned(calls, "dataset", name, staged(tmp_path / "own", name, calls, lvlms=(LVLM,), findings=("edema",)))
    asked = [each.partition("/resolve/")[2] for each in hub.requests if each.startswith("HEAD ")]
    fetched = Counter(each.partition("/")[2] for each in asked)
    differ = {f"{table}/test-{LVLM}.parquet" for table in ("answers", "direct", "verdicts")}
    assert fetched == Counter({"README.md", "questions/test-imagenome.parquet", *differ})
    bytes_of = Counter(each for each in hub.requests if each.startswith("GET ") and "/_cdn/" in each)
    assert len(bytes_of) == len(differ) + 1 and set(bytes_of.values()) == {1}


def test_some_files_of_a_folder_are_read_and_all_are_named(tmp_path):
    for each in ("a/z.txt", "a.txt", "b.txt"):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).write_text(each)
    assert names_of(tmp_path) == ["a/z.txt", "a.txt", "b.txt"]
    some = [(file.name, file.content) for file in files_of(tmp_path, {"b.txt", "a/z.txt", "gone"})]
    assert some == [("a/z.txt", b"a/z.txt"), ("b.txt", b"b.txt")]
