"""What a cluster may suffer: a machine that is lost at work, and memory that is full."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from medground_bench.runs.ray_cluster import REACH_S
from tests.kit.broken_lvlms import open_broken
from tests.kit.ray_work import Deadly, Measuring, code_of_this_process, no_code

pytestmark = pytest.mark.ray
ROOT = Path(__file__).parents[2]
STORE_BYTES = 80 * 2**20


@pytest.fixture
def ray_workers():
    """The module, with no cluster before or after."""
    module = pytest.importorskip("medground_bench.runs.ray_workers")
    token = [sys.executable, "-m", "ray.scripts.scripts", "get-auth-token", "--generate"]
    subprocess.run(token, check=True, capture_output=True)
    yield module
    module.ray.shutdown()


def hired(ray_workers, count):
    return ray_workers.RayWorkers(Measuring, no_code, ray_workers.Cluster(count, 0), opening=open_broken)


def test_a_machine_lost_at_work_costs_nothing_while_another_is_there(ray_workers):
    from ray.cluster_utils import Cluster

    machine = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**machine, "include_dashboard": False})
    doomed = cluster.add_node(**machine)
    ray_workers.connect(ray_workers.Cluster(address=cluster.address))
    results, last = {}, None
    with contextlib.closing(hired(ray_workers, 2)) as workers:
        workers.open("rule")
        for ticket in itertools.count():
            if ticket >= workers.room:
                collect(workers, results)
            if last is None and {machine for _, machine in results.values()} > {doomed.node_id}:
                cluster.remove_node(doomed, allow_graceful=False)
                last = ticket + 8
            if ticket == last:
                break
            workers.start(ticket, [np.zeros(ticket)], 0.2)
        while len(results) < last:
            collect(workers, results)
    ray_workers.ray.shutdown()
    cluster.shutdown()
    assert {ticket: size for ticket, (size, _) in results.items()} == {size: size for size in range(last)}


def collect(workers, results):
    finished = workers.finish()
    ((_, (result,)),) = finished.parts
    results[finished.ticket] = result


def test_what_was_done_before_a_worker_was_killed_is_not_given_up_for_what_killed_it(ray_workers):
    ray_workers.connect(ray_workers.Cluster(1))
    hired = ray_workers.RayWorkers(Deadly, no_code, ray_workers.Cluster(1, 0), opening=open_broken)
    parts = {}
    with contextlib.closing(hired) as workers:
        workers.open("rule")
        for item in range(4):
            if item >= workers.room:
                finished = workers.finish()
                parts[finished.ticket] = finished.parts
            workers.start(item, [item], None)
        while len(parts) < 4:
            finished = workers.finish()
            parts[finished.ticket] = finished.parts
    for item, [(_, result)] in parts.items():
        assert isinstance(result, ray_workers.Killed) if item % 2 else result == [item]


FULL = """
import contextlib
import numpy as np
from medground_bench.runs import ray_workers
from medground_bench.runs.ray_cluster import REACH_S
from tests.kit.broken_lvlms import open_broken
from tests.kit.ray_work import Measuring, no_code
ray_workers.OBJECTS_BYTES = 80 * 2**20
with contextlib.closing(
    ray_workers.RayWorkers(Measuring, no_code, ray_workers.Cluster(1, 0), opening=open_broken)
) as workers:
    workers.open("rule")
    try:
        for ticket in range(3):
            workers.start(ticket, [np.ones(60 * 2**20, np.uint8)], 1)
        workers.finish()
    except ray_workers.RayTrouble as trouble:
        print(trouble)
"""


def test_memory_that_is_full_is_said_in_a_sentence():
    no_disk = {"RAY_local_fs_capacity_threshold": "0.0001"}  # where Ray would move what is too much
    child = [sys.executable, "-c", FULL]
    said = subprocess.run(
        child, check=True, env=os.environ | no_disk, cwd=ROOT, capture_output=True, text=True
    ).stdout
    assert re.search(r"^the memory .* is full \(OutOfDiskError\)\. .* is kept", said, re.MULTILINE), said


def test_a_cluster_that_is_not_there_is_said_at_once(ray_workers):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    start_s = time.monotonic()
    with pytest.raises(ray_workers.RayTrouble, match=rf"{address} cannot be reached \(.*refused\)\. Is `ray"):
        ray_workers.connect(ray_workers.Cluster(address=address))
    assert time.monotonic() - start_s < REACH_S


def test_workers_with_other_code_are_refused(ray_workers):
    ray_workers.connect(ray_workers.Cluster(1))
    other = ray_workers.RayWorkers(
        Measuring, code_of_this_process, ray_workers.Cluster(1, 0), opening=open_broken
    )
    with (
        contextlib.closing(other) as workers,
        pytest.raises(ray_workers.RayTrouble, match="another version of MedGround-Bench"),
    ):
        workers.open("rule")
