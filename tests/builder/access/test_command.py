"""`python -m builder access`: what is shown, asked and sent, and a run that is killed at any request."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from builder.cli import app
from tests.hub.clients import surroundings
from tests.hub.faults import Answer, Silence
from tests.kit.access import BOX, PEOPLE, RULES, logged

ROOT = Path(__file__).parents[3]
HANDLE = "POST .*/user-access-request/handle"


@pytest.fixture
def access(run, bench, tmp_path, monkeypatch):
    """Runs `access WORD DATASET ...` in an empty folder; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "rules.toml").write_text(RULES)
    return lambda word, *more: run("access", word, bench.name, *more)


@pytest.fixture
def default_log(bench, tmp_path) -> Path:
    return tmp_path / f"access.{bench.name.replace('/', '.')}.jsonl"


def sent(hub) -> int:
    """How many decisions the hub got."""
    return len([each for each in hub.requests if re.search(HANDLE, each)])


def statuses(bench) -> list[str]:
    return [asked.status for asked in bench.requests.values()]


@pytest.mark.parametrize("word", ["list", "approve", "reject", "sync"])
def test_every_help_shows_an_example(word):
    shown = " ".join(CliRunner().invoke(app, ["access", word, "--help"]).output.split())
    assert f"Example: python -m builder access {word}" in shown


def test_the_queue_is_a_table_for_people(access):
    code, said, _ = access("list")
    assert code == 0 and "3 pending" in said
    words = " ".join(said.split())
    assert (
        f"ann [x] {BOX} Ann PhysioNet user name: ann-lee ann@example.org Country: Kenya 2026-11-01 00:00"
        in words
    )
    assert f"[ ] {BOX}" in said
    assert "nobody is accepted" in access("list", "--status", "accepted")[1]


def test_the_queue_is_json_for_programs(access, bench):
    bench.requests["ann"].fields = {"Why": "\x1b[2J"}
    code, said, _ = access("list", "--json")
    first, *others = json.loads(said)
    assert (code, first["user"], first["status"], first["fields"]) == (
        0,
        "ann",
        "pending",
        {"Why": "\x1b[2J"},
    )
    assert len(others) == 2 and "\x1b" not in said


def test_the_queue_is_a_file_for_a_spreadsheet_that_is_never_written_over(access, bench, tmp_path):
    assert access("list", "--to", "queue.csv")[1] == "3 requests written to queue.csv\n"
    file = tmp_path / "queue.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    decided = re.sub(r"^(ann,\w+),,", r"\1,approve,", file.read_text(), flags=re.MULTILINE)
    file.write_text(decided)
    code, _, err = access("list", "--to", "queue.csv")
    assert code == 1 and "decisions in it would be lost" in err and file.read_text() == decided
    code, said, err = access("sync", "--from", "queue.csv", "--yes")
    assert (code, statuses(bench)) == (0, ["accepted", "pending", "pending"])
    assert "ann: done" in said and "2 rows of queue.csv have no decision" in err


def test_people_are_decided_by_name_and_who_was_decided_is_passed_over(access, hub, bench, default_log):
    assert access("approve", "ann", "bob")[0] == 0
    code, _, err = access("approve", "ann", "eve", "--reason", "known from the workshop")
    assert code == 0 and "ann is accepted already" in err
    assert statuses(bench) == ["accepted"] * 3 and sent(hub) == 3
    assert access("reject", "eve", "--reason", "No.", "--overturn")[0] == 0
    assert (bench.requests["eve"].status, bench.requests["eve"].reason) == ("rejected", "No.")
    assert [who for who, _, _ in logged(default_log)] == ["ann"] * 2 + ["bob"] * 2 + ["eve"] * 4
    assert stat.S_IMODE(default_log.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("reject", "ann"), 2, "--reason"),
        (("reject", "ann", "--reason", "x" * 201), 1, "the reason has 201 characters"),
        (("reject", "ann", "--reason", ""), 1, "a rejection needs a reason"),
        (("approve", "ann", "anm"), 1, "anm is in no list of the hub. Did you mean ann?"),
        (("approve", "ann", "ann"), 1, "ann is decided twice"),
        (("approve",), 2, "NAME"),
        (("list", "--status", "done"), 2, "'done'"),
        (("sync",), 2, "give either --rules or --from"),
        (("sync", "--rules", "rules.toml", "--from", "x.csv"), 2, "give either --rules or --from"),
        (("sync", "--rules", "rules.toml", "--overturn"), 2, "rules decide pending requests alone"),
        (("sync", "--rules", "none.toml"), 1, "none.toml: No such file"),
        (("sync", "--rules", "bad.csv"), 1, "is no TOML file"),
        (("sync", "--from", "bad.csv", "--yes"), 1, "line 3: 'maybe' is neither approve nor reject"),
        (("sync", "--from", "unknown.csv", "--yes"), 1, "line 3: zoe is in no list of the hub"),
        (("sync", "--rules", "rules.toml"), 1, "Send these 2 decisions? There is no terminal to ask at"),
        (("approve", "ann", "--log", "rules.toml"), 1, "rules.toml is no log of decisions"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_paragraph_before_anything_is_sent(access, hub, tmp_path, words, code, said):
    (tmp_path / "bad.csv").write_text("user,decision,reason\nann,approve,\nbob,maybe,\n")
    (tmp_path / "unknown.csv").write_text("user,decision,reason\nann,approve,\nzoe,approve,\n")
    left, _, err = access(*words)
    assert left == code and said in " ".join(err.replace("│", " ").split()) and "Traceback" not in err
    assert sent(hub) == 0 and (tmp_path / "rules.toml").read_text() == RULES


@pytest.mark.parametrize(
    "name", ["bench", "org/bench@main", "org/bench@" + "0" * 40, "https://hub/org/bench"]
)
def test_a_dataset_is_named_as_the_hub_does(run, name):
    code, _, err = run("access", "list", name)
    assert code != 0 and "Traceback" not in err


def test_rules_decide_and_what_they_say_nothing_of_stays_pending(access, bench, default_log):
    code, said, err = access("sync", "--rules", "rules.toml", "--yes")
    assert code == 0 and "2 of 3 pending requests are decided by the rules" in said
    assert statuses(bench) == ["accepted", "rejected", "pending"] and not re.search(
        "^note", err, re.MULTILINE
    )
    assert bench.requests["bob"].reason == "Please ask again and agree not to share the data."
    rules = [json.loads(line)["rule"] for line in default_log.read_text().splitlines()]
    assert rules == ["agreed and known"] * 2 + ["no agreement"] * 2


def test_a_dry_run_says_what_would_be_sent_and_does_nothing(access, hub, bench, default_log):
    code, said, _ = access("sync", "--rules", "rules.toml", "--dry-run")
    assert code == 0 and said.endswith("nothing was sent\n")
    assert re.search(r"ann +pending +approve +agreed and known", said) and re.search(
        r"bob +pending +reject", said
    )
    assert sent(hub) == 0 and statuses(bench) == ["pending"] * 3 and not default_log.exists()
    assert not [each for each in hub.requests if not each.startswith("GET ")]


@pytest.mark.parametrize(("answer", "decisions"), [("y", 2), ("n", 0), ("", 0)])
def test_at_a_terminal_sync_asks(access, hub, bench, monkeypatch, answer, decisions):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda words, err: answer == "y")
    code, _, err = access("sync", "--rules", "rules.toml")
    assert (code, sent(hub)) == ((0, 2) if decisions else (1, 0))
    assert decisions or "nothing was changed" in err


