"""The contract of a store, held by both kinds: a folder of this machine and a dataset of the hub."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from medground_bench.core.errors import FolderTaken
from medground_bench.leaderboard import audit
from medground_bench.leaderboard.audit import Event, LogEntry
from medground_bench.leaderboard.changes import digests
from medground_bench.leaderboard.folder_store import FolderStore
from medground_bench.leaderboard.hub_store import HubStore
from medground_bench.leaderboard.opening import make_store, open_store
from medground_bench.leaderboard.store import NoStore, StoreAway, WouldChange
from medground_bench.storage.hub_calls import HubCalls, Moved
from tests.hub.faults import Answer, Silence
from tests.kit.desks import hurried

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(place):
    return place.store


def test_a_damaged_file_may_become_again_what_the_log_says_it_was(store):
    name, entry = (
        "submissions/a.json",
        LogEntry(event=Event.RECEIVED, by="p", subject="a", files=digests({"submissions/a.json": b"a"})),
    )
    store.commit({audit.FILE: entry.line(), name: b"b"}, after=store.look(), title="damaged")
    assert store.look().read(name) == b"b"
    with pytest.raises(WouldChange):
        store.commit({name: b"c"}, after=store.look(), title="changed")
    store.commit({name: b"a"}, after=store.look(), title="mended")
    assert store.look().read(name) == b"a"


def add(store, **files):
    """Files under these names, a double underscore for a slash."""
    named = {name.replace("__", "/") + ".json": content for name, content in files.items()}
    store.commit(named, after=store.look(), title="more")


def test_what_was_added_is_read_back_byte_for_byte(store):
    add(store, a=b"1", submissions__b=b"\x00\xff")
    seen = store.look()
    assert {"a.json", "submissions/b.json"} <= seen.names
    assert (seen.read("a.json"), seen.read("submissions/b.json")) == (b"1", b"\x00\xff")


def test_a_file_that_is_not_there_is_told_by_name(store):
    with pytest.raises(NoStore, match=r"lacks its file submissions/none\.json"):
        store.look().read("submissions/none.json")


def test_a_change_made_from_an_older_state_fails_and_changes_nothing(store):
    before = store.look()
    store.commit({audit.FILE: b"1\n"}, after=before, title="first")
    with pytest.raises(Moved):
        store.commit({audit.FILE: b"2\n", "b.json": b""}, after=before, title="second")
    assert store.look().log == b"1\n" and "b.json" not in store.look().names


def test_what_is_kept_never_changes_and_the_log_only_grows(store):
    store.commit({audit.FILE: b"1\n", "submissions/a.json": b"a"}, after=store.look(), title="first")
    for files in ({"submissions/a.json": b"b"}, {audit.FILE: b""}, {audit.FILE: b"2\n"}):
        with pytest.raises(WouldChange):
            store.commit(files, after=store.look(), title="worse")
    store.commit(
        {audit.FILE: b"1\n2\n", "submissions/a.json": b"a"}, after=store.look(), title="the same again"
    )
    assert store.look().read("submissions/a.json") == b"a"


@pytest.mark.parametrize("name", ["people.json", "settings.json", "board.json"])
def test_names_settings_and_the_board_may_be_replaced(store, name):
    for content in (b"1", b"2"):
        store.commit({name: content, audit.FILE: store.look().log + content}, after=store.look(), title=name)
    assert store.look().read(name) == b"2"


def test_s35_of_many_who_write_at_once_one_is_first_and_the_others_are_told(store):
    before = store.look()

    def write(number):
        try:
            store.commit({audit.FILE: b"%d\n" % number}, after=before, title="race")
        except Moved:
            return None
        return number

    with ThreadPoolExecutor(8) as writers:
        (first,) = [number for number in writers.map(write, range(8)) if number is not None]
    assert store.look().log == b"%d\n" % first


def test_a_snapshot_does_not_change_while_the_store_does(store):
    store.commit({audit.FILE: b"1\n", "board.json": b"old"}, after=store.look(), title="first")
    seen = store.look()
    store.commit({audit.FILE: b"1\n2\n", "board.json": b"new"}, after=seen, title="second")
    assert (seen.log, seen.read("board.json")) == (b"1\n", b"old")


def test_a_location_names_a_folder_or_a_dataset_and_anything_else_is_told(tmp_path, org, monkeypatch):
    folder = make_store(str(tmp_path / "new"))
    assert open_store(str(tmp_path / "new")) == folder == make_store(str(tmp_path / "new"))
    monkeypatch.setenv("HF_TOKEN", f"hf_{org}-writer")
    made = make_store(f"{org}/submissions")
    assert isinstance(made, HubStore) and made.look().names == frozenset()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.txt").touch()
    with pytest.raises(NoStore, match="is no store of submissions"):
        open_store(str(tmp_path / "other"))
    with pytest.raises(FolderTaken, match="is not empty"):
        FolderStore.made(tmp_path / "other")
    for wrong in ("/no/such/folder", f"{org}/submissions@{'0' * 40}"):
        with pytest.raises(NoStore, match="Give the folder of a store"):
            open_store(wrong)


def test_a_store_on_the_hub_is_private(hub, org):
    HubStore(f"{org}/store", HubCalls(f"hf_{org}-writer")).make()
    assert hub.state.repositories["dataset", f"{org}/store"].private


@pytest.mark.parametrize("fault", [Answer(503), Answer(429, {"Retry-After": "60"}), Silence(done=False)])
@pytest.mark.parametrize("asked", ["GET .*/api/datasets/", "POST .*/commit/"])
def test_s34_a_hub_that_is_away_is_told_soon_and_nothing_is_kept(hub, org, fault, asked):
    store = HubStore(f"{org}/store", HubCalls(f"hf_{org}-writer", wait=hurried))
    store.make()
    before = store.look()
    hub.spoil(asked, fault, times=99)
    with pytest.raises(StoreAway, match="cannot be reached"):
        store.look() if "GET" in asked else store.commit({audit.FILE: b"1\n"}, after=before, title="lost")
    hub.wire.rules.clear()
    assert store.look().head == before.head


def test_files_that_never_change_are_fetched_from_the_hub_once(hub, org):
    store = HubStore(f"{org}/store", HubCalls(f"hf_{org}-writer"))
    store.make()
    add(store, submissions__a=b"a")
    store.look().read("submissions/a.json")
    add(store, submissions__b=b"b")
    hub.wire.requests.clear()
    assert store.look().read("submissions/a.json") == b"a"
    assert not [asked for asked in hub.requests if "submissions/a.json" in asked]


DIES = """
import os, signal, sys
from pathlib import Path
from medground_bench.leaderboard.audit import Event, LogEntry
from medground_bench.leaderboard.changes import digests
from medground_bench.leaderboard.folder_store import FolderStore
store, at = FolderStore.at(Path(sys.argv[1])), int(sys.argv[2])
calls = 0
for name in ("replace", "rename"):
    done = getattr(Path, name)
    def counted(self, to, done=done):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return done(self, to)
    setattr(Path, name, counted)
files = {"audit.jsonl": b"1\\n", "submissions/a.json": b"a", "scores/v1/a.json": b"s"}
store.commit(files, after=store.look(), title="")
"""


@pytest.mark.parametrize("point", range(1, 9))
def test_a_change_that_is_killed_at_any_rename_is_there_whole_or_not_at_all(tmp_path, point):
    FolderStore.made(tmp_path / "store")
    line = [sys.executable, "-c", DIES, str(tmp_path / "store"), str(point)]
    ended = subprocess.run(line, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False).returncode
    assert ended in (-signal.SIGKILL, 0) and (ended == 0) == (point > 7)
    seen = FolderStore.at(tmp_path / "store").look()
    assert seen.names in (frozenset(), {"audit.jsonl", "submissions/a.json", "scores/v1/a.json"})
    assert bool(seen.names) == (point > 4)
    FolderStore.at(tmp_path / "store").commit({audit.FILE: seen.log + b"2\n"}, after=seen, title="goes on")
