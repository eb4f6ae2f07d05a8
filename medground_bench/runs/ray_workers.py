"""Ray: many workers, on this machine or a cluster, each with its own LVLM; the results come back to one program.

A worker that dies is started again, and its batches are given out again. A worker does its batches in turn, so the
oldest of them is suspected; but that one may have been done, and its answer lost when the next killed the worker. So
what is suspected is with a worker alone from then on. A batch that is suspected 3 times is split into its items, and an
item that is suspected 3 times is given up. A lost machine is the death of its workers.

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
from typing import Generic, TypeAlias, TypeVar

from medground_bench import lvlms
from medground_bench.core.errors import one_line
from medground_bench.lvlms import Lvlm, Need
from medground_bench.lvlms.server.address import Address
from medground_bench.runs.ray_cluster import ONE_HERE, Cluster, RayTrouble, demand_reachable

SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token"}
os.environ |= SETTINGS  # Ray reads them when it is imported

import ray  # noqa: E402
from ray.exceptions import ObjectStoreFullError, OutOfDiskError, RayError, RayTaskError  # noqa: E402

IN_FLIGHT = 2
"""Batches that are with a worker: one is done, the next one is there already."""

DEATHS = 3
"""So often a batch, and then each of its items, may kill a worker."""

OBJECTS_BYTES = 256 * 2**20
"""Memory in which batches travel, on this machine; Ray itself would take a third of all there is."""

POLL_S, WAKE_S = 0.5, 900.0
"""How often a worker that died is asked whether it is back, and how long all may take; large LVLMs load slowly."""

Opening: TypeAlias = Callable[..., Lvlm]
Item = TypeVar("Item")
Context = TypeVar("Context")
Result = TypeVar("Result")
Work: TypeAlias = Callable[[Sequence[Item], Context], Result]
"""What a worker does with a batch of items; the context is the same for all of them."""


@dataclass(frozen=True, slots=True)
class RemoteLvlm:
    """What is known here of an LVLM that is with the workers; see `LvlmDescription`.

    code  of the library on the worker that opened it, which is a part of every result's key
    """

    key: str
    revision: str
    precision: str
    gives: frozenset[Need]
    layers: int
    heads: int
    code: str
    location: str
    newest: bool


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of an item that killed its worker each time: the last death, in a sentence."""

    said: str


@dataclass(frozen=True, slots=True)
class Finished(Generic[Result]):
    """A batch that is done: the result of each part that was done in one go, and which items of the batch it is of."""

    ticket: int
    parts: tuple[tuple[range, Result | Killed], ...]


class Worker(Generic[Item, Context, Result]):
    """Lives in a process of its own, with one LVLM, which it opens when it is asked who it is."""

    def __init__(
        self,
        opening: Opening,
        work: Callable[[Lvlm], Work[Item, Context, Result]],
        code: Callable[[], str],
        location: str,
        newest: bool,
    ) -> None:
        self.opening, self.work, self.code = opening, work, code
        self.location, self.newest = location, newest

    def identity(self) -> RemoteLvlm:
        """Of its LVLM and the code around it."""
        if not hasattr(self, "lvlm"):
            self.lvlm = self.opening(self.location, newest=self.newest)
            self.at_work = self.work(self.lvlm)
        lvlm = self.lvlm
        described = (lvlm.key, lvlm.revision, lvlm.precision, lvlm.gives, lvlm.layers, lvlm.heads)
        return RemoteLvlm(*described, self.code(), self.location, self.newest)

    def do(self, items: Sequence[Item], context: Context) -> Result:
        """A batch."""
        self.identity()
        return self.at_work(items, context)


@dataclass(slots=True, eq=False)
class _Job(Generic[Item, Context, Result]):
    """A batch that was taken on, and the parts of it that are done."""

    ticket: int
    items: Sequence[Item]
    context: Context
    parts: list[tuple[range, Result | Killed]] = field(default_factory=list)

    def finished(self) -> Finished[Result] | None:
        """None while some of it is not done."""
        if sum(len(places) for places, _ in self.parts) < len(self.items):
            return None
        return Finished(self.ticket, tuple(sorted(self.parts, key=lambda part: part[0].start)))


