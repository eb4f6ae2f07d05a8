"""`predict` by Ray's workers: the same boxes as in one process, also when workers die at work."""

from __future__ import annotations

import contextlib
import json

import pytest

from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Mode
from medground_bench.runs import predict as predict_module
from medground_bench.runs.predict import Run, predict, predict_by
from tests.kit.broken_lvlms import open_broken
from tests.kit.builds import build
from tests.kit.deadly_methods import Deadly, Faulty
from tests.kit.fakes import RuleLvlm
from tests.kit.fragile_method import RANDOM, Fragile

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


@pytest.fixture
def workers():
    """Two workers with the rule LVLM."""
    from medground_bench.runs.ray_cases import RayCases
    from medground_bench.runs.ray_cluster import Cluster

    with contextlib.closing(RayCases("rule", Cluster(2, 0), opening=open_broken)) as engine:
        yield engine


@pytest.fixture
def method(monkeypatch):
    """Let every run be of this method."""
    return lambda made: monkeypatch.setattr(predict_module, "open_method", lambda name, lvlm: made)


def told(file):
    """What a prediction file and its run file say, but for the seconds."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    record = json.loads(file.with_name(f"{file.name}.run.json").read_text())
    return [{**line, "seconds": None} for line in lines], {**record, "sha256": None}


def cases_of(benchmark):
    return [each.case_id for each in benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT)]


@pytest.mark.parametrize("run", [RANDOM, Run("anatomy_prior", Mode.REASON)], ids=lambda run: run.method)
def test_workers_write_what_one_process_writes_and_each_keeps_the_others_file(
    workers, benchmark, tmp_path, run
):
    here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
    predict(benchmark, RuleLvlm(), run, here)
    written = predict_by(workers, benchmark, run, there)
    assert told(there) == told(here)
    assert written.cases > 4
    kept = there.read_bytes()
    predict(benchmark, RuleLvlm(), run, there)
    assert there.read_bytes() == kept


def test_what_a_case_does_to_a_method_is_a_failure_of_that_case_there_too(
    workers, benchmark, tmp_path, method
):
    broken = cases_of(benchmark)[1]
    method(Fragile(broken))
    outcome = predict_by(workers, benchmark, RANDOM, tmp_path / "p.jsonl")
    assert [(each.case_id, each.error) for each in outcome.failures] == [
        (broken, "MethodFailed: out of luck")
    ]


def test_a_fault_of_the_method_ends_the_run_by_its_own_name(workers, benchmark, tmp_path, method):
    method(Faulty())
    with pytest.raises(ZeroDivisionError, match="at "):
        predict_by(workers, benchmark, RANDOM, tmp_path / "p.jsonl")
    assert not (tmp_path / "p.jsonl").exists()


def test_a_worker_killed_at_work_costs_nothing(workers, benchmark, tmp_path, method):
    once = Deadly(cases_of(benchmark)[2], str(tmp_path / "killed"))
    method(once)
    written = predict_by(workers, benchmark, RANDOM, tmp_path / "p.jsonl")
    assert (tmp_path / "killed").exists()
    assert (written.cases, written.failures) == (len(cases_of(benchmark)), ())


def test_a_case_that_kills_each_worker_is_named_and_the_rest_is_kept(workers, benchmark, tmp_path, method):
    from medground_bench.runs.ray_cluster import RayTrouble

    deadly, file = cases_of(benchmark)[-1], tmp_path / "p.jsonl"
    method(Deadly(deadly))
    with pytest.raises(RayTrouble, match=rf"case {deadly}: it killed its worker 3 times"):
        predict_by(workers, benchmark, RANDOM, file)
    kept = file.with_name("p.jsonl.partial").read_text().count("\n")
    assert kept == len(cases_of(benchmark)) - 1
    method(Deadly("no case"))
    assert predict(benchmark, RuleLvlm(), RANDOM, file).cases == kept + 1


def test_an_lvlm_that_no_worker_can_open_is_said_as_the_worker_says_it():
    from medground_bench.runs.ray_cases import RayCases
    from medground_bench.runs.ray_cluster import Cluster

    with pytest.raises(SourceMissing, match=r"nowhere is no folder here\."):
        RayCases("nowhere", Cluster(1, 0), opening=open_broken)


def test_the_command_line_predicts_with_ray_as_without(medground, tmp_path):
    from medground_bench.lvlms import open_lvlm

    folder = build(tmp_path / "m", lvlm=open_lvlm("phantom_gemma3"), limit=2)
    track = ("--benchmark", folder.path, "--lvlm", "phantom_gemma3", "--mode", "direct")
    methods = ("--method", "attention_head", "--method", "anatomy_prior")
    ray = ("--engine", "ray", "--workers", 2, "--gpus", 0)
    for out, engine in (("here", ()), ("there", ray)):
        code, said, err = medground("predict", *track, *methods, *engine, "--out", tmp_path / out)
        assert (code, said.count("written to")) == (0, 2), err
    files = sorted(file.name for file in (tmp_path / "here").glob("*.jsonl"))
    assert len(files) == 2
    for name in files:
        assert told(tmp_path / "there" / name) == told(tmp_path / "here" / name)


def test_options_of_ray_are_refused_without_it(medground, tmp_path, built):
    track = ("--benchmark", built.path, "--lvlm", "rule_lvlm", "--mode", "direct", "--method", "random_box")
    code, _, err = medground("predict", *track, "--workers", 2, "--out", tmp_path / "p.jsonl")
    assert code == 2
    assert "are for --engine ray" in err
