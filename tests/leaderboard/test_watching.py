"""A board that follows its files: what changes is there at the next look, and what cannot be read is said."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from medground_bench.leaderboard.folder_store import FolderStore
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.store import BOARD, SETTINGS
from medground_bench.leaderboard.watching import ON_THE_HUB_S, PATIENCE_S, WatchedBoard, WatchedStore
from tests.hub.faults import Slow
from tests.kit.desks import boxes, file_of, hub_place, truth, upload
from tests.kit.joint_boards import our_board, send, sent_to

pytestmark = pytest.mark.usefixtures("scored_here")
ON_A = BoardQuery(mode="direct", lvlm="a")


@pytest.fixture
def place(tmp_path):
    return sent_to(tmp_path / "store")


@pytest.fixture
def results(place, tmp_path) -> Path:
    our_board(place.truth).save(tmp_path / "results")
    return tmp_path / "results"


def shown(watched):
    return {row.shown for row in watched.now().table(ON_A).rows}


def test_a_new_row_is_there_at_the_next_look_and_a_withdrawn_one_is_gone(place, results):
    watched = WatchedBoard(lambda: results, WatchedStore(place.store))
    before = shown(watched)
    identity = send(place, "New", 31)
    assert shown(watched) - before == {"New"}
    place.desk.withdraw(identity, "by-31")
    assert shown(watched) == before


def test_results_that_are_made_again_are_read_again(place, results):
    watched = WatchedBoard(lambda: results, WatchedStore(place.store))
    assert "occlusion" in shown(watched)
    other = our_board(place.truth)
    kept = other.scores.of_rows(lambda entry: entry.method != "occlusion")
    type(other)(kept).save(results)
    os.utime(results / BOARD, ns=(1, 1))
    assert "occlusion" not in shown(watched) and "Mine" in shown(watched)


def test_a_board_is_made_again_only_when_its_rows_changed(place, results):
    watched = WatchedBoard(lambda: results, WatchedStore(place.store))
    first = watched.now()
    assert watched.now() is first
    held = place.desk.submit(upload("dan", content=file_of(boxes(place.truth, 21)), method="Copy"))
    assert held.receipt and held.receipt.status == "held"
    assert watched.now() is first


def test_either_may_be_missing_and_neither_is_no_board(place, results, tmp_path):
    assert shown(WatchedBoard(lambda: results)) == {"medfocus", "occlusion", "whole_image"}
    alone = WatchedBoard(lambda: tmp_path, WatchedStore(place.store))
    assert "Mine" in shown(alone) and "medfocus" not in shown(alone)
    assert WatchedBoard(lambda: tmp_path).now() is None


def test_a_store_that_goes_away_leaves_its_rows_and_the_board_says_so(place, results):
    watched = WatchedBoard(lambda: results, WatchedStore(place.store))
    rows = shown(watched)
    moved = place.store.folder.rename(place.store.folder.with_name("moved"))
    assert shown(watched) == rows
    [note] = watched.now().notes
    assert note == "Submissions are shown as they were seen last: their store cannot be read now."
    moved.rename(place.store.folder)
    assert watched.now().notes == ()


def test_a_store_that_is_damaged_from_the_first_is_missing_and_the_log_alone_says_why(
    place, results, tmp_path, caplog
):
    shutil.copytree(place.store.folder, tmp_path / "damaged")
    (tmp_path / "damaged" / SETTINGS).write_text("{")
    watched = WatchedBoard(lambda: results, WatchedStore(FolderStore(tmp_path / "damaged")))
    assert shown(watched) == {"medfocus", "occlusion", "whole_image"}
    assert "settings.json of the store is damaged" in caplog.text
    [note] = watched.now().notes
    assert note == "Submissions are missing here: their store cannot be read now."


def test_the_rule_of_six_images_holds_while_the_store_was_never_seen(tmp_path):
    place = sent_to(tmp_path / "store", hidden := truth(source="vindr_cxr"))
    our_board(hidden).save(tmp_path / "results")
    (place.store.folder / SETTINGS).write_text("{")
    watched = WatchedBoard(lambda: tmp_path / "results", WatchedStore(place.store)).now()
    assert watched.notes and watched.table(ON_A).rows
    few = watched.table(replace(ON_A, size="large"))
    assert few.withheld and few.rows == ()


def test_a_store_on_the_hub_is_looked_at_every_few_seconds_or_when_somebody_says_that_it_changed(hub, org):
    place, seconds = hub_place(org), [0.0]
    place.open()
    watched = WatchedBoard(lambda: Path("nowhere"), store := WatchedStore(place.store, lambda: seconds[0]))
    assert watched.now().scores.entries == ()
    send(place, "New", 31)
    assert watched.now().scores.entries == ()
    seconds[0] += ON_THE_HUB_S
    assert shown(watched) == {"New"}
    send(place, "Newer", 32)
    store.look_again()
    assert shown(watched) == {"New", "Newer"}


def test_nobody_waits_for_a_hub_that_does_not_answer_and_the_rows_stay(hub, org):
    place, seconds = hub_place(org), [0.0]
    place.open()
    send(place, "New", 31)
    watched = WatchedBoard(lambda: Path("nowhere"), WatchedStore(place.store, lambda: seconds[0]))
    assert shown(watched) == {"New"}
    send(place, "Newer", 32)
    hub.spoil(r"GET /api/datasets/", Slow(PATIENCE_S, pieces=3))
    seconds[0] += ON_THE_HUB_S
    started = time.monotonic()
    assert shown(watched) == {"New"}
    assert time.monotonic() - started < 2 * PATIENCE_S
    until = started + 20
    while shown(watched) == {"New"} and time.monotonic() < until:
        time.sleep(0.1)
    assert shown(watched) == {"New", "Newer"}
