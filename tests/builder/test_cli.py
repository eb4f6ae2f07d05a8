from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from builder.cli import app
from medground_bench.core.types import Mode
from tests.kit.builds import build
from tests.kit.fakes import RuleLvlm

COMMANDS = (
    "build",
    "add-lvlm",
    "verdicts",
    "stats",
    "fidelity",
    "diff",
    "plan",
    "import-release",
    "eval-results",
    "publish-metric",
    "publish-space",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_shows_an_example(command):
    shown = " ".join(CliRunner().invoke(app, [command, "--help"]).output.split())
    assert f"Example: python -m builder {command}" in shown


@pytest.mark.usefixtures("rule_lvlm")
def test_build_then_stats_then_verdicts(run, tmp_path):
    out = tmp_path / "medground-bench"
    track = ("--lvlm", "rule_lvlm", "--mode", "direct", "--mode", "reason", "--out", out)
    code, said, err = run("build", "--source", "phantom", "--limit", 3, *track)
    assert (code, "Retained cases" in said) == (0, True)
    assert "questions/s" in err
    code, said, _ = run("stats", "--out", out, "--json")
    stats = json.loads(said)
    (test, tune) = stats["splits"]
    assert {build["mode"] for build in stats["builds"]} == {mode.value for mode in Mode}
    assert "Calls of the last build" in run("stats", "--out", out)[1]
    assert (code, test["split"], tune["split"]) == (0, "test", "tune")
    assert {row["mode"] for row in test["groups"]} == {mode.value for mode in Mode}
    assert run("verdicts", "--out", out)[1].startswith("0 verdicts changed")


def test_add_lvlm_asks_the_questions_that_are_there(run, tmp_path, monkeypatch):
    out = tmp_path / "medground-bench"
    build(out, limit=2)
    second = RuleLvlm(key="second")
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda location, **_choices: second)
    code, said, _ = run("add-lvlm", "--lvlm", "second", "--mode", "direct", "--out", out)
    assert code == 0
    assert "second" in said and "rule_lvlm" in said


@pytest.mark.usefixtures("rule_lvlm")
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("stats", "--out", "nowhere"), 1, "nowhere is no benchmark folder"),
        (("stats", "--out", "."), 1, "has neither questions/ nor verdicts/"),
        (
            ("add-lvlm", "--lvlm", "x", "--mode", "direct", "--out", "nowhere"),
            1,
            "nowhere is no benchmark folder",
        ),
        (("import-release", "none.json", "--out", "x"), 1, "none.json is not there"),
        (
            ("build", "--source", "phantm", "--lvlm", "x", "--mode", "direct", "--out", "x"),
            2,
            "Did you mean phantom",
        ),
        (("build", "--source", "phantom", "--lvlm", "x", "--mode", "fast", "--out", "x"), 2, "'fast'"),
        (("build", "--source", "phantom", "--lvlm", "x", "--mode", "direct"), 2, "--out"),
        (("biuld",), 2, "biuld"),
    ],
)
def test_a_mistake_is_one_paragraph_with_its_exit_code(run, words, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("# Another project")
    left, said, err = run(*words)
    assert left == code
    assert message in err
    assert "Traceback" not in err and not said


@pytest.mark.usefixtures("rule_lvlm")
def test_a_fault_of_ours_is_said_without_a_traceback(run, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("builder.build.write_questions", broken)
    words = ("build", "--source", "phantom", "--lvlm", "x", "--mode", "direct", "--out", tmp_path / "m")
    code, _, err = run(*words)
    assert code == 3
    assert "ZeroDivisionError: oh" in err and "Traceback" not in err


STOPPABLE = """
import medground_bench.lvlms
from tests.kit.fakes import RuleLvlm
medground_bench.lvlms.open_lvlm = lambda location, **_choices: RuleLvlm(seconds_per_call=0.3)
from builder.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_a_stopped_build_says_so_keeps_what_is_done_and_goes_on(tmp_path, number):
    out = tmp_path / "medground-bench"
    words = (
        "build",
        "--source",
        "phantom",
        "--limit",
        "2",
        "--lvlm",
        "x",
        "--mode",
        "direct",
        "--out",
        str(out),
    )
    command = [sys.executable, "-c", STOPPABLE, *words]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        answers = tmp_path / "medground-bench.store" / "answers"
        while not (answers.is_dir() and any(answers.glob("*.parquet"))):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "stopped by SIGTERM" in err and "Traceback" not in err
    whole = RuleLvlm()
    build(tmp_path / "whole", lvlm=whole, limit=2)
    rest = RuleLvlm()
    build(out, lvlm=rest, limit=2)
    assert 0 < rest.asked < whole.asked
