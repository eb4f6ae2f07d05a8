"""Work for Ray's workers that needs no LVLM."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

from tests.kit.fakes import RuleLvlm


@dataclass
class Measuring:
    """Says of each array how many items it has, and on which machine it was; `seconds` a batch."""

    lvlm: RuleLvlm

    def __call__(self, arrays, seconds):
        import ray

        time.sleep(seconds)
        return [(array.size, ray.get_runtime_context().get_node_id()) for array in arrays]


@dataclass
class Deadly:
    """Gives items back; an odd one kills its process before the answer before it may have left."""

    lvlm: RuleLvlm

    def __call__(self, items, _context):
        if any(item % 2 for item in items):
            os.kill(os.getpid(), signal.SIGKILL)
        return list(items)


def no_code() -> str:
    """Of work that depends on none."""
    return "0"


def code_of_this_process() -> str:
    """Of work that no two processes do alike."""
    return str(os.getpid())
