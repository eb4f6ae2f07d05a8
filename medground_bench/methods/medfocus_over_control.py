"""MedFocus against control regions: what a region costs beyond what as large a region elsewhere costs.

A departure from the paper in one thing: from each region's Delta, the mean Delta of equally large regions of the same
shape elsewhere is taken. A region that costs no more than its controls is no evidence, however large it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from medground_bench.methods._region_rules import DropOverControl, RegionRule
from medground_bench.methods.medfocus import MedFocus


@dataclass(frozen=True, kw_only=True)
class MedFocusOverControl(MedFocus):
    """As `medfocus`, with another rule; every other setting is the paper's.

    >>> MedFocusOverControl().rule
    DropOverControl(controls=4, seed=0)
    """

    rule: RegionRule = field(
        default_factory=DropOverControl
    )  # which of the regions that matter is the evidence


METHOD = MedFocusOverControl
LACKS = {"uot": "without MedSAM"}
