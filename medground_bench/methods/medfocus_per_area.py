"""MedFocus by Delta per hidden pixel: where the response's evidence is densest, not where most of it is.

A departure from the paper in one thing: among the regions that matter by the paper's threshold, the winner has the
largest Delta for each pixel that was hidden. The larger of two regions that cost the same loses.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from medground_bench.methods._region_rules import DropPerArea, RegionRule
from medground_bench.methods.medfocus import MedFocus


@dataclass(frozen=True, kw_only=True)
class MedFocusPerArea(MedFocus):
    """As `medfocus`, with another rule; every other setting is the paper's.

    >>> MedFocusPerArea().rule
    DropPerArea()
    """

    rule: RegionRule = field(default_factory=DropPerArea)  # which of the regions that matter is the evidence


METHOD = MedFocusPerArea
LACKS = {"uot": "without MedSAM"}
