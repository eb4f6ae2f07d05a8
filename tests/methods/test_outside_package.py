"""A method that someone else's package brings, through the entry point, is used like any other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medground_bench import lvlms, plugins
from medground_bench.commands.predict import predict
from medground_bench.core.errors import Unsupported
from medground_bench.core.types import Mode
from medground_bench.methods import open_method
from tests.kit.fakes import RuleLvlm
from tests.kit.foreign_package import install_quarter

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path):
    return install_quarter(tmp_path / "site")


def test_it_is_opened_by_name(site, monkeypatch):
    monkeypatch.syspath_prepend(str(site))
    assert type(open_method("quarter", RuleLvlm())).__module__ == "someone_elses.quarter"
    assert "quarter" in {plugin.name for plugin in plugins.available("methods")}


def test_the_command_line_lists_it_and_predicts_with_it(site, built, tmp_path):
    """In a process of its own, as a user runs it; only the LVLM is a stand-in."""
    program = (
        "import medground_bench.lvlms as lvlms, tests.kit.fakes as fakes\n"
        "lvlms.open_lvlm = lambda key, **_choices: fakes.RuleLvlm()\n"
        "from medground_bench.commands.main import main\n"
        "main()\n"
    )
    paths = os.pathsep.join((str(ROOT), str(site)))

    def medground(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-c", program, *arguments]
        environment = os.environ | {"PYTHONPATH": paths}
        return subprocess.run(
            line, env=environment, capture_output=True, text=True, cwd=tmp_path, check=False
        )

    listed = json.loads(medground("list", "methods", "--json").stdout)
    assert "quarter" in {entry["name"] for entry in listed}
    where = ("--benchmark", str(built.path), "--lvlm", "rule_lvlm", "--mode", "direct")
    done = medground("predict", *where, "--method", "quarter", "--method", "whole_image", "--out", "p")
    assert done.returncode == 0, done.stderr
    file = tmp_path / "p" / "rule_lvlm-direct-quarter.jsonl"
    assert all(len(json.loads(line)["boxes"]) <= 1 for line in file.read_text().splitlines())
    assert file.with_name("rule_lvlm-direct-whole_image.jsonl").is_file()

    wrong = medground("predict", *where, "--method", "quater", "--out", "q.jsonl")
    assert wrong.returncode == 2 and "Did you mean quarter" in wrong.stderr


def test_a_method_that_the_lvlm_cannot_serve_is_refused_before_any_work(built, tmp_path, monkeypatch):
    """All names are looked at first: the one that would work has not run when the other is refused."""
    monkeypatch.setattr(lvlms, "open_lvlm", lambda key, **_choices: RuleLvlm())
    out = tmp_path / "p"
    with pytest.raises(Unsupported, match="gradcam needs gradients"):
        predict(str(built.path), "rule_lvlm", ["whole_image", "gradcam"], Mode.DIRECT, out)
    assert not out.exists()
