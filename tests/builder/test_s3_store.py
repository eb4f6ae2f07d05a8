"""The store on an S3 server: unmodified s3fs against a server on this machine, in good and in bad times."""

from __future__ import annotations

import io
import os
import re
import signal
import threading

import pyarrow.parquet as pq
import pytest

from builder.place import Place, PlaceFailed
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.core.types import Mode
from tests.kit.builds import build, bytes_of, two_builds_at_once
from tests.kit.fakes import RuleLvlm
from tests.kit.loopback_s3 import CUT, Answer, LoopbackS3, refused, served, surroundings
from tests.kit.nursery import ended, nursery_of, started
from tests.kit.ports import free_port

s3fs = pytest.importorskip("s3fs")
STORE = "s3://bucket/store"
DIRECT = ("build", "--source", "phantom", "--limit", 2, "--lvlm", "x", "--mode", "direct")


@pytest.fixture
def server(monkeypatch):
    """An empty bucket, found and opened by the environment, as a user's is."""
    serving = LoopbackS3()
    with served(serving) as address:
        for name, value in surroundings(address).items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield serving
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def tries(monkeypatch, caplog):
    """botocore does not ask again, and nothing waits before it does; counts how often a place asked again."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("builder.place.WAITS_S", (0.0, 0.0, 0.0))
    return lambda: caplog.text.count("trying again in 0 s")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a build with a store on the disk."""
    return bytes_of(build(tmp_path_factory.mktemp("whole") / "m", limit=2))


@pytest.fixture
def bad_keys(server, monkeypatch, request):
    """A user's key that is changed; an empty one is none."""
    for name, value in request.param.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)


def some_fail(server, answer, count, *, method):
    """The next so many requests of a method get this answer."""
    left = count

    def spoil(request):
        nonlocal left
        left -= request.method == method
        return answer if request.method == method and left >= 0 else None

    server.spoil = spoil


def test_a_build_on_s3_ends_in_the_bytes_of_a_local_one_and_the_next_asks_nothing(tmp_path, server, whole):
    assert bytes_of(build(tmp_path / "a", limit=2, store=STORE)) == whole
    again, before = RuleLvlm(), dict(server.files)
    assert bytes_of(build(tmp_path / "b", lvlm=again, limit=2, store=STORE)) == whole
    assert again.asked == 0
    new = set(server.files) - set(before)
    assert {key.split("/")[1] for key in new} == {"builds"}, "only the counters of the second build"
    assert {key: server.files[key] for key in before} == before


def test_the_store_on_s3_holds_the_files_of_the_store_on_the_disk(tmp_path, server):
    build(tmp_path / "a", limit=2, store=STORE)
    build(tmp_path / "b", limit=2, store=tmp_path / "store")
    for kind in ("answers", "edits"):
        local = {
            f"store/{kind}/{each.name}": each.read_bytes() for each in (tmp_path / "store" / kind).iterdir()
        }
        assert {key: each for key, each in server.files.items() if key.startswith(f"store/{kind}/")} == local
        assert local


def test_two_builders_at_once_on_one_bucket_harm_nothing(tmp_path, server):
    first, second = two_builds_at_once(tmp_path, STORE)
    expected = bytes_of(build(tmp_path / "whole", modes=tuple(Mode), limit=3))
    assert bytes_of(first) == bytes_of(second) == expected
    third = RuleLvlm()
    assert bytes_of(build(tmp_path / "c", lvlm=third, modes=tuple(Mode), limit=3, store=STORE)) == expected
    assert third.asked == 0


def test_a_file_that_another_builder_wrote_is_there_although_the_folder_was_listed_before(server):
    place = Place(STORE)
    place.write("a.json", b"1")
    assert place.names(".json") == ["a.json"]
    server.files["store/b.json"] = b"2"
    assert place.read("b.json") == b"2"
    assert place.names(".json") == ["a.json", "b.json"]
    place.remove("b.json")
    place.remove("b.json")
    assert place.names(".json") == ["a.json"]


def test_a_folder_of_several_pages_is_listed_whole(server):
    server.files |= {f"store/{number:03}.json": b"" for number in range(120)} | {"store/deeper/x.json": b""}
    assert Place(STORE).names(".json") == [f"{number:03}.json" for number in range(120)]


def test_a_file_that_travels_in_parts_is_there_whole_or_not_at_all(server, tries):
    large = bytes(range(256)) * 4096 * 101
    some_fail(server, refused(500, "InternalError"), 99, method="POST")
    with pytest.raises(PlaceFailed, match="InternalError"):
        Place(STORE).write("large", large)
    assert not server.files
    some_fail(server, None, 0, method="POST")
    Place(STORE).write("large", large)
    assert server.files == {"store/large": large}
    assert Place(STORE).read("large") == large


@pytest.mark.usefixtures("rule_lvlm")
@pytest.mark.parametrize(
    ("bad_keys", "store", "why"),
    [
        ({"AWS_ACCESS_KEY_ID": "somebody"}, STORE, "InvalidAccessKeyId"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, STORE, "Unable to locate credentials"),
        ({}, "s3://elsewhere/store", "NoSuchBucket"),
    ],
    indirect=["bad_keys"],
)
def test_a_bucket_that_cannot_be_used_is_one_sentence_and_at_once(bad_keys, tries, run, tmp_path, store, why):
    code, _, err = run(*DIRECT, "--out", tmp_path / "m", "--store", store)
    assert code == 1
    assert err.count("error: ") == 1 and "Traceback" not in err
    assert f"error: {store}" in err and why in err and "run the same command again" in err
    assert tries() == 0