def test_a_label_that_no_request_has_is_told_and_lets_nobody_in(access, bench, tmp_path):
    (tmp_path / "rules.toml").write_text(RULES.replace("share the data", "share it"))
    code, said, err = access("sync", "--rules", "rules.toml", "--yes")
    assert code == 0 and "0 of 3 pending requests" in said
    assert "note: a rule looks at 'I will not share it', and no pending request has that field" in err
    assert statuses(bench) == ["pending"] * 3


def test_what_the_hub_did_not_do_is_told_with_exit_code_1_and_the_rest_is_done(access, hub, bench):
    hub.spoil(HANDLE, Answer(404))
    code, said, _ = access("approve", "ann", "bob")
    assert code == 1 and "ann: not done" in said and "bob: done" in said
    assert statuses(bench) == ["pending", "accepted", "pending"]


def test_a_hub_that_asks_to_wait_is_waited_for(access, hub, bench):
    hub.spoil(HANDLE, Answer(429, {"Retry-After": "1"}))
    assert access("approve", "ann")[0] == 0
    assert statuses(bench)[0] == "accepted"


def test_someone_elses_escapes_do_not_reach_the_terminal(access, bench):
    bench.requests["ann"].fields = {"\x1b]0;x\x07": "\x1b[2J\x9b31m\u202e"}
    for words in (("list",), ("sync", "--rules", "rules.toml", "--dry-run")):
        _, said, err = access(*words)
        assert not set(said + err) & set("\x1b\x07\x9b\u202e")


REQUESTS = ["list", "whoami", "first decision", "second decision"]


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(len(REQUESTS)), ids=REQUESTS)
def test_a_run_killed_at_any_request_has_logged_all_it_decided_and_is_completed_by_the_next(
    access, hub, bench, default_log, number, done
):
    folder, org, clients = default_log.parent, bench.name.partition("/")[0], []
    hub.spoil(".", Silence(done=done, then=lambda: os.kill(clients[0].pid, signal.SIGKILL)), skip=number)
    command = [
        sys.executable,
        "-m",
        "builder",
        "access",
        "sync",
        bench.name,
        "--rules",
        "rules.toml",
        "--yes",
    ]
    environment = surroundings(hub.address, folder / "home", f"hf_{org}-writer")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=folder, env=environment, **quiet) as process:
        clients.append(process)
        process.wait(timeout=60)
    assert process.returncode == -signal.SIGKILL and len(hub.requests) == number + 1
    decided = {person for person, asked in bench.requests.items() if asked.status != "pending"}
    begun = {who for who, _, ending in logged(default_log)} if default_log.exists() else set()
    assert decided <= begun and len(decided) == max(0, number - 2 + done)

    assert access("sync", "--rules", "rules.toml", "--yes")[0] == 0
    assert statuses(bench) == ["accepted", "rejected", "pending"]
    lines = logged(default_log)
    for who, decision in (("ann", "approve"), ("bob", "reject")):
        endings = [ending for person, what, ending in lines if (person, what) == (who, decision)]
        assert endings in (
            ["begun", "done"],
            ["begun", "found done"],
            ["begun", "not done", "begun", "done"],
        )
    assert access("sync", "--rules", "rules.toml", "--yes")[0] == 0 and logged(default_log) == lines
    assert len(bench.requests) == len(PEOPLE)
