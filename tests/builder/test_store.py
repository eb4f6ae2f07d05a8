import numpy as np
import pytest

from builder.place import Place
from builder.store import Store, locked
from medground_bench.core.errors import MedgroundError


def test_a_result_that_was_put_is_there_for_the_next_process(tmp_path):
    Store(Place(tmp_path)).put({"a": b"1", "b": b""})
    again = Store(Place(tmp_path))
    assert (again.get("a"), again.get("b"), again.get("c")) == (b"1", b"", None)


def test_leftovers_of_a_killed_write_are_cleared(tmp_path):
    leftover = tmp_path / ".x.parquet.123.tmp"
    leftover.write_bytes(b"half")
    Store(Place(tmp_path))
    assert not leftover.exists()


def test_a_shard_that_cannot_be_read_is_work_to_be_done_again(tmp_path, caplog):
    Store(Place(tmp_path)).put({"a": b"1"})
    (shard,) = tmp_path.glob("*.parquet")
    shard.write_bytes(shard.read_bytes()[:-5])
    assert Store(Place(tmp_path)).get("a") is None
    assert "doing its units again" in caplog.text


def test_a_flipped_bit_is_noticed_and_the_unit_done_again(tmp_path, caplog):
    payload = np.random.default_rng(0).bytes(4000)
    Store(Place(tmp_path)).put({"a": payload})
    (shard,) = tmp_path.glob("*.parquet")
    content = bytearray(shard.read_bytes())
    content[content.find(payload[1000:1040])] ^= 1
    shard.write_bytes(content)
    store = Store(Place(tmp_path))
    assert store.get("a") is None
    assert "damaged" in caplog.text
    store.put({"a": payload})
    assert Store(Place(tmp_path)).get("a") == payload


def test_two_builders_on_one_store_are_refused_and_the_lock_goes_with_its_holder(tmp_path):
    with locked(tmp_path), pytest.raises(MedgroundError, match="process id"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
