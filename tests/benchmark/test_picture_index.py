"""The index of a copy's pictures: where it lies, whom it believes, and when a digest is no longer known."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path

import pytest

from medground_bench.benchmark.picture_index import NAME, PictureIndex, index_file
from tests.kit.closed_folders import closed, files_of_at_most


@pytest.fixture
def copy(monkeypatch):
    """A folder with a picture; the user's cache is beside it. Every user of the machine may write to both."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for folder in (place, place / "cache", place / "copy"):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)
        monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        (place / "copy" / "a.png").write_bytes(b"greys")
        yield place / "copy"


def kept(folder, digest="1f2e"):
    """The index with one digest, written."""
    index = PictureIndex(folder, reader="min-max")
    index.keep(index.key(folder / "a.png"), digest)
    index.write()
    return index


def known(folder, reader="min-max"):
    index = PictureIndex(folder, reader)
    return index.get(index.key(folder / "a.png"))


def test_a_digest_is_known_as_long_as_the_file_and_its_reader_are_the_same(copy, monkeypatch):
    kept(copy)
    assert known(copy) == "1f2e"
    assert known(copy, reader="windowed min-max") is None
    state = (copy / "a.png").stat()
    (copy / "a.png").write_bytes(b"grays")
    os.utime(copy / "a.png", ns=(state.st_atime_ns, state.st_mtime_ns))
    assert known(copy) is None, "the same size and time of content, and yet another file"
    kept(copy)
    monkeypatch.setattr("medground_bench.benchmark.picture_index.reader_code", lambda: "another reader")
    assert known(copy) is None


def test_it_lies_beside_the_copy_and_this_user_alone_may_read_it(copy):
    kept(copy)
    file = copy / NAME
    assert index_file(copy) == file and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "a.png" not in file.read_text()


def test_where_nobody_may_write_it_lies_in_the_users_own_cache(copy):
    with closed(copy):
        kept(copy)
        assert known(copy) == "1f2e"
    assert [path.name for path in copy.iterdir()] == ["a.png"]
    [file] = [path for path in (copy.parent / "cache").rglob("*") if path.is_file()]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b'{"a": 1}', b"\xff"])
def test_a_damaged_one_is_as_good_as_none(copy, content):
    (copy / NAME).write_bytes(content)
    (copy / NAME).chmod(0o600)
    assert known(copy) is None
    kept(copy)
    assert known(copy) == "1f2e"


def test_one_that_others_may_write_is_not_believed(copy):
    kept(copy, "f00d")
    (copy / NAME).chmod(0o666)
    assert known(copy) is None
    kept(copy)
    assert known(copy) == "1f2e"
    assert "f00d" in (copy / NAME).read_text(), "the other one stays as it is"
    assert index_file(copy).is_relative_to(copy.parent / "cache")


def test_a_full_disk_is_a_warning_and_what_was_digested_serves_this_time(copy):
    index = PictureIndex(copy, reader="min-max")
    index.keep(index.key(copy / "a.png"), "1f2e")
    with (
        files_of_at_most(3),
        pytest.warns(UserWarning, match=r"cannot be written .* digested again next time"),
    ):
        index.write()
    assert index.get(index.key(copy / "a.png")) == "1f2e"
    assert not (copy / NAME).exists()


def test_many_are_written_from_time_to_time_and_the_rest_when_the_index_is_let_go(copy, monkeypatch):
    monkeypatch.setattr("medground_bench.benchmark.picture_index.KEPT_AT_ONCE", 2)
    index = PictureIndex(copy, reader="min-max")
    for number in range(3):
        index.keep(f"key{number}", "1f2e")
    assert len(json.loads((copy / NAME).read_bytes())) == 2
    del index
    assert len(json.loads((copy / NAME).read_bytes())) == 3


def test_a_file_that_is_not_there_has_no_key(copy):
    index = PictureIndex(copy, reader="min-max")
    assert index.key(copy / "b.png") is None
    index.keep(None, "1f2e")
    assert index.get(None) is None
