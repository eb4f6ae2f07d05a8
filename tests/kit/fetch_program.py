"""`medground` in a process of its own that takes a server of this machine for PhysioNet.

`python -m tests.kit.fetch_program ADDRESS DIGEST [--at-fault] ...`: DIGEST is that of the gold table there; with
`--at-fault` the program fails, by a fault of its own, once it has the password. Its log tells everything.
"""

from __future__ import annotations

import logging
import sys

from builder.sources import imagenome
from medground_bench.commands.main import main
from medground_bench.fetching import download, pace, remote, server


def broken(*_arguments: object) -> None:
    """A fault of the program's own."""
    raise RuntimeError("this cannot happen")


if __name__ == "__main__":
    remote.PHYSIONET, imagenome.DIGEST = sys.argv[1:3]
    download.FIRST_WAIT_S, pace.REQUESTS_A_SECOND = 0.01, 1000.0
    if sys.argv[3] == "--at-fault":
        server.Server._refusal = broken  # type: ignore[assignment]
        del sys.argv[3]
    del sys.argv[1:3]
    logging.basicConfig(level=logging.DEBUG)
    main()
