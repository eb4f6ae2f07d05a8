"""Results of units of work, keyed by a hash of all their inputs: append-only parquet shards in one folder.

A batch of units becomes one shard, which appears whole or not at all, so a killed build loses at most the batch it was
on and the next run goes on by itself. A shard that cannot be read and a result whose digest does not fit are not there:
the work is done again.
"""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from medground_bench.storage.whole_files import clear_leftovers, fingerprint, hold, sha256, write_whole

SHARDS_IN_MEMORY = 8
log = logging.getLogger(__name__)


class Store:
    """One kind of results: key -> bytes. Use within `locked`, so that two builders never share a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        clear_leftovers(folder)
        self._loaded: OrderedDict[Path, pa.Table] = OrderedDict()
        self._places: dict[str, tuple[Path, int]] = {}
        for shard in sorted(folder.glob("*.parquet")):
            self._index(shard)

    def get(self, key: str) -> bytes | None:
        """The result of a unit, None when it is still to be done (or was damaged since)."""
        place = self._places.get(key)
        if place is None:
            return None
        shard, row = place
        try:
            table = self._load(shard)
            payload: bytes = table["payload"][row].as_py()
            if sha256(payload) == table["sha256"][row].as_py():
                return payload
        except (OSError, pa.ArrowException):
            pass
        log.warning("%s: the result %s is damaged; doing that unit again", shard, key[:12])
        del self._places[key]
        return None

    def put(self, results: Mapping[str, bytes]) -> None:
        """Keep a batch of results as one shard."""
        keys = sorted(results)
        payloads = [results[key] for key in keys]
        columns = {
            "key": pa.array(keys, pa.string()),
            "payload": pa.array(payloads, pa.large_binary()),
            "sha256": pa.array([sha256(payload) for payload in payloads], pa.string()),
        }
        buffer = pa.BufferOutputStream()
        pq.write_table(
            pa.table(columns), buffer, compression="zstd", use_dictionary=False, write_statistics=False
        )
        shard = self.folder / f"{fingerprint(keys=keys)}.parquet"
        write_whole(shard, bytes(buffer.getvalue()))
        self._loaded.pop(shard, None)
        self._places.update({key: (shard, row) for row, key in enumerate(keys)})

    def _index(self, shard: Path) -> None:
        try:
            keys = pq.read_table(shard, columns=["key"])["key"].to_pylist()
        except (OSError, pa.ArrowException):
            log.warning("%s cannot be read; doing its units again", shard)
            return
        for row, key in enumerate(keys):
            self._places.setdefault(key, (shard, row))

    def _load(self, shard: Path) -> pa.Table:
        if shard not in self._loaded:
            self._loaded[shard] = pq.read_table(shard)
            while len(self._loaded) > SHARDS_IN_MEMORY:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(shard)
        return self._loaded[shard]


def done_once(
    store: Store, keys: Sequence[str], make: Callable[[Sequence[int]], Sequence[bytes]]
) -> list[bytes]:
    """The results of the units, in order; those not in the store are made together, each once, and kept as one shard.

    make  positions in `keys` -> their results, in that order
    """
    payloads = {key: payload for key in dict.fromkeys(keys) if (payload := store.get(key)) is not None}
    missing = {key: position for position, key in reversed(list(enumerate(keys))) if key not in payloads}
    if missing:
        positions = sorted(missing.values())
        new = {keys[position]: payload for position, payload in zip(positions, make(positions), strict=True)}
        store.put(new)
        payloads |= new
    return [payloads[key] for key in keys]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the lock goes with the process, also by kill -9."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / ".lock"
    with lock.open("a+", encoding="utf-8") as file:
        file.seek(0)
        hold(file, folder, f"the builder with process id {file.read().strip()}")
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
