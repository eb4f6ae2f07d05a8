"""Axes of shares: from 0 to a tick, so that lengths are in proportion, with what is drawn against them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """A share 0..1, and the ends of its 95 % interval; None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """From 0 at one place of the sheet to `end` at another, across or upwards; places in mm, `end` a share."""

    zero_mm: float
    end_mm: float
    end: float

    def at(self, share: float) -> float:
        """The place of a share, in mm."""
        return self.zero_mm + (self.end_mm - self.zero_mm) * share / self.end

    @property
    def ticks(self) -> tuple[float, ...]:
        """Shares from 0 to the end, every tenth, or every fifth where the end is beyond a half."""
        step = _step(self.end)
        return tuple(step * number for number in range(round(self.end / step) + 1))


def end_of(scores: Iterable[Score]) -> float:
    """The first tick beyond all scores and their intervals; 1 when there are none."""
    largest = max((max(score.value, score.high or 0.0) for score in scores), default=1.0)
    step = _step(largest)
    return step * max(1, math.ceil(largest / step - 1e-9))


def _step(share: float) -> float:
    return 0.2 if share > 0.5 else 0.1
