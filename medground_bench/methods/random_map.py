"""Control: a random map, cut into boxes by the protocol. What chance alone scores where a method gives a map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from medground_bench.core.geometry import boxes_from_map
from medground_bench.core.types import Attribution, Box, Case, Frame, SaliencyMap
from medground_bench.lvlms import Lvlm, Need
from medground_bench.methods._settings import demand


@dataclass(frozen=True, kw_only=True)
class RandomMap:
    """No model call; the map depends on the generator alone, not on the case.

    >>> RandomMap().needs
    frozenset()
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    cells: int = 8  # a side of the grid, as many as the embedded LVLMs have image tokens

    def __post_init__(self) -> None:
        demand(self, self.cells > 1, "a map needs two cells a side")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """A map whose cells are uniform and independent, and the protocol's boxes of it."""
        values = rng.random((self.cells, self.cells), dtype=np.float32)
        boxes = _boxes_of(values.tobytes(), self.cells, case.study)
        return Attribution(saliency=SaliencyMap(values, case.study), boxes=boxes)


@lru_cache(maxsize=1024)
def _boxes_of(values: bytes, cells: int, frame: Frame) -> tuple[Box, ...]:
    """Of equal maps once: a board asks for the same ones on every case."""
    return boxes_from_map(SaliencyMap(np.frombuffer(values, np.float32).reshape(cells, cells), frame))


METHOD = RandomMap
CONTROL = True
DRAWS = 100
"""A board shows the mean over so many seeds: one alone is luck."""
