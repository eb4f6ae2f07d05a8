"""How fast a server may be asked: so many requests and bytes a second, by all connections together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

REQUESTS_A_SECOND = 4.0

Lane = Literal["requests", "bytes"]


class Stopping(Exception):
    """The run is over; whoever still works on a file leaves it as it is."""


class Pace:
    """Lets requests and bytes through, and rests when the server asks for it; used by many threads at once.

    bytes_a_second  at most
    clock           seconds
    """

    def __init__(self, bytes_a_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.bytes_a_second, self.clock = bytes_a_second, clock
        self._free: dict[Lane, float] = {"requests": 0.0, "bytes": 0.0}
        self._turn, self._over = threading.Lock(), threading.Event()

    def request(self) -> None:
        """Wait until another request may begin."""
        self._pass("requests", 1 / REQUESTS_A_SECOND)

    def received(self, count: int) -> None:
        """So many bytes came; wait until more may."""
        self._pass("bytes", count / self.bytes_a_second)

    def rest(self, seconds: float) -> None:
        """Nobody asks anything for so long."""
        with self._turn:
            self._free["requests"] = max(self._free["requests"], self.clock() + seconds)

    def stop(self) -> None:
        """End all waiting, now and later."""
        self._over.set()

    def _pass(self, lane: Lane, cost_s: float) -> None:
        with self._turn:
            now = self.clock()
            mine = max(now, self._free[lane])
            self._free[lane] = mine + cost_s
        self.wait(mine - now)

    def wait(self, seconds: float) -> None:
        """So long; Stopping as soon as the run is over."""
        if self._over.wait(max(0.0, seconds)):
            raise Stopping