@dataclass(slots=True, eq=False)
class _Part(Generic[Item, Context, Result]):
    """Items of a job that are given to one worker together, by their places; and the deaths they are suspected of."""

    job: _Job[Item, Context, Result]
    places: range
    deaths: int = 0


@dataclass(slots=True, eq=False)
class _Hand(Generic[Item, Context, Result]):
    """A worker: the calls that are with it, the oldest first, and whether it is back after a death."""

    actor: ray.actor.ActorHandle[Worker[Item, Context, Result]]
    calls: deque[tuple[ray.ObjectRef, _Part[Item, Context, Result]]] = field(default_factory=deque)
    waking: ray.ObjectRef | None = None
    died: float = 0.0

    def takes(self, part: _Part[Item, Context, Result]) -> bool:
        """Whether it can be given another part now; one that is suspected is with it alone."""
        if self.waking is not None or len(self.calls) >= IN_FLIGHT:
            return False
        return not self.calls or not (part.deaths or self.calls[-1][1].deaths)


class RayWorkers(Generic[Item, Context, Result]):
    """Workers with one LVLM. What they are made of travels to them, so it can be pickled.

    work     what a worker does, made around its LVLM
    code     digest of the code that decides its results; where a worker has another one, it is refused
    opening  how a worker opens an LVLM
    """

    def __init__(
        self,
        work: Callable[[Lvlm], Work[Item, Context, Result]],
        code: Callable[[], str],
        cluster: Cluster = ONE_HERE,
        *,
        opening: Opening = lvlms.open_lvlm,
    ) -> None:
        self._started = not ray.is_initialized()
        if self._started:
            connect(cluster)
        here = ray.cluster_resources().get("GPU", 0.0)
        self.gpus = min(here, 1.0) if cluster.gpus is None else cluster.gpus
        self.workers = cluster.workers or max(1, int(here // self.gpus) if self.gpus else 1)
        self.room = IN_FLIGHT * self.workers
        self._opening, self._work, self._code = opening, work, code
        self._hands: list[_Hand[Item, Context, Result]] = []
        self._todo: deque[_Part[Item, Context, Result]] = deque()
        self.lvlm: RemoteLvlm | None = None

    def open(self, location: str, *, newest: bool = False) -> RemoteLvlm:
        """What an LVLM is; one worker opens it, the others when there is work. Whatever is with workers is forgotten.

        RayTrouble for an LVLM behind a server, and for a worker with other code.
        """
        if Address.parse(location) is not None:
            raise RayTrouble(
                f"{location} is asked over HTTP, and its server works on many pictures at once. Use --engine local: "
                "only there it is known which pictures may be sent to it."
            )
        self._dismiss()
        hand = self._hire(location, newest)
        with _said(f"the LVLM {location} cannot be opened by a worker"):
            lvlm: RemoteLvlm = ray.get(hand.actor.identity.remote())
        hand.waking = None
        if lvlm.code != self._code():
            raise RayTrouble(
                "the workers run another version of MedGround-Bench or of its libraries than this machine, so their "
                "results would not be those that are asked for. Install the same one everywhere."
            )
        self._hands, self.lvlm = [hand], lvlm
        return lvlm

    def start(self, ticket: int, items: Sequence[Item], context: Context) -> None:
        """Take on a batch; at most `room` of them before the next `finish`."""
        assert self.lvlm is not None, "an LVLM is opened first"
        while len(self._hands) < self.workers:
            self._hands.append(self._hire(self.lvlm.location, self.lvlm.newest))
        self._todo.append(_Part(_Job(ticket, items, context), range(len(items))))

    def finish(self) -> Finished[Result]:
        """Wait for one of the batches taken on. What a worker raises is raised here."""
        while True:
            self._give_out()
            waited = [hand.calls[0][0] for hand in self._hands if hand.calls]
            waited += [hand.waking for hand in self._hands if hand.waking is not None]
            ray.wait(waited, num_returns=1, timeout=POLL_S)
            for hand in self._hands:
                self._look_after(hand)
                finished = self._collected(hand)
                if finished is not None:
                    return finished
            self._refuse_to_wait_for_ever()

    def close(self) -> None:
        """Stop the workers, and the cluster where it was started here."""
        self._dismiss()
        if self._started:
            ray.shutdown()

    def _hire(self, location: str, newest: bool) -> _Hand[Item, Context, Result]:
        actor = ray.remote(Worker).options(
            num_cpus=1, num_gpus=self.gpus, max_restarts=-1, max_task_retries=0
        )
        made = actor.remote(self._opening, self._work, self._code, location, newest)
        hand: _Hand[Item, Context, Result] = _Hand(made, died=time.monotonic())
        hand.waking = hand.actor.identity.remote()
        return hand

    def _dismiss(self) -> None:
        for hand in self._hands:
            ray.kill(hand.actor)
        self._hands = []
        self._todo.clear()

    def _give_out(self) -> None:
        for hand in self._hands:
            while self._todo and hand.takes(self._todo[0]):
                part = self._todo.popleft()
                items = [part.job.items[place] for place in part.places]
                with _said("a batch cannot be given to a worker"):
                    hand.calls.append((hand.actor.do.remote(items, part.job.context), part))

    def _collected(self, hand: _Hand[Item, Context, Result]) -> Finished[Result] | None:
        """What the oldest call of a worker came to; its job when that was the last of it."""
        if not hand.calls or not ray.wait([hand.calls[0][0]], timeout=0)[0]:
            return None
        call, part = hand.calls.popleft()
        try:
            part.job.parts.append((part.places, ray.get(call)))
        except RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from None
        except (ObjectStoreFullError, OutOfDiskError) as error:
            raise _full(error) from None
        except RayError as error:
            self._bury(hand, part, error)
        return part.job.finished()

    def _bury(
        self, hand: _Hand[Item, Context, Result], suspect: _Part[Item, Context, Result], error: RayError
    ) -> None:
        """Give out again what was with a worker that died."""
        self._todo.extendleft(part for _, part in reversed(hand.calls))
        hand.calls.clear()
        hand.died, hand.waking = time.monotonic(), hand.actor.identity.remote()
        suspect.deaths += 1
        job, places = suspect.job, suspect.places
        if suspect.deaths < DEATHS:
            self._todo.append(suspect)
        elif len(places) > 1:
            self._todo.extend(_Part(job, range(place, place + 1)) for place in places)
        else:
            said = f"it killed its worker {DEATHS} times: {type(error).__name__}: {one_line(error)}"
            job.parts.append((places, Killed(said)))

    def _look_after(self, hand: _Hand[Item, Context, Result]) -> None:
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
        if identity != self.lvlm:
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


def connect(cluster: Cluster) -> None:
    """Join or start a cluster; Ray's own handler of SIGTERM does not stay."""
    if cluster.address is not None:
        demand_reachable(cluster.address)
    with _signals_kept():
        try:
            if cluster.address is not None:
                ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
            else:
                ray.init(
                    address="local",
                    num_cpus=max(cluster.workers or 1, os.cpu_count() or 1),
                    object_store_memory=OBJECTS_BYTES,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level="ERROR",
                )
        except (ConnectionError, RuntimeError, ValueError, RayError) as error:
            raise RayTrouble(
                f"the Ray cluster {cluster.address or 'on this machine'}: {one_line(error)}"
            ) from error


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
        f"the memory in which Ray moves pictures is full ({type(error).__name__}). Use fewer workers, or free disk "
        "and memory; df and `ray memory` say what is used. What is done is kept: the same command goes on from there."
    )
