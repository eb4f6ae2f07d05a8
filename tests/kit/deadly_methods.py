"""Methods that kill the process they run in, and one that raises what no case may suffer."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from medground_bench.core.types import Attribution, Box


@dataclass(frozen=True)
class Deadly:
    """Kills its process on one case: every time, or once when there is a file that tells that it was done."""

    on: str
    flag: str = ""
    needs = frozenset()

    def __repr__(self) -> str:
        return "Harmless()"

    def attribute(self, lvlm, case, rng):
        if case.case_id == self.on and not (self.flag and Path(self.flag).exists()):
            if self.flag:
                Path(self.flag).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Attribution(boxes=(Box(50, 50, 60 + rng.uniform(), 70, case.study),))


@dataclass(frozen=True)
class Faulty:
    """A method with a fault of its own."""

    needs = frozenset()

    def attribute(self, lvlm, case, rng):
        raise ZeroDivisionError(f"at {case.case_id}")
