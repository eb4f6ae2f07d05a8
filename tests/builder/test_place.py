"""The store on any filesystem, shared or alone, and what a disk that is full or closed says."""

from __future__ import annotations

import errno
import os

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from builder.place import NoSuchPlace, Place
from builder.store import Store
from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Mode
from tests.kit.builds import build, bytes_of, two_builds_at_once
from tests.kit.fakes import RuleLvlm


@pytest.fixture
def memory():
    """An object store in this process, emptied afterwards."""
    yield "memory://bucket/store"
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.fixture(params=["local", "memory"])
def place(request, tmp_path, memory):
    return Place(tmp_path / "p" if request.param == "local" else memory)


def test_a_file_is_listed_read_and_removed_by_name(place):
    place.prepare()
    assert place.names(".json") == []
    for name in ("b.json", "a.json", "c.txt"):
        place.write(name, name.encode())
    (place / "inner").write("d.json", b"")
    assert place.names(".json") == ["a.json", "b.json"]
    assert place.read("b.json") == b"b.json"
    place.remove("b.json")
    place.remove("b.json")
    assert place.names(".json") == ["a.json"]
    with pytest.raises(FileNotFoundError):
        place.read("b.json")


def test_a_store_gives_what_was_put_wherever_it_is(place):
    for suffix in (None, ".png"):
        Store(place, suffix).put({"a": b"1", "b": b"2" * 9999})
        again = Store(place, suffix)
        assert (again.get("a"), again.get("b"), again.get("c")) == (b"1", b"2" * 9999, None)
    assert len(place.names(".png")) == 2
    assert len(place.names(".parquet")) == 1, "a shard is called by its content"


def test_pictures_are_files_called_by_their_content_and_a_damaged_one_is_work_to_be_done_again(tmp_path):
    Store(Place(tmp_path), ".png").put({"a": b"picture", "b": b"picture"})
    (picture,) = tmp_path.glob("*.png")
    picture.write_bytes(b"damaged")
    store = Store(Place(tmp_path), ".png")
    assert store.get("a") is None
    store.put({"a": b"picture"})
    assert Store(Place(tmp_path), ".png").get("b") == b"picture"


def test_a_result_done_twice_is_read_from_a_whole_shard_when_the_other_is_damaged(tmp_path):
    store = Store(Place(tmp_path))
    for neighbour in ("b", "c"):
        store.put({"a": b"1", neighbour: b"2"})
    first = sorted(tmp_path.glob("*.parquet"))[0]
    first.write_bytes(b"PAR1 no more")
    assert Store(Place(tmp_path)).get("a") == b"1"


def test_a_build_on_an_object_store_ends_in_the_same_bytes_and_asks_nothing_twice(tmp_path, memory):
    whole = bytes_of(build(tmp_path / "a", limit=2))
    assert bytes_of(build(tmp_path / "b", limit=2, store=memory)) == whole
    again = RuleLvlm()
    assert bytes_of(build(tmp_path / "c", lvlm=again, limit=2, store=memory)) == whole
    assert again.asked == 0


def test_two_builders_share_an_object_store(tmp_path, memory):
    """At once, over the same questions and two modes in turn: both end whole, and a third one finds all of it."""
    whole = bytes_of(build(tmp_path / "whole", modes=tuple(Mode), limit=3))
    first, second = two_builds_at_once(tmp_path, memory)
    assert bytes_of(first) == bytes_of(second) == whole
    third = RuleLvlm()
    assert bytes_of(build(tmp_path / "c", lvlm=third, modes=tuple(Mode), limit=3, store=memory)) == whole
    assert third.asked == 0


@pytest.mark.parametrize("where", ["nosuch://bucket/store", "dask://bucket"])
def test_an_address_that_cannot_be_reached_says_so(where):
    with pytest.raises(NoSuchPlace, match="cannot be reached"):
        Place(where)


def test_two_builders_on_one_dataset_folder_are_refused_also_with_two_stores(tmp_path):
    out = tmp_path / "medground-bench"

    class Second(RuleLvlm):
        def generate(self, pictures, prompts, *, max_new_tokens=512):
            with pytest.raises(MedgroundError, match="medground-bench is in use by another builder"):
                build(out, limit=2, store=tmp_path / "other")
            return super().generate(pictures, prompts, max_new_tokens=max_new_tokens)

    build(out, lvlm=Second(), limit=2, store=tmp_path / "store")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_or_closed_disk_is_one_sentence_and_the_same_command_goes_on(
    run, rule_lvlm, tmp_path, monkeypatch, number
):
    out = tmp_path / "medground-bench"
    words = ("build", "--source", "phantom", "--limit", 2, "--lvlm", "x", "--mode", "direct", "--out", out)
    really, left = os.fsync, 12

    def fsync(handle):
        nonlocal left
        left -= 1
        if left <= 0:
            raise OSError(number, os.strerror(number))
        really(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    code, _, err = run(*words)
    assert code == 1
    assert f"error: {tmp_path}/" in err
    assert f": {os.strerror(number)}. Mend that and run the same command again." in err
    assert "Traceback" not in err
    monkeypatch.undo()
    done = rule_lvlm.asked
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda location, **_choices: rule_lvlm)
    assert run(*words)[0] == 0
    assert 0 < done < rule_lvlm.asked
    whole = build(tmp_path / "whole", limit=2)
    assert bytes_of(whole) == {str(path.relative_to(out)): path.read_bytes() for path in files(out)}


def files(folder):
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


@pytest.mark.usefixtures("rule_lvlm")
@pytest.mark.parametrize("place", ["--out", "--store"])
def test_a_place_where_nothing_can_be_written_is_one_sentence(run, tmp_path, place):
    (tmp_path / "file").write_text("")
    words = {"--out": tmp_path / "out", "--store": tmp_path / "store", place: tmp_path / "file" / "folder"}
    options = [word for pair in words.items() for word in pair]
    code, _, err = run(
        "build", "--source", "phantom", "--limit", 2, "--lvlm", "x", "--mode", "direct", *options
    )
    assert code == 1
    assert "Not a directory. Mend that and run the same command again." in err and "Traceback" not in err
