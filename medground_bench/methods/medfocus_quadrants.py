"""MedFocus in two stages: the concept whose evidence is densest, then the quadrant of it that carries the response.

A finding is often much smaller than any concept. Departures from the paper: the rule, that groups are not tried, and
the second stage. Each quadrant of the winner's box is hidden alone, and then all but that quadrant: where one costs at
least half of what the whole costs and the rest at most half, it is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from medground_bench.methods._region_rules import DropPerArea, RegionRule
from medground_bench.methods.medfocus import MedFocus


@dataclass(frozen=True, kw_only=True)
class MedFocusQuadrants(MedFocus):
    """As `medfocus`, with another rule, without groups, and with the second stage.

    >>> MedFocusQuadrants().quadrants
    True
    """

    rule: RegionRule = field(default_factory=DropPerArea)  # which of the regions that matter is the evidence
    groups: bool = False  # whether the vocabulary's groups are tried, too
    quadrants: bool = (
        True  # whether a concept that wins is narrowed to the quadrant that carries the response
    )


METHOD = MedFocusQuadrants
LACKS = {"uot": "without MedSAM"}
