"""MedFocus by Shapley values: what hiding a concept adds to Delta, on average over all orders of hiding the concepts.

Shapley, 1953; estimated from drawn orders as Castro et al. do (2009, doi:10.1016/j.cor.2008.04.004), each followed by
its reverse. Two departures from the paper: the rule, and that groups are not tried, since a concept's value already
counts what it costs together with others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from medground_bench.methods._region_rules import RegionRule, ShapleyDrop
from medground_bench.methods.medfocus import MedFocus


@dataclass(frozen=True, kw_only=True)
class MedFocusShapley(MedFocus):
    """As `medfocus`, with another rule and without groups; every other setting is the paper's.

    >>> MedFocusShapley().rule
    ShapleyDrop(permutations=10, seed=0)
    """

    rule: RegionRule = field(default_factory=ShapleyDrop)  # which of the regions that matter is the evidence
    groups: bool = False  # whether the vocabulary's groups are tried, too


METHOD = MedFocusShapley
LACKS = {"uot": "without MedSAM"}
