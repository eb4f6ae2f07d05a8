"""Scoring that is killed, by real signals: taken up once, one row; and a scorer that dies is never a score."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medground_bench.leaderboard import examining
from medground_bench.leaderboard.accepting import Stage
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.verifying import verify
from tests.kit.desks import upload

ROOT = Path(__file__).parents[2]
DIES = """
import os, signal, sys
from pathlib import Path
from medground_bench.leaderboard.folder_store import FolderStore
from tests.kit.desks import Place, upload
place = Place(FolderStore.at(Path(sys.argv[1])))
def tell(stage):
    if stage.name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
place.desk.submit(upload(), tell)
"""

ONCE = """
import os, signal, sys
from pathlib import Path
from medground_bench.leaderboard import scoring_process
started = Path(sys.argv.pop(1))
sys.stdin.buffer.peek(1)
with started.open("a") as file:
    file.write("x")
if len(started.read_text()) <= int(sys.argv.pop(1)):
    os.kill(os.getpid(), signal.SIGKILL)
scoring_process.main()
"""


def events(place):
    return [entry.event.value for entry in Register.read(place.store.look().log).entries][2:]


def killed(place, stage):
    line = [sys.executable, "-c", DIES, str(place.store.folder), stage.name]
    return subprocess.run(line, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False).returncode


@pytest.mark.parametrize("stage", [Stage.READING, Stage.WRITING])
def test_a_submission_killed_before_it_is_written_down_left_nothing_and_is_sent_again(local, stage):
    local.open()
    assert killed(local, stage) == -signal.SIGKILL
    assert events(local) == [] and local.desk.take_up() == ()


@pytest.mark.parametrize("stage", [Stage.SCORING, Stage.COMPARING, Stage.PUBLISHING])
@pytest.mark.parametrize("again", ["by whoever keeps the store", "by the submitter", "by both"])
def test_s33_scoring_that_was_killed_is_taken_up_once_and_gives_one_row(local, stage, again, scored_here):
    local.open(scored_per_week=1)
    assert killed(local, stage) == -signal.SIGKILL
    assert events(local) == ["received"]
    replies = local.desk.take_up() if again != "by the submitter" else ()
    if again != "by whoever keeps the store":
        replies = (*replies, local.desk.submit(upload()))
    assert {reply.status for reply in replies} == {"scored"}
    assert len({reply.receipt for reply in replies}) == 1
    assert events(local) == ["received", "scored"] and verify(local.store.look()).rows == 1
    assert local.desk.take_up() == ()


@pytest.mark.parametrize(("deaths", "status"), [(1, "scored"), (2, "failed")])
def test_s32_a_scoring_process_that_is_killed_is_started_once_more(
    local, monkeypatch, tmp_path, deaths, status
):
    desk = local.open(scored_per_week=1)
    real, marker = examining.PROGRAM, tmp_path / "started"

    def tell(stage):
        program = ("-c", ONCE, str(marker), str(deaths)) if stage is Stage.SCORING else real
        monkeypatch.setattr(examining, "PROGRAM", program)

    reply = desk.submit(upload(), tell)
    assert (reply.status, len(marker.read_text())) == (status, 2)
    assert events(local) == ["received", status]
    monkeypatch.setattr(examining, "PROGRAM", real)
    assert desk.submit(upload()).status == "scored"  # it did not count
    assert verify(local.store.look()).rows == 1
