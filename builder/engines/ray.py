"""Ray: many workers, on this machine or a cluster, each with its own LVLM; the results come back to one builder.

A worker that dies is started again, and its batches are given out again. Of several batches that were with it only the
oldest can be guilty, because a worker does them in turn; a batch that was the oldest at 3 deaths is split into its
units, and a unit that was the oldest at 3 deaths fails.

Source of the pattern: measured on Ray 2.60. A cluster listens on every interface of its machine, so it always wants its
token, and tells nobody that it is used.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from builder.engines import TRIES, Done, Outcome, UnitAttempts, UnitFailure
from builder.units import EditUnit, Maker, Named, Unit, name_of
from medground_bench import lvlms
from medground_bench.core.errors import MedgroundError, one_line
from medground_bench.lvlms import Lvlm
from medground_bench.lvlms.server.address import Address
from medground_bench.runs.code_version import lvlm_code

SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token"}
os.environ |= SETTINGS  # Ray reads them when it is imported

import ray  # noqa: E402
from ray.exceptions import ObjectStoreFullError, OutOfDiskError, RayError, RayTaskError  # noqa: E402

IN_FLIGHT = 2
"""Batches that are with a worker: one is done, the next one is there already."""

OBJECTS_BYTES = 256 * 2**20
"""Memory in which batches travel, on this machine; Ray itself would take a third of all there is."""

POLL_S, WAKE_S = 0.5, 900.0
"""How often a worker that died is asked whether it is back, and how long all may take; large LVLMs load slowly."""

Opening = Callable[..., Lvlm]


class RayTrouble(MedgroundError):
    """A cluster that cannot be reached, started or kept at work."""


@dataclass(frozen=True, slots=True)
class RemoteLvlm:
    """What the builder knows of an LVLM that is with the workers.

    code  of the library on the worker that opened it, which is a part of every response's key
    """

    key: str
    revision: str
    precision: str
    code: str
    location: str
    newest: bool


class Worker:
    """Lives in a process of its own, with one LVLM, which it opens when it is asked who it is."""

    def __init__(self, opening: Opening, location: str, newest: bool) -> None:
        self.opening = partial(opening, location, newest=newest)
        self.location, self.newest = location, newest
        self.attempts = UnitAttempts()
        self.editors: dict[str, Maker] = {}

    def identity(self) -> RemoteLvlm:
        """Of its LVLM and the code around it."""
        lvlm = self._lvlm()
        return RemoteLvlm(lvlm.key, lvlm.revision, lvlm.precision, lvlm_code(), self.location, self.newest)

    def do(self, units: Sequence[Unit], editor: Maker | None) -> Done:
        """A batch: edits when there is an editor, else responses."""
        if editor is None:
            return self.attempts(units, self._lvlm())
        return self.attempts(units, self.editors.setdefault(name_of(editor), editor))

    def _lvlm(self) -> Lvlm:
        if not hasattr(self, "lvlm"):
            self.lvlm = self.opening()
        return self.lvlm


@dataclass(slots=True, eq=False)
class _Job:
    """A batch that was taken on, and what is known of its units so far."""

    ticket: int
    units: Sequence[Unit]
    editor: Maker | None
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    halvings: int = 0

    def done(self) -> Done:
        return Done(tuple(self.outcomes[place] for place in range(len(self.units))), self.halvings)


@dataclass(slots=True, eq=False)
class _Part:
    """Units of a job that are given to one worker together, by their places; and the deaths they are guilty of."""

    job: _Job
    places: range
    deaths: int = 0


@dataclass(slots=True, eq=False)
class _Hand:
    """A worker: the calls that are with it, the oldest first, and whether it is back after a death."""

    actor: ray.actor.ActorHandle[Worker]
    calls: deque[tuple[ray.ObjectRef, _Part]] = field(default_factory=deque)
    waking: ray.ObjectRef | None = None
    died: float = 0.0


class RayEngine:
    """See `UnitEngine`.

    workers  None for one a GPU (or share of one), or a single one where there is none
    gpus     of each worker; None for 1 where there is one
    address  of a cluster that is there; None starts one on this machine
    opening  how a worker opens an LVLM
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        gpus: float | None = None,
        address: str | None = None,
        opening: Opening = lvlms.open_lvlm,
    ) -> None:
        self._started = not ray.is_initialized()
        if self._started:
            _connect(address, workers)
        here = ray.cluster_resources().get("GPU", 0.0)
        self.gpus = min(here, 1.0) if gpus is None else gpus
        self.workers = workers or max(1, int(here // self.gpus) if self.gpus else 1)
        self.room = IN_FLIGHT * self.workers
        self._opening = opening
        self._hands: list[_Hand] = []
        self._lvlm: RemoteLvlm | None = None
        self._todo: deque[_Part] = deque()

    def open(self, location: str, *, newest: bool = False) -> Named:
        """See `UnitEngine`. One worker opens it, the others when there is work; RayTrouble for one behind a server."""
        if Address.parse(location) is not None:
            raise RayTrouble(
                f"{location} is asked over HTTP, and its server works on many pictures at once. Use --engine local: "
                "only there it is known which pictures may be sent to it."
            )
        return self._switch(location, newest)

    def start(self, ticket: int, units: Sequence[Unit], by: Maker) -> None:
        """See `UnitEngine`."""
        if isinstance(by, RemoteLvlm) and self._lvlm != by:
            self._switch(by.location, by.newest)
        while len(self._hands) < self.workers:
            assert self._lvlm is not None
            self._hands.append(self._hire(self._lvlm.location, self._lvlm.newest))
        editor = by if isinstance(units[0], EditUnit) else None
        self._todo.append(_Part(_Job(ticket, units, editor), range(len(units))))

    def finish(self) -> tuple[int, Done]:
        """See `UnitEngine`."""
        while True:
            self._give_out()
            waited = [hand.calls[0][0] for hand in self._hands if hand.calls]
            waited += [hand.waking for hand in self._hands if hand.waking is not None]
            ray.wait(waited, num_returns=1, timeout=POLL_S)
            for hand in self._hands:
                self._look_after(hand)
                job = self._collected(hand)
                if job is not None:
                    return job.ticket, job.done()
            self._refuse_to_wait_for_ever()

    def close(self) -> None:
        """See `UnitEngine`."""
        self._dismiss()
        if self._started:
            ray.shutdown()

    def _switch(self, location: str, newest: bool) -> RemoteLvlm:
        self._dismiss()
        hand = self._hire(location, newest)
        with _said(f"the LVLM {location} cannot be opened by a worker"):
            lvlm: RemoteLvlm = ray.get(hand.actor.identity.remote())
        hand.waking = None
        if lvlm.code != lvlm_code():
            raise RayTrouble(
                "the workers run another version of MedGround-Bench or of its libraries than this machine, so their "
                "responses would not be those that are asked for. Install the same one everywhere."
            )
        self._hands, self._lvlm = [hand], lvlm
        return lvlm

    def _hire(self, location: str, newest: bool) -> _Hand:
        actor = ray.remote(Worker).options(
            num_cpus=1, num_gpus=self.gpus, max_restarts=-1, max_task_retries=0
        )
        hand = _Hand(actor.remote(self._opening, location, newest), died=time.monotonic())
        hand.waking = hand.actor.identity.remote()
        return hand

    def _dismiss(self) -> None:
        for hand in self._hands:
            ray.kill(hand.actor)
        self._hands = []
        self._todo.clear()

    def _give_out(self) -> None:
        for hand in self._hands:
            while self._todo and hand.waking is None and len(hand.calls) < IN_FLIGHT:
                part = self._todo.popleft()
                units = [part.job.units[place] for place in part.places]
                with _said("a batch cannot be given to a worker"):
                    hand.calls.append((hand.actor.do.remote(units, part.job.editor), part))

    def _collected(self, hand: _Hand) -> _Job | None:
        """What the oldest call of a worker came to; its job when that was the last of it."""
        if not hand.calls or not ray.wait([hand.calls[0][0]], timeout=0)[0]:
            return None
        call, part = hand.calls.popleft()
        job = part.job
        try:
            done: Done = ray.get(call)
        except RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from None
        except (ObjectStoreFullError, OutOfDiskError) as error:
            raise _full(error) from None
        except RayError as error:
            self._bury(hand, part, error)
        else:
            job.halvings += done.halvings
            job.outcomes |= zip(part.places, done.outcomes, strict=True)
        return job if len(job.outcomes) == len(job.units) else None

    def _bury(self, hand: _Hand, guilty: _Part, error: RayError) -> None:
        """Give out again what was with a worker that died."""
        self._todo.extendleft(part for _, part in reversed(hand.calls))
        hand.calls.clear()
        hand.died, hand.waking = time.monotonic(), hand.actor.identity.remote()
        guilty.deaths += 1
        if guilty.deaths < TRIES:
            self._todo.append(guilty)
        elif len(guilty.places) > 1:
            self._todo.extend(_Part(guilty.job, range(place, place + 1)) for place in guilty.places)
        else:
            said = f"it killed its worker {TRIES} times: {type(error).__name__}: {one_line(error)}\n"
            guilty.job.outcomes[guilty.places.start] = UnitFailure(said)

    def _look_after(self, hand: _Hand) -> None:
        """See whether a worker that is new, or that died, can work; one with another LVLM than the rest cannot."""
        if hand.waking is None or not ray.wait([hand.waking], timeout=0)[0]:
            return
        with _said("a worker cannot be started again"):
            try:
                identity: RemoteLvlm = ray.get(hand.waking)
            except ray.exceptions.ActorUnavailableError:  # not yet
                time.sleep(POLL_S)
                hand.waking = hand.actor.identity.remote()
                return
        hand.waking = None
        if identity != self._lvlm:
            raise RayTrouble(
                f"the workers have different versions of {identity.location}. Name it by its commit."
            )

    def _refuse_to_wait_for_ever(self) -> None:
        now = time.monotonic()
        if all(hand.waking is not None and now - hand.died > WAKE_S for hand in self._hands):
            raise RayTrouble(
                f"no worker could be started for {WAKE_S / 60:.0f} minutes. Are there {self.workers} times "
                f"{self.gpus:g} GPUs and a CPU? What is done is kept: the same command goes on from there."
            )


def _connect(address: str | None, workers: int | None) -> None:
    """Join or start a cluster; Ray's own handler of SIGTERM does not stay."""
    with _signals_kept():
        try:
            if address is not None:
                ray.init(address=address, log_to_driver=False, logging_level="ERROR")
            else:
                ray.init(
                    address="local",
                    num_cpus=max(workers or 1, os.cpu_count() or 1),
                    object_store_memory=OBJECTS_BYTES,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level="ERROR",
                )
        except (ConnectionError, RuntimeError, ValueError, RayError) as error:
            raise RayTrouble(f"the Ray cluster {address or 'on this machine'}: {one_line(error)}") from error


@contextmanager
def _signals_kept() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Errors of Ray as one sentence."""
    try:
        yield
    except (ObjectStoreFullError, OutOfDiskError) as error:
        raise _full(error) from None
    except RayTaskError as error:
        raise (error.cause if isinstance(error.cause, Exception) else error) from None
    except RayError as error:
        raise RayTrouble(f"{what}: {one_line(error)}") from None


def _full(error: RayError) -> RayTrouble:
    return RayTrouble(
        f"the memory in which Ray moves pictures is full: {one_line(error)}. Use fewer workers, or free disk "
        "and memory. What is done is kept: the same command goes on from there."
    )


ENGINE = RayEngine
