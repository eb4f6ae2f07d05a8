"""A build that is killed, at any moment, goes on by the same command and ends in the same bytes."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import numpy as np
import pytest

from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.core.types import Mode
from tests.kit.builds import build, bytes_of
from tests.kit.nursery import ended, nursery_of, started

WRITES_BEFORE_A_KILL = 2
NUMBERED, RANDOM = 20, 6


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a build that was left alone."""
    return bytes_of(build(tmp_path_factory.mktemp("whole") / "m", modes=tuple(Mode), limit=2))


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
