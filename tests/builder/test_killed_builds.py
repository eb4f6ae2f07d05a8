"""A build that is killed, at any moment, goes on by the same command and ends in the same bytes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.core.types import Mode
from tests.kit.builds import build, bytes_of

ROOT = Path(__file__).parents[2]
WRITES_BEFORE_A_KILL = 2
NUMBERED, RANDOM = 20, 6

NURSERY = """
import os, signal, sys
from pathlib import Path
import datasets, numpy as np
from medground_bench.core.types import Mode
from tests.kit.builds import build
from tests.kit.fakes import RuleLvlm

rng, really = np.random.default_rng(int(os.environ["PYTHONHASHSEED"])), (os.listdir, os.scandir, os.fsync)

class Shuffled(list):
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def close(self):
        pass

def shuffled(names):
    names = Shuffled(names)
    rng.shuffle(names)
    return names

os.listdir = lambda *where: shuffled(really[0](*where))
os.scandir = lambda *where: shuffled(really[1](*where))
synced = 0

def fsync(handle):
    global synced
    synced += 1
    if synced == killed_at:
        os.kill(os.getpid(), signal.SIGKILL)
    really[2](handle)

os.fsync = fsync
for line in sys.stdin:
    seconds_per_call, killed_at = map(float, line.split())
    child = os.fork()
    if child == 0:
        lvlm = RuleLvlm(seconds_per_call=seconds_per_call)
        build(Path(sys.argv[1]), lvlm=lvlm, modes=tuple(Mode), limit=2)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""
"""A process that has done its imports and forks one build after the other. Folders are listed in a shuffled order.

A build can kill itself when it has written so much: a file is flushed once, after that its folder is.
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a build that was left alone."""
    return bytes_of(build(tmp_path_factory.mktemp("whole") / "m", modes=tuple(Mode), limit=2))


@contextlib.contextmanager
def nursery_of(out, seed):
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(seed), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as nursery:
        yield nursery
        nursery.stdin.close()


def started(nursery, *, seconds_per_call=0.0, killed_at=0) -> int:
    nursery.stdin.write(f"{seconds_per_call} {killed_at}\n")
    nursery.stdin.flush()
    return int(nursery.stdout.readline())


def ended(nursery) -> int:
    return int(nursery.stdout.readline())


def test_a_build_killed_at_26_moments_ends_in_the_same_bytes(tmp_path, whole):
    """At 20 numbered points, before a file is renamed and before its folder is flushed, and at 6 random moments."""
    out = tmp_path / "medground-bench"
    rng, killed = np.random.default_rng(0), 0
    with nursery_of(out, seed=1) as nursery:
        for number in range(NUMBERED):
            started(nursery, killed_at=2 * WRITES_BEFORE_A_KILL + number % 3)
            killed += ended(nursery) == signal.SIGKILL
        for _ in range(RANDOM):
            child = started(nursery, seconds_per_call=0.03)
            time.sleep(rng.uniform(0.05, 0.9))
            with contextlib.suppress(ProcessLookupError):  # it was done already
                os.kill(child, signal.SIGKILL)
            killed += ended(nursery) == signal.SIGKILL
        started(nursery)
        assert ended(nursery) == 0
    assert killed >= NUMBERED + RANDOM // 2
    assert bytes_of(DatasetFolder(out)) == whole


@pytest.mark.parametrize("seed", [0, 2])
def test_neither_hash_seed_nor_the_order_of_a_listing_changes_a_byte(tmp_path, whole, seed):
    out = tmp_path / "medground-bench"
    with nursery_of(out, seed) as nursery:
        for _ in range(2):  # the second one lists what the first one wrote
            started(nursery)
            assert ended(nursery) == 0
    assert bytes_of(DatasetFolder(out)) == whole
