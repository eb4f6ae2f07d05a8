"""Two variants that need no torch, and a run of variants that tells nobody how far it is."""

from __future__ import annotations

from dataclasses import replace

from medground_bench.ablation.run import run
from medground_bench.ablation.variants import GROUNDED, Variant
from medground_bench.core.types import Group
from medground_bench.methods.medfocus import Fill, Region

BASE = Variant(localizer="mean_box")
MASK = replace(BASE, region=Region.MASK, fill=Fill.MEAN)
TWO = {BASE: frozenset(Group), MASK: GROUNDED}


def ran(attempts, lvlm, runs, file):
    return run(attempts, lvlm, runs, file, lambda _done: None)