@pytest.mark.usefixtures("rule_lvlm", "server")
def test_a_server_that_is_not_there_is_one_sentence(tries, run, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("builder.place.WAITS_S", (0.0,))  # s3fs itself tries it for some seconds
    code, _, err = run(*DIRECT, "--out", tmp_path / "m", "--store", STORE)
    assert code == 1
    assert "Could not connect to the endpoint URL" in err and "Traceback" not in err
    assert tries() == 1


@pytest.mark.parametrize(
    ("answer", "method"),
    [
        (refused(503, "SlowDown"), "PUT"),
        (refused(500, "InternalError"), "GET"),
        (CUT, "PUT"),
        (CUT, "GET"),
        (Answer(200, b"half of this is cut", cut=True), "GET"),
    ],
)
def test_s3fs_itself_outlives_two_bad_answers(tmp_path, server, whole, caplog, answer, method):
    """As it comes: its retries and those of botocore, with their waits."""
    some_fail(server, answer, 2, method=method)
    assert bytes_of(build(tmp_path / "a", limit=2, store=STORE)) == whole
    assert "trying again" not in caplog.text


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_server_that_is_out_of_order_for_a_while_is_waited_for_and_told(
    tmp_path, server, tries, whole, caplog, method
):
    some_fail(server, refused(503, "ServiceUnavailable"), 2, method=method)
    assert bytes_of(build(tmp_path / "a", limit=2, store=STORE)) == whole
    assert tries() == 2
    assert "ServiceUnavailable); trying again" in caplog.text


def test_a_store_that_cannot_be_read_for_a_while_is_no_damage_and_nothing_is_asked_again(
    tmp_path, server, tries, whole
):
    build(tmp_path / "a", limit=2, store=STORE)
    again = RuleLvlm()
    shards = sum(key.endswith(".parquet") for key in server.files)

    def spoil(request):
        return refused(403, "AccessDenied") if request.key.endswith(".parquet") else None

    server.spoil = spoil
    with pytest.raises(PlaceFailed, match="cannot be read: Forbidden"):
        build(tmp_path / "b", lvlm=again, limit=2, store=STORE)
    server.spoil = lambda _request: None
    assert bytes_of(build(tmp_path / "b", lvlm=again, limit=2, store=STORE)) == whole
    assert again.asked == 0
    assert sum(key.endswith(".parquet") for key in server.files) == shards


def test_a_write_that_fails_for_good_is_one_sentence_and_what_is_done_is_kept(
    run, rule_lvlm, tmp_path, server, tries, whole
):
    out = tmp_path / "m"
    puts = 0

    def spoil(request):
        nonlocal puts
        puts += request.method == "PUT" and request.key.endswith(".parquet")
        return refused(507, "QuotaExceeded") if request.method == "PUT" and puts > 2 else None

    server.spoil = spoil
    code, _, err = run(*DIRECT, "--out", out, "--store", STORE)
    assert code == 1
    assert "cannot be written: " in err and "QuotaExceeded" in err and "Traceback" not in err
    assert "What is done is kept: mend that and run the same command again." in err
    assert tries() == 2 * 3, "the unit that was done and the counters of the build, three times each"
    server.spoil = lambda _request: None
    done = rule_lvlm.asked
    assert run(*DIRECT, "--out", out, "--store", STORE)[0] == 0
    alone = RuleLvlm()
    build(tmp_path / "alone", lvlm=alone, limit=2)
    assert done < rule_lvlm.asked < done + alone.asked
    assert bytes_of_path(out) == whole


def bytes_of_path(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_their_pictures(server):
    """Pictures that shards of edits name and that are not there."""
    shards = [each for key, each in server.files.items() if re.match(r"store/edits/.*\.parquet", key)]
    named = {digest for each in shards for digest in pq.read_table(io.BytesIO(each))["sha256"].to_pylist()}
    return [digest for digest in named if f"store/edits/{digest}.png" not in server.files]


def test_a_build_killed_at_10_of_its_writes_to_s3_ends_in_the_same_bytes(tmp_path, server):
    """At every second to fourth one, in turn before it is there and when it is there but not answered.

    At no moment a shard names a picture that is not there.
    """
    out, known, puts, killed_at, child = tmp_path / "m", threading.Event(), 0, 0, 0

    def spoil(request):
        nonlocal puts
        puts += request.method == "PUT"
        if request.method != "PUT" or puts != killed_at:
            return None
        known.wait()
        os.kill(child, signal.SIGKILL)
        return None if number % 2 else CUT

    server.spoil, killed = spoil, 0
    with nursery_of(out, seed=1, store=STORE) as nursery:
        for number in range(11):
            puts, killed_at = 0, 2 + number % 3 if number < 10 else 0
            known.clear()
            child = started(nursery)
            known.set()
            killed += ended(nursery) == signal.SIGKILL
            assert not without_their_pictures(server)
    assert killed == 10
    assert bytes_of(DatasetFolder(out)) == bytes_of(build(tmp_path / "whole", modes=tuple(Mode), limit=2))
