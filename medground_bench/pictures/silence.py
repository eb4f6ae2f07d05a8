"""Decoders written in C tell the terminal what they think of a damaged file; that is our sentence to say."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_ONE_AT_A_TIME = RLock()
STDERR = 2


@contextmanager
def silent_decoders() -> Iterator[None]:
    """Nothing reaches the process's standard error meanwhile, which is where libtiff and libjpeg write.

    One file at a time, also among threads: that bounds the memory of a server that reads files of many visitors.
    """
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(STDERR)
        except OSError:  # there is none: nothing to keep silent
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(nowhere, STDERR)
            yield
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)
            os.close(nowhere)
