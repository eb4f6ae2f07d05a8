"""The real clients in processes of their own, which know the hub by HF_ENDPOINT alone."""

from __future__ import annotations

import io
import json
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi

from tests.hub.clients import said_by, started, surroundings
from tests.hub.serving import served_by_a_process

CARD = b"""---
configs:
- config_name: direct
  default: true
  data_files:
  - {split: test, path: direct/test-*.parquet}
- config_name: phrase
  data_files:
  - {split: test, path: phrase/test-*.parquet}
---
"""
LOADS = """
import json, sys
import datasets


def loaded(name, config=None, token=None, streaming=False):
    try:
        rows = datasets.load_dataset(name, config, token=token, split="test", streaming=streaming)
        return [row["case"] for row in rows]
    except datasets.exceptions.DatasetNotFoundError as error:
        return str(error)


print(json.dumps([loaded(sys.argv[1], **asked) for asked in json.loads(sys.argv[2])]))
"""


def table(*cases: str) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"case": list(cases)}), file)
    return file.getvalue()


@pytest.fixture
def bench(hub, org):
    """A public dataset in two modes."""
    made = hub.state.create("dataset", f"{org}/bench")
    files = {"README.md": CARD, "direct/test-0.parquet": table("a", "b"), "phrase/test-0.parquet": table("c")}
    made.commit(files)
    return made


def loads(environment: dict[str, str], name: str, *asked: dict[str, object]) -> list[object]:
    """The rows of a dataset, or why there are none, for each way of asking."""
    return said_by(LOADS, environment, name, json.dumps(asked))


def test_load_dataset_reads_a_public_dataset_and_streams_it(hub, bench, tmp_path):
    asked = {}, {"config": "phrase"}, {"streaming": True}
    assert loads(surroundings(hub.address, tmp_path), bench.name, *asked) == [["a", "b"], ["c"], ["a", "b"]]


def test_load_dataset_reads_a_gated_dataset_for_those_who_were_let_in_alone(hub, org, bench, tmp_path):
    bench.gated = "manual"
    ann, bob = hub.state.person(f"{org}-ann"), hub.state.person(f"{org}-bob")
    for person in ("ann", "bob"):
        bench.ask(f"{org}-{person}")
    bench.decide("rejected", person=f"{org}-bob")
    asked = [{"token": token, "streaming": stream} for token in (None, ann, bob) for stream in (False, True)]
    anonymous, *others = loads(surroundings(hub.address, tmp_path / "nobody"), bench.name, *asked)
    assert (
        anonymous
        == f"Dataset '{bench.name}' is a gated dataset on the Hub. You must be authenticated to access it."
    )
    assert others[0] == anonymous and all("to ask for access" in said for said in others[1:])
    bench.decide("accepted", person=f"{org}-ann")
    rows = loads(surroundings(hub.address, tmp_path / "ann", ann), bench.name, {}, {"streaming": True})
    assert rows == [["a", "b"], ["a", "b"]]


METRIC = b'''
"""Counts."""
import datasets
import evaluate


class Counts(evaluate.Metric):
    def _info(self):
        features = datasets.Features({"predictions": datasets.Value("int64"), "references": datasets.Value("int64")})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

    def _compute(self, predictions, references):
        return {"same": sum(a == b for a, b in zip(predictions, references, strict=True))}
'''
EVALUATES = """
import json, sys
sys.modules["transformers"] = None  # evaluate does without, and loads in a fifth of the time
import evaluate
metric = evaluate.load(sys.argv[1], revision=sys.argv[2])
print(json.dumps(metric._compute([1, 2, 3], [1, 2, 4])))
"""


def test_evaluate_loads_the_module_of_a_space_at_a_revision(hub, org, tmp_path):
    pytest.importorskip("evaluate")
    space = hub.state.create("space", f"{org}/counts", sdk="gradio")
    first = space.commit({"counts.py": METRIC})
    space.commit({"counts.py": b"raise SystemExit('another revision')"})
    environment = surroundings(hub.address, tmp_path)
    assert said_by(EVALUATES, environment, space.name, first.oid) == {"same": 2}


def test_gradio_client_asks_the_hub_where_a_space_runs(hub, org, tmp_path):
    pytest.importorskip("gradio_client")
    hub.state.create("space", f"{org}/app", sdk="gradio").host = hub.address
    program = "import sys; from gradio_client import Client; Client(sys.argv[1], verbose=False)"
    with started(program, surroundings(hub.address, tmp_path), f"{org}/app") as process:
        process.communicate(timeout=60)
    space = f"GET /api/spaces/{org}/app"
    assert hub.requests[:3] == [space, f"{space}/runtime", "GET /config"]


UPLOADS = """
import json, sys
from huggingface_hub import HfApi
HfApi().upload_file(path_or_fileobj=bytes(100), path_in_repo="a.parquet", repo_id=sys.argv[1], repo_type="dataset")
print(json.dumps("uploaded"))
"""


def test_a_client_with_xet_switched_on_uploads_by_xet_alone_and_fails(hub, org, bench, tmp_path):
    pytest.importorskip("hf_xet")
    environment = surroundings(hub.address, tmp_path, f"hf_{org}-writer")
    with started(UPLOADS, environment | {"HF_HUB_DISABLE_XET": "0"}, bench.name) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "xet-write-token" in err
    assert not [asked for asked in hub.requests if "info/lfs" in asked or "/commit/" in asked]
    assert said_by(UPLOADS, environment, bench.name) == "uploaded"


def test_a_client_knows_nothing_of_whoever_runs_the_tests(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_person_who_runs_the_tests")
    monkeypatch.setenv("HF_HUB_CACHE", "/theirs")
    program = (
        "import json, huggingface_hub as h; print(json.dumps([h.get_token(), h.constants.HF_HUB_CACHE]))"
    )
    assert said_by(program, surroundings(hub.address, tmp_path)) == [None, str(tmp_path / "hub")]


def test_clients_in_threads_do_not_disturb_each_other(hub, org, bench, tmp_path):
    found: dict[str, str] = {}

    def run(role: str) -> None:
        found[role] = HfApi(endpoint=hub.address, token=f"hf_{org}-{role}").whoami()["name"]

    threads = [threading.Thread(target=run, args=(role,)) for role in ("admin", "writer", "reader")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {role: f"{org}-{role}" for role in ("admin", "writer", "reader")}


def test_the_hub_runs_in_a_process_of_its_own(tmp_path):
    with served_by_a_process("clinic") as address:
        environment = surroundings(address, tmp_path, "hf_clinic-writer")
        api = HfApi(endpoint=address, token=environment["HF_TOKEN"])
        api.create_repo("clinic/bench", repo_type="dataset")
        assert said_by(UPLOADS, environment, "clinic/bench") == "uploaded"
        assert "a.parquet" in api.list_repo_files("clinic/bench", repo_type="dataset")
