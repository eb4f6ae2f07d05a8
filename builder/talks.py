"""Carries out what talks with an LVLM want next: from the store where it is there, else by an engine.

A talk is a generator that yields waves of units and is sent their results. Waves are cut into the same batches
whatever the engine and however often the build was stopped, and a batch is kept as a whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from builder.counters import Counters, kind_of_call
from builder.engines import Done, UnitEngine, UnitFailure, batch_size
from builder.quarantine import Quarantine, Quarantined
from builder.store import Store
from builder.units import EditUnit, Maker, Unit, name_of
from medground_bench.core.errors import MedgroundError

MOST_IN_A_ROW = 20
"""Units that may go to quarantine with none done between them; then it is not the units that are at fault."""


class NothingWorks(MedgroundError):
    """An LVLM, editor or source that fails on everything."""


@dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """Units of one kind that are wanted together, and who does them."""

    units: Sequence[Unit]
    by: Maker


Results: TypeAlias = Mapping[str, bytes | None]
"""Key -> result of a unit, None for one in quarantine."""

Talk: TypeAlias = Generator[Wave, Results, None]
Subject = TypeVar("Subject")


@dataclass(slots=True, eq=False)
class _Lane(Generic[Subject]):
    """A talk on its way.

    batches  of its wave that are not done yet
    """

    subject: Subject
    talk: Talk
    results: dict[str, bytes | None] = field(default_factory=dict)
    batches: int = 0
    begun: bool = False
    ended: bool = False

    def next_wave(self) -> Wave | None:
        """What it wants after the results so far; None at its end."""
        results, self.results = self.results, {}
        try:
            wave = self.talk.send(results) if self.begun else next(self.talk)
        except StopIteration:
            self.ended = True
            return None
        self.begun = True
        return wave


@dataclass(slots=True, eq=False)
class _Batch(Generic[Subject]):
    lane: _Lane[Subject]
    units: Sequence[Unit]
    by: Maker


@dataclass(slots=True, eq=False)
class Desk:
    """Where results are kept, what is set aside, who works, and what is counted."""

    edits: Store
    answers: Store
    quarantine: Quarantine
    engine: UnitEngine
    counters: Counters
    failed_in_a_row: int = 0

    def carried_out(self, talks: Iterable[tuple[Subject, Talk]]) -> Iterator[Subject]:
        """The subject of each talk once it has ended, in order; enough are on their way to keep the engine busy."""
        coming, lanes = iter(talks), deque[_Lane[Subject]]()
        waiting, out, ticket = deque[_Batch[Subject]](), dict[int, _Batch[Subject]](), 0
        while True:
            while (
                sum(not lane.ended for lane in lanes) <= self.engine.room
                and (new := next(coming, None)) is not None
            ):
                lanes.append(_Lane(*new))
                waiting += self._wanted(lanes[-1])
            while lanes and lanes[0].ended:
                yield lanes.popleft().subject
            if not lanes:
                if new is None:
                    return
                continue
            while waiting and len(out) < self.engine.room:
                batch = out[ticket] = waiting.popleft()
                self.engine.start(ticket, batch.units, batch.by)
                ticket += 1
            number, done = self.engine.finish()
            waiting += self._settled(out.pop(number), done)

    def set_aside(self, entry: Quarantined) -> None:
        """Put a unit in quarantine."""
        self.quarantine.add(entry)
        self.failed_in_a_row += 1
        if self.failed_in_a_row >= MOST_IN_A_ROW:
            raise NothingWorks(
                f"{self.failed_in_a_row} units in a row could not be done, the last one: {entry}. That is no fault of "
                "theirs. Mend it, and run the same command again with --retry-quarantine."
            )

    def _wanted(self, lane: _Lane[Subject]) -> Iterator[_Batch[Subject]]:
        """The batches of the next wave of which something is still to be done."""
        while not lane.batches and (wave := lane.next_wave()) is not None:
            units = list({unit.key: unit for unit in wave.units}.values())
            size = batch_size(type(units[0])) if units else 1
            for start in range(0, len(units), size):
                missing = [unit for unit in units[start : start + size] if self._is_missing(unit, lane)]
                if missing:
                    lane.batches += 1
                    yield _Batch(lane, missing, wave.by)

    def _is_missing(self, unit: Unit, lane: _Lane[Subject]) -> bool:
        found = self._store(unit).get(unit.key)
        if found is None and not self.quarantine.holds(unit.key):
            return True
        lane.results[unit.key] = found
        self.counters.count(_kind(unit), "lost" if found is None else "reused")
        return False

    def _settled(self, batch: _Batch[Subject], done: Done) -> Iterator[_Batch[Subject]]:
        """Keep what came of a batch; the batches of the lane's next wave, if this was the last of its wave."""
        good: dict[str, bytes] = {}
        failed: list[tuple[Unit, UnitFailure]] = []
        for unit, outcome in zip(batch.units, done.outcomes, strict=True):
            if isinstance(outcome, UnitFailure):
                failed.append((unit, outcome))
            else:
                good[unit.key] = outcome
        if good:
            self._store(batch.units[0]).put(good)
            self.quarantine.release(good)
            self.failed_in_a_row = 0
        batch.lane.results |= good
        self.counters.halvings += done.halvings
        self.counters.count(_kind(batch.units[0]), "made", len(good))
        self.counters.took(_kind(batch.units[0]), done.seconds)
        for unit, failure in failed:
            batch.lane.results[unit.key] = None
            self.counters.count(_kind(unit), "lost")
            self.set_aside(_entry(unit, batch.by, failure))
        batch.lane.batches -= 1
        return self._wanted(batch.lane)

    def _store(self, unit: Unit) -> Store:
        return self.edits if isinstance(unit, EditUnit) else self.answers


def _kind(unit: Unit) -> str:
    return "edits" if isinstance(unit, EditUnit) else kind_of_call(unit.picture)


def _entry(unit: Unit, by: Maker, failure: UnitFailure) -> Quarantined:
    what = "edit" if isinstance(unit, EditUnit) else "LVLM"
    return Quarantined(unit.key, what, name_of(by), unit.of, unit.picture, failure.error, failure.raised)
