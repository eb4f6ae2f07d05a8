"""MedFocus without its size bias, on what the best open anatomy network finds.

Three departures from the paper, each told on its own card. Unbalanced optimal transport at the paper's settings pushes
masks that are far too wide, so the concepts come from `phantom_unet`. Among the regions that matter, the winner is not
the one that costs the response most, often the largest, but the one with the largest Delta for each pixel that was
hidden (`medfocus_per_area`). Groups are not tried (`medfocus_no_groups`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from medground_bench.methods._region_rules import DropPerArea, RegionRule
from medground_bench.methods.medfocus import MedFocus


@dataclass(frozen=True, kw_only=True)
class MedFocusPlus(MedFocus):
    """As `medfocus`, with another localizer and another rule, and without groups.

    >>> MedFocusPlus(tau=0.5).localizer
    'phantom_unet'
    """

    localizer: str = "phantom_unet"  # who finds the concepts on a picture
    rule: RegionRule = field(default_factory=DropPerArea)  # which of the regions that matter is the evidence
    groups: bool = False  # whether the vocabulary's groups are tried, too


METHOD = MedFocusPlus

CHOSEN_ON = {"cases": 59, "pictures": 8, "candidates": 16}
"""Of the split `tune`: localizer and rule, by `medground ablate --what rules --split tune`."""
