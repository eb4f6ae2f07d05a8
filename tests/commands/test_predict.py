"""`medground predict`, and `check`, `score` and `tune` on what it works with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from medground_bench.core.errors import MethodFailed
from medground_bench.core.types import Attribution
from tests.kit.fakes import RuleLvlm
from tests.kit.foreign_package import install_quarter


def test_predict_check_and_score_work_hand_in_hand(medground, built, tmp_path, monkeypatch):
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda key, **_choices: RuleLvlm())
    file = tmp_path / "whole.jsonl"
    track = ["--benchmark", built.path, "--lvlm", "rule_lvlm", "--method", "whole_image", "--mode", "direct"]
    code, out, _err = medground("predict", *track, "--out", file)
    lines = file.read_text().splitlines()
    assert code == 0 and out.startswith(f"{len(lines)} cases;")

    code, out, _err = medground("check", file, "--benchmark", built.path)
    assert code == 0 and "no problem" in out and "rule_lvlm direct" in out

    code, out, _err = medground("score", file, "--benchmark", built.path, "--json")
    (scores,) = json.loads(out)["tracks"]
    assert (scores["lvlm"], scores["mode"], scores["cases"]) == ("rule_lvlm", "direct", len(lines))
    assert scores["recall"] == pytest.approx(1) and 0 < scores["iou"] == pytest.approx(scores["precision"])

    _code, table, _err = medground("score", file, "--benchmark", built.path)
    assert "rule_lvlm" in table and f"{100 * scores['iou']:.1f}" in table

    file.write_text("\n".join(lines[:-1]) + "\n")
    assert medground("check", file, "--benchmark", built.path)[0] == 1
    _code, out, _err = medground("score", file, "--benchmark", built.path, "--json")
    (fewer,) = json.loads(out)["tracks"]
    assert (fewer["cases"], fewer["failed"]) == (len(lines), 1)
    assert fewer["iou"] < scores["iou"]


@pytest.fixture
def direct_only(built, tmp_path) -> Path:
    """A benchmark with cases in one mode, the same in the splits `test` and `tune`."""
    folder = shutil.copytree(built.path, tmp_path / "medground-bench")
    shutil.rmtree(folder / "reason")
    test = folder / "direct" / "test-rule_lvlm.parquet"
    shutil.copy(test, test.with_name("tune-rule_lvlm.parquet"))
    return folder


def test_an_lvlm_given_as_a_folder_stands_for_its_cases(medground, direct_only, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(install_quarter(tmp_path / "site")))
    (tmp_path / "sub" / "rule_lvlm").mkdir(parents=True)
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda location, **_choices: RuleLvlm())
    line = ["--benchmark", direct_only, "--lvlm", "sub/rule_lvlm", "--method", "quarter"]
    code, out, err = medground("predict", *line, "--mode", "direct", "--out", tmp_path / "p.jsonl")
    assert (code, err.count("Traceback")) == (0, 0) and "written to" in out
    code, out, err = medground("tune", *line)
    assert code == 0, err
    assert "rule_lvlm-direct-quarter.json" in out and "reason" not in out


class Fails:
    """A method that fails on the cases whose number is in `on`, and has no box to give for the others."""

    needs = frozenset()

    def __init__(self, on):
        self.on, self.asked = on, 0

    def __repr__(self):
        return f"Fails({self.on})"

    def attribute(self, lvlm, case, rng):
        self.asked += 1
        if self.asked - 1 in self.on:
            raise MethodFailed("its map is NaN")
        return Attribution(boxes=())


def predicted_by(medground, built, file, method, monkeypatch):
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda key, **_choices: RuleLvlm())
    monkeypatch.setattr("medground_bench.runs.predict.open_method", lambda name, lvlm: method)
    track = ["--benchmark", built.path, "--lvlm", "rule_lvlm", "--method", "whole_image", "--mode", "direct"]
    return medground("predict", *track, "--out", file)


def test_score_counts_a_case_on_which_the_method_failed_as_failed_and_an_empty_one_as_predicted(
    medground, built, tmp_path, monkeypatch
):
    file = tmp_path / "p.jsonl"
    code, out, err = predicted_by(medground, built, file, Fails({0, 2}), monkeypatch)
    assert code == 0 and "2 failed and will score 0" in out and "its map is NaN" in err
    _code, out, _err = medground("score", file, "--benchmark", built.path, "--json")
    [scores] = json.loads(out)["tracks"]
    assert (scores["failed"], scores["predicted"]) == (2, scores["cases"] - 2)
    (tmp_path / "p.jsonl.run.json").unlink()
    _code, out, _err = medground("score", file, "--benchmark", built.path, "--json")
    assert json.loads(out)["tracks"][0]["failed"] == 0


def test_predict_fails_when_the_method_failed_on_every_case(medground, built, tmp_path, monkeypatch):
    file = tmp_path / "p.jsonl"
    code, out, err = predicted_by(medground, built, file, Fails(range(1000)), monkeypatch)
    assert code == 1 and f"failed on every case of {file}" in err
    assert "failed and will score 0" in out and file.is_file()
