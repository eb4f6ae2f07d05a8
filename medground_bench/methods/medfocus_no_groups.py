"""MedFocus without composite groups: the paper's rule among single concepts.

A departure from the paper in one thing: groups are not tried. A group hides what all its members hide, so it seldom
costs less than any of them, and "lungs" wins wherever something in either lung matters.
"""

from __future__ import annotations

from dataclasses import dataclass

from medground_bench.methods.medfocus import MedFocus


@dataclass(frozen=True, kw_only=True)
class MedFocusNoGroups(MedFocus):
    """As `medfocus`, without groups; every other setting is the paper's.

    >>> MedFocusNoGroups().groups
    False
    """

    groups: bool = False  # whether the vocabulary's groups are tried, too


METHOD = MedFocusNoGroups
LACKS = {"uot": "without MedSAM"}
