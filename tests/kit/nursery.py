"""Real builds in processes of their own that can be killed, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]

NURSERY = """
import os, signal, sys, tempfile
from pathlib import Path
import datasets, numpy as np
from medground_bench.core.types import Mode
from tests.kit.builds import build
from tests.kit.fakes import RuleLvlm

out, store, cluster = Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3]
if cluster:
    from builder.engines.ray import RayEngine
    from medground_bench.runs.ray_cluster import Cluster
    from tests.kit.broken_lvlms import open_broken

with tempfile.TemporaryDirectory() as folder:
    build(Path(folder) / "m", limit=2)

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
        engine, lvlm = None, RuleLvlm(seconds_per_call=seconds_per_call)
        if cluster:
            engine = RayEngine(Cluster(1, 0, cluster), opening=open_broken)
            lvlm = engine.open("rule")
        build(out, lvlm=lvlm, modes=tuple(Mode), limit=2, store=store, engine=engine)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""
"""A process that has built once and so knows the phantoms and their boxes, and forks one build after the other.
Folders are listed in a shuffled order.

A build can kill itself when it has written so much: a file is flushed once, after that its folder is.
"""


@contextmanager
def nursery_of(
    out: Path, seed: int, *, store: str = "", cluster: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """The process; its builds go to a dataset folder.

    store    an address; else it is beside the folder
    cluster  of Ray, whose worker then does the units
    """
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(out), store, cluster],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(seed), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as nursery:
        yield nursery
        nursery.stdin.close()


def started(nursery: subprocess.Popen[str], *, seconds_per_call: float = 0.0, killed_at: int = 0) -> int:
    """The process id of a build that begins; it kills itself when it flushes for the so manieth time."""
    nursery.stdin.write(f"{seconds_per_call} {killed_at}\n")
    nursery.stdin.flush()
    return int(nursery.stdout.readline())


def ended(nursery: subprocess.Popen[str]) -> int:
    """How it ended: 0, or the number of the signal."""
    return int(nursery.stdout.readline())
