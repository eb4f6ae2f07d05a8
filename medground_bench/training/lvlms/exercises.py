"""Which questions are asked of a picture in training, with their right answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from medground_bench.core.types import Mode
from medground_bench.phantom.language import REGIONS
from medground_bench.phantom.shortcut import SHORTCUT_FINDING
from medground_bench.training.lvlms.augmentation import Batch
from medground_bench.training.lvlms.training_set import FINDINGS

MODES = (Mode.DIRECT, Mode.DIRECT, Mode.DIRECT, Mode.REASON, Mode.REASON)
"""The questions asked of one picture in one training row."""

HARD = {
    "nodule": 2.5,
    "atelectasis": 1.5,
    "consolidation": 1.5,
    "pneumothorax": 1.5,
    "hilar enlargement": 1.5,
}
"""How much more often a finding is asked about."""

HARD_AT_LAST = HARD | {SHORTCUT_FINDING: 3.0}
"""The same in the last stage: the marker is the last thing a decoder comes to look at."""


class Exercise(NamedTuple):
    """A question about a finding, and the truth: is it there, and where; indices into FINDINGS and its REGIONS."""

    finding: int
    present: bool
    region: int
    mode: Mode


def draw_exercises(
    batch: Batch, row: int, asked_more: Mapping[str, float], rng: np.random.Generator
) -> list[Exercise]:
    """For one picture: yes and no alike, hard findings more often, none twice in a row of one kind.

    asked_more  finding -> how much more often it is asked about than those that are not named
    """
    weights = np.array([asked_more.get(finding, 1.0) for finding in FINDINGS])
    pools: dict[bool, list[int]] = {}
    for present, mask in ((True, batch.present[row]), (False, batch.absent[row])):
        order = np.flatnonzero(mask.numpy())
        pools[present] = order[np.argsort(rng.exponential(size=len(order)) / weights[order])].tolist()
    exercises = []
    for mode in MODES:
        present = bool(rng.random() < 0.5)
        present = present if pools[present] else not present
        finding = pools[present].pop(0)
        pools[present].append(finding)
        region = int(batch.regions[row, finding])
        if not present:
            region = int(rng.integers(2)) if len(REGIONS[FINDINGS[finding]]) > 1 else 0
        exercises.append(Exercise(finding, present, region, mode))
    return exercises
