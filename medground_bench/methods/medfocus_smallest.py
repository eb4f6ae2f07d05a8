"""MedFocus by the smallest sufficient region: of those that cost nearly as much as any, the smallest.

A departure from the paper in one thing: the winner is the smallest region whose Delta is at least nine tenths of the
largest Delta.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from medground_bench.methods._region_rules import RegionRule, SmallestRegion
from medground_bench.methods.medfocus import MedFocus


@dataclass(frozen=True, kw_only=True)
class MedFocusSmallest(MedFocus):
    """As `medfocus`, with another rule; every other setting is the paper's.

    >>> MedFocusSmallest().rule
    SmallestRegion(keeping=0.9)
    """

    rule: RegionRule = field(
        default_factory=SmallestRegion
    )  # which of the regions that matter is the evidence


METHOD = MedFocusSmallest
LACKS = {"uot": "without MedSAM"}
