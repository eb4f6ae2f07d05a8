"""A sweep over layers and heads whose last candidate is the best, worked out by hand."""

from __future__ import annotations

from medground_bench.core.types import Mode
from medground_bench.runs.sweep import Candidate, Sweep

SWEEP = Sweep(
    method="attention_head",
    lvlm="a/b@c",
    lvlm_revision="c",
    mode=Mode.DIRECT,
    benchmark="d",
    code="e",
    cases=3,
    pictures=1,
    as_good=1,
    candidates=tuple(
        Candidate({"layer": layer, "head": head}, (layer + (head or 0)) / 10, 0)
        for layer in range(4)
        for head in (None, 0, 1, 2)
    ),
)
