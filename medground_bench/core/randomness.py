"""The random numbers of a case: the same whatever was run before it, on any machine."""

from __future__ import annotations

import hashlib

import numpy as np


def case_rng(seed: int, case_id: str) -> np.random.Generator:
    """The generator of one case under a seed of the run.

    >>> one, other = (case_rng(0, "a/b/mass@tiny:direct").integers(1000, size=5).tolist() for _ in range(2))
    >>> one == other
    True
    """
    return np.random.default_rng([seed, *hashlib.sha256(case_id.encode("utf-8")).digest()])
