"""ZeroGPU: a GPU that is lent for the seconds a run says it needs. Elsewhere nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TypeAlias

from medground_bench.runs.live import LiveQuery, LiveStep

Steps: TypeAlias = Callable[[LiveQuery], Iterator[LiveStep]]


def on_gpu(steps: Steps, seconds: Callable[[LiveQuery], int]) -> Steps:
    """The same steps, made in a process that holds a GPU where the Space runs on ZeroGPU.

    seconds  for which it is asked; the quota is that of whoever is signed in
    """
    if find_spec("spaces") is None:
        return steps
    import spaces

    lent: Steps = spaces.GPU(duration=seconds)(steps)
    return lent
