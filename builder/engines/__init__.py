"""Where units are done, one engine a file, called as the option `--engine` names it.

What is done for a unit is `units.made`, tried by `UnitAttempts`, on every engine. An engine only says where.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from builder.units import EditUnit, Maker, Unit, made
from medground_bench.core.errors import CaseFailed, MedgroundError
from medground_bench.lvlms import LvlmDescription

TRIES = 3
"""So often a unit is tried before it goes to quarantine; the same goes for a batch that kills its worker."""

SCARCE = ("out of memory", "can't allocate memory")
"""How libraries say in a RuntimeError that something does not fit into memory."""


@dataclass(frozen=True, slots=True)
class UnitFailure:
    """A unit that cannot be done.

    error   the traceback of its last try
    raised  name of the exception's type; empty where there was none, since the worker was killed
    """

    error: str
    raised: str = ""

    @classmethod
    def of(cls, error: Exception) -> UnitFailure:
        """What an exception leaves."""
        return cls("".join(traceback.format_exception(error)), type(error).__name__)


Outcome = bytes | UnitFailure


@dataclass(frozen=True, slots=True)
class Done:
    """A batch that is done: an outcome a unit, in order, and how often it was split because it did not fit.

    seconds  that it took where it was done
    """

    outcomes: tuple[Outcome, ...]
    halvings: int = 0
    seconds: float = 0.0


class UnitEngine(Protocol):
    """The contract of every file in this folder. Use it as a context; leaving it stops what it started.

    room  batches that it takes at once
    """

    @property
    def room(self) -> int:
        """Batches in flight that keep it busy."""
        ...

    def open(self, location: str, *, newest: bool = False) -> LvlmDescription:
        """The LVLM as units name it; opened where they will be done."""
        ...

    def start(self, ticket: int, units: Sequence[Unit], by: Maker) -> None:
        """Take on a batch of units of one kind; at most `room` of them before the next `finish`."""
        ...

    def finish(self) -> tuple[int, Done]:
        """Wait for one of the batches taken on; its ticket, and what came of it."""
        ...

    def close(self) -> None:
        """Stop what it started; batches in flight are forgotten."""
        ...


@dataclass(slots=True)
class UnitAttempts:
    """Does batches in this process, with what a batch and a unit may suffer.

    A batch that does not fit into memory is split in half, and later ones of its kind stay that small. A batch that
    raises is done unit by unit; a unit that raises 3 times, once with its batch, fails, and so does one that does not
    fit alone. An error that would be the same for every unit ends the build.

    most  kind of units -> how many fit at once
    """

    most: dict[type, int] = field(default_factory=dict)

    def __call__(self, units: Sequence[Unit], by: Maker) -> Done:
        """All units, of one kind."""
        start_s = time.perf_counter()
        kind, outcomes, splits = type(units[0]), list[Outcome](), _Splits()
        size = self.most.get(kind, len(units))
        for start in range(0, len(units), size):
            outcomes += _halving(units[start : start + size], by, splits)
        if splits.halvings and not splits.hopeless:
            self.most[kind] = splits.smallest
        return Done(tuple(outcomes), splits.halvings, time.perf_counter() - start_s)


@dataclass(slots=True)
class _Splits:
    """How often a batch was split, to what size, and whether a unit did not even fit alone."""

    halvings: int = 0
    smallest: int = sys.maxsize
    hopeless: bool = False


@dataclass(frozen=True, slots=True)
class _Trouble:
    failure: UnitFailure
    scarce: bool


def _halving(units: Sequence[Unit], by: Maker, splits: _Splits) -> list[Outcome]:
    tried = _tried(units, by)
    if not isinstance(tried, _Trouble):
        splits.smallest = min(splits.smallest, len(units))
        return list(tried)
    if not tried.scarce:
        return [_alone(unit, by) for unit in units]
    if len(units) == 1:
        splits.hopeless = True
        return [tried.failure]
    splits.halvings += 1
    half = (len(units) + 1) // 2
    return _halving(units[:half], by, splits) + _halving(units[half:], by, splits)


def _alone(unit: Unit, by: Maker) -> Outcome:
    """After the first try, which it had with its batch."""
    failure = UnitFailure("")
    for _ in range(TRIES - 1):
        tried = _tried([unit], by)
        if not isinstance(tried, _Trouble):
            return tried[0]
        failure = tried.failure
    return failure


def _tried(units: Sequence[Unit], by: Maker) -> list[bytes] | _Trouble:
    try:
        results = made(units, by)
        if len(results) != len(units):
            raise ValueError(f"{len(results)} results for {len(units)} units")
        return results
    except Exception as error:  # a model, an editor or their libraries raise what they like
        if ends_the_build(error):
            raise
        trouble = _Trouble(UnitFailure.of(error), _is_scarcity(error))
    _free_memory()  # here nothing holds the failed batch any more
    return trouble


def ends_the_build(error: Exception) -> bool:
    """Whether it has nothing to do with the unit at hand and would be the same on the next one."""
    return isinstance(error, ImportError) or (
        isinstance(error, MedgroundError) and not isinstance(error, CaseFailed)
    )


def _is_scarcity(error: Exception) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in SCARCE)


def _free_memory() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def batch_size(kind: type) -> int:
    """Units that are done together: native pictures are large, and editors take one at a time."""
    return 4 if kind is EditUnit else 16
