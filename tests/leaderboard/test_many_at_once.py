"""Many who submit at once: nothing is lost, and no slot is spent twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest

from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.verifying import verify
from tests.kit.desks import boxes, file_of, truth, upload

ROOT = Path(__file__).parents[2]
MANY = 20


def register(place):
    return Register.read(place.store.look().log)


@pytest.mark.usefixtures("scored_here")
def test_twenty_submitters_at_once_lose_nothing(place):
    desks = (place.open(), place.desk)  # of two processes, as it were
    uploads = [
        upload(f"person{n}", content=file_of(boxes(truth(), n)), method=f"Method {n}") for n in range(MANY)
    ]
    with ThreadPoolExecutor(MANY) as people:
        replies = list(people.map(lambda desk, sent: desk.submit(sent), cycle(desks), uploads))
    assert Counter(reply.status for reply in replies) == {"scored": MANY}
    assert len({reply.receipt.id for reply in replies}) == MANY
    assert verify(place.store.look()).rows == MANY


@pytest.mark.usefixtures("scored_here")
def test_s31_twenty_submissions_for_the_last_slot_of_the_quota_spend_it_once(place):
    desks = (place.open(scored_per_week=1), place.desk)
    uploads = [upload(content=file_of(boxes(truth(), n)), method=f"Method {n}") for n in range(MANY)]
    with ThreadPoolExecutor(MANY) as people:
        replies = list(people.map(lambda desk, sent: desk.submit(sent), cycle(desks), uploads))
    assert Counter(reply.status for reply in replies) == {"scored": 1, "refused": MANY - 1}
    assert all("[QUOTA_SPENT]" in reply.problems[0] for reply in replies if reply.status == "refused")
    assert len(register(place).submissions) == 1


@pytest.mark.usefixtures("scored_here")
def test_s30_the_same_submission_replayed_twenty_times_at_once_is_one_row_with_one_receipt(place):
    desks = (place.open(scored_per_week=1), place.desk)
    with ThreadPoolExecutor(MANY) as people:
        replies = list(people.map(lambda desk, _n: desk.submit(upload()), cycle(desks), range(MANY)))
    assert len({reply.receipt for reply in replies}) == 1
    assert [entry.event.value for entry in register(place).entries][2:] == ["received", "scored"]


ONE = """
import sys
from itertools import cycle
from pathlib import Path
from medground_bench.leaderboard.folder_store import FolderStore
from tests.kit.desks import Place, boxes, file_of, truth, upload
number = int(sys.argv[2])
place = Place(FolderStore.at(Path(sys.argv[1])))
sent = upload(content=file_of(boxes(truth(), number)), method=f"Method {number}")
print(place.desk.submit(sent).status)
"""


def test_s31_processes_for_the_last_slot_of_a_folder_spend_it_once(local):
    local.open(scored_per_week=1)
    line = [sys.executable, "-c", ONE, str(local.store.folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen([*line, str(number)], env=environment, stdout=subprocess.PIPE, text=True)
        for number in range(3)
    ]
    said = [process.communicate()[0].strip() for process in running]
    assert sorted(said) == ["refused", "refused", "scored"]
    assert verify(local.store.look()).rows == 1
