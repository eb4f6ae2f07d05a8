"""MedFocus with one thing changed at a time: the paper's tables 2, 7 and 8 and its figure 6, on any benchmark.

Beyond the paper: its rule for choosing among regions, and others.
"""

from enum import StrEnum


class What(StrEnum):
    """The parts of an ablation."""

    LOCALIZERS = "localizers"
    INTERVENTIONS = "interventions"
    TRANSPORT = "transport"
    CONCEPTS = "concepts"
    RULES = "rules"
    ALL = "all"
