"""A split built through a server, and methods run on it, against the same LVLM in this process."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from builder.build import bench_at, build_track, open_source, write_questions
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.benchmark.rows import ANSWERS, CASES, VERDICTS
from medground_bench.core.errors import Unsupported
from medground_bench.core.types import Mode, Track
from medground_bench.lvlms import open_lvlm
from medground_bench.methods import explain, open_method
from medground_bench.pictures import stored_png
from medground_bench.runs.predict import Run, predict
from tests.kit.builds import build
from tests.kit.chat_server import ChatServer, serving
from tests.kit.sglang_server import SglangServer

KEY = "phantom_gemma3"
OWN = ("lvlm", "lvlm_revision", "case_id")
NATS = 1e-4


@pytest.fixture(scope="module")
def local():
    """The embedded LVLM in this process."""
    return open_lvlm(KEY, device="cpu")


@pytest.fixture(scope="module", params=[ChatServer, SglangServer], ids=["vLLM", "SGLang"])
def server(request, local):
    """The same behind a server."""
    return request.param(local, KEY)


@pytest.fixture(scope="module")
def location(server):
    """Where it is."""
    with serving(server) as location:
        yield location


@pytest.fixture(scope="module")
def folders(local, location, tmp_path_factory):
    """A build by each: (in this process, through the server)."""
    root = tmp_path_factory.mktemp("served")
    made = []
    for name, lvlm in (("here", local), ("there", open_lvlm(location))):
        made.append(build(root / name / "medground-bench", lvlm=lvlm, modes=(Mode.REASON,), limit=1))
    return made


@pytest.mark.parametrize("table", [ANSWERS, VERDICTS, CASES[Mode.REASON]], ids=lambda table: table.name)
def test_every_row_of_a_split_is_the_same_but_for_the_key_and_the_revision(folders, table):
    here, there = (
        sorted(
            json.dumps({name: value for name, value in asdict(row).items() if name not in OWN}, default=repr)
            for row in folder.read(table, "test")
        )
        for folder in folders
    )
    assert there == here and here
    rows = folders[1].read(table, "test")
    assert {row.lvlm for row in rows} == {f"served/{KEY}"}


@pytest.mark.parametrize("method", ["medfocus", "occlusion", "rise"])
def test_deltas_and_maps_of_the_cases_are_the_same(folders, local, location, method):
    served = open_lvlm(location)
    cases = []
    for folder, lvlm in zip(folders, (local, served), strict=True):
        cases.append(list(open_benchmark(folder.path).cases(lvlm=lvlm.key, mode=Mode.REASON))[:1])
    for here, there in zip(*cases, strict=True):
        assert there.response == here.response
        one = explain(open_method(method, local), local, here, np.random.default_rng(0))
        other = explain(open_method(method, served), served, there, np.random.default_rng(0))
        drops = dict(one.attribution.concept_drops)
        assert dict(other.attribution.concept_drops) == pytest.approx(drops, abs=NATS)
        if one.attribution.saliency is not None:
            gap = np.abs(other.attribution.saliency.values - one.attribution.saliency.values)
            assert gap.max() < NATS
        else:
            assert drops and other.boxes == one.boxes


def test_the_command_line_predicts_and_attributes_through_a_server(
    medground, folders, server, location, tmp_path
):
    track = ["--benchmark", folders[1].path, "--lvlm", location, "--mode", "reason"]
    code, out, err = medground(
        "predict", *track, "--method", "medfocus", "--out", tmp_path / "medfocus.jsonl"
    )
    assert code == 0, err
    lines = [json.loads(line) for line in (tmp_path / "medfocus.jsonl").read_text().splitlines()]
    assert (
        lines
        and out.startswith(f"{len(lines)} cases")
        and all(f"@served/{KEY}:reason" in line["case_id"] for line in lines)
    )
    record = json.loads((tmp_path / "medfocus.jsonl.run.json").read_text())
    assert (record["lvlm"], record["lvlm_revision"]) == (f"served/{KEY}", open_lvlm(location).revision)
    assert "127.0.0.1" not in json.dumps(record) + json.dumps(lines)

    case = next(open_benchmark(folders[1].path).cases(lvlm=f"served/{KEY}", mode=Mode.REASON))
    (tmp_path / "film.png").write_bytes(stored_png.encode(case.picture))
    asked = len(server.requests)
    told = ["--finding", case.finding, "--method", "medfocus", "--out", tmp_path / "out", "--json"]
    code, out, err = medground("attribute", tmp_path / "film.png", "--lvlm", location, *told)
    assert code == 0, err
    assert json.loads(out)["lvlm"] == f"served/{KEY}" and len(server.requests) > asked + 4

    code, _out, err = medground(
        "attribute", tmp_path / "film.png", "--lvlm", location, "--finding", "mass", "--method", "lrp"
    )
    assert code == 1 and "which served/phantom_gemma3 does not give" in err


class Credentialed:
    """The phantom as if its pictures might not be shown."""

    def __init__(self):
        phantom = open_source("phantom")
        self.name, self.editor, self.may_show, self.levels = (
            "vindr_cxr",
            phantom.editor,
            False,
            phantom.levels,
        )
        self.splits, self.questions, self.picture = phantom.splits, phantom.questions, phantom.picture


def test_the_builder_sends_no_credentialed_picture_to_a_machine_that_is_not_named_for_its_source(
    server, location, tmp_path, monkeypatch
):
    import socket

    really = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, *rest, **more: really("127.0.0.1", *rest, **more)
    )
    place = location.partition("//")[2].partition("/")[0].replace("127.0.0.1", "gpu1")
    monkeypatch.setenv("MEDGROUND_SERVERS", place)
    lvlm = open_lvlm(location.replace("127.0.0.1", "gpu1"))
    folder, source = DatasetFolder(tmp_path / "medground-bench"), Credentialed()
    asked = len(server.requests)
    with bench_at(tmp_path / "store", source) as bench:
        write_questions(folder, source, 1, [Track(lvlm.key, Mode.DIRECT)])
        with pytest.raises(Unsupported, match=f"MEDGROUND_SERVERS=vindr_cxr@{place}"):
            build_track(folder, lvlm, Mode.DIRECT, bench)
    assert len(server.requests) == asked


def test_no_method_sends_one_either(server, location, folders, tmp_path, monkeypatch):
    served = open_lvlm(location)
    benchmark = open_benchmark(folders[1].path)
    monkeypatch.setattr("medground_bench.runs.predict.PHANTOM", "another source")
    monkeypatch.setattr(type(served.address), "is_this_machine", False)
    asked = len(server.requests)
    with pytest.raises(Unsupported, match="MEDGROUND_SERVERS=phantom@"):
        predict(benchmark, served, Run("medfocus", Mode.REASON), tmp_path / "p.jsonl")
    assert len(server.requests) == asked
