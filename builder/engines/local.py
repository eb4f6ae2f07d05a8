"""Local: batches on one device, by one thread, while the next ones are got ready by others."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from builder.engines import Done, UnitAttempts
from builder.units import Maker, Unit
from medground_bench import lvlms
from medground_bench.lvlms import LvlmDescription


class LocalEngine:
    """One batch is done and two wait, so that the device never waits for the disk.

    A batch that has begun is ended also when the build is stopped.
    """

    room = 3

    def __init__(self) -> None:
        self._attempts = UnitAttempts()
        self._device = ThreadPoolExecutor(1, thread_name_prefix="device")
        self._taken: deque[tuple[int, Future[Done]]] = deque()

    def open(self, location: str, *, newest: bool = False) -> LvlmDescription:
        """See `UnitEngine`."""
        return lvlms.open_lvlm(location, newest=newest)

    def start(self, ticket: int, units: Sequence[Unit], by: Maker) -> None:
        """See `UnitEngine`."""
        self._taken.append((ticket, self._device.submit(self._attempts, units, by)))

    def finish(self) -> tuple[int, Done]:
        """See `UnitEngine`."""
        ticket, future = self._taken.popleft()
        return ticket, future.result()

    def close(self) -> None:
        """See `UnitEngine`."""
        self._device.shutdown(wait=False, cancel_futures=True)
