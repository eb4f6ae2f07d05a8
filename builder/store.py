"""Results of units of work, keyed by a hash of all their inputs: append-only parquet shards in one place.

A batch of units becomes one shard, which appears whole or not at all, so a killed build loses at most the batches it
was on and the next run goes on by itself. Shards are never changed and are called by their content, so builders that
share a store on an object store cannot harm each other: at worst a unit is done twice. A shard that cannot be read and
a result whose digest does not fit are not there: the work is done again.
"""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builder.place import OWN_FOLDER, Place
from medground_bench.storage.whole_files import fingerprint, hold, sha256

SHARDS_IN_MEMORY = 8
READERS = 8
"""Shards that are read at once when a store is opened; an object store answers each after a while."""

DAMAGE = (OSError, pa.ArrowException, KeyError)
log = logging.getLogger(__name__)


class Store:
    """One kind of results: key -> bytes. On the disk use it within `locked`, so that two builders never share it.

    suffix  of files of their own, called by their content, in which results are kept beside the shards, as for
            pictures; None keeps results within the shards
    """

    def __init__(self, place: Place, suffix: str | None = None) -> None:
        self.place, self.suffix = place, suffix
        place.prepare()
        self._loaded: OrderedDict[str, pa.Table] = OrderedDict()
        self._rows: dict[str, list[tuple[str, int]]] = {}
        shards = place.names(".parquet")
        with ThreadPoolExecutor(READERS) as readers:
            for shard, keys in zip(shards, readers.map(self._keys, shards), strict=True):
                self._index(shard, keys)

    def get(self, key: str) -> bytes | None:
        """The result of a unit, None when it is still to be done (or was damaged since)."""
        places = self._rows.get(key, [])
        while places:
            shard, row = places[0]
            try:
                return self._result(shard, row)
            except DAMAGE:
                log.warning("%s: the result %s is damaged", self.place / shard, key[:12])
                places.pop(0)
        return None

    def put(self, results: Mapping[str, bytes]) -> None:
        """Keep a batch of results as one shard."""
        keys = sorted(results)
        digests = [sha256(results[key]) for key in keys]
        if self.suffix is not None:
            for key, digest in zip(keys, digests, strict=True):
                self.place.write(f"{digest}{self.suffix}", results[key])
        payloads = [results[key] if self.suffix is None else None for key in keys]
        columns = {
            "key": pa.array(keys, pa.string()),
            "payload": pa.array(payloads, pa.large_binary()),
            "sha256": pa.array(digests, pa.string()),
        }
        buffer = pa.BufferOutputStream()
        pq.write_table(
            pa.table(columns), buffer, compression="zstd", use_dictionary=False, write_statistics=False
        )
        shard = f"{fingerprint(keys=keys, digests=digests)}.parquet"
        self.place.write(shard, bytes(buffer.getvalue()))
        self._loaded.pop(shard, None)
        self._index(shard, keys)

    def _result(self, shard: str, row: int) -> bytes:
        table = self._load(shard)
        digest: str = table["sha256"][row].as_py()
        payload: bytes | None = table["payload"][row].as_py()
        if payload is None:
            payload = self.place.read(f"{digest}{self.suffix}")
        if sha256(payload) != digest:
            raise OSError("its digest does not fit")
        return payload

    def _keys(self, shard: str) -> list[str]:
        try:
            keys: list[str] = _table(self.place.read(shard), ["key"])["key"].to_pylist()
        except DAMAGE:
            log.warning("%s cannot be read; doing its units again", self.place / shard)
            return []
        return keys

    def _index(self, shard: str, keys: list[str]) -> None:
        for row, key in enumerate(keys):
            self._rows.setdefault(key, []).append((shard, row))

    def _load(self, shard: str) -> pa.Table:
        if shard not in self._loaded:
            self._loaded[shard] = _table(self.place.read(shard))
            while len(self._loaded) > SHARDS_IN_MEMORY:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(shard)
        return self._loaded[shard]


def _table(content: bytes, columns: list[str] | None = None) -> pa.Table:
    return pq.read_table(pa.BufferReader(content), columns=columns)


def held(place: Place) -> AbstractContextManager[None]:
    """Hold a store for this process where it is on the disk; elsewhere several may share it."""
    return nullcontext() if place.local is None else locked(place.local)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the lock goes with the process, also by kill -9."""
    folder.mkdir(OWN_FOLDER, parents=True, exist_ok=True)
    lock = folder / ".lock"
    with lock.open("a+", encoding="utf-8") as file:
        file.seek(0)
        hold(file, folder, f"the builder with process id {file.read().strip()}")
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
