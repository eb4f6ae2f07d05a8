"""Where Ray's workers are, named without Ray."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from medground_bench.core.errors import MedgroundError

REACH_S = 10.0
"""In which a cluster's machine answers."""


class RayTrouble(MedgroundError):
    """A cluster that cannot be reached, started or kept at work."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where workers are.

    workers  None for one a GPU (or share of one), or a single one where there is none
    gpus     of each worker; None for 1 where there is one
    address  of a cluster that is there; None starts one on this machine
    """

    workers: int | None = None
    gpus: float | None = None
    address: str | None = None


ONE_HERE = Cluster()


def demand_reachable(address: str) -> None:
    """RayTrouble where nothing listens; Ray itself would wait for minutes. `auto` is for Ray to say."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host, int(port)), REACH_S).close()
        except OSError as error:
            why = error.strerror or str(error)
            raise RayTrouble(
                f"the Ray cluster {address} cannot be reached ({why}). Is `ray start --head` running there?"
            ) from None
