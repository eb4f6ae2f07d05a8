"""Which methods are the paper's is what its tables say, not what a file claims."""

from __future__ import annotations

from pathlib import Path

from medground_bench import plugins
from medground_bench.cards.reported import Reported
from medground_bench.runs.method_groups import MethodGroup, group_of, grouped_methods

REPORTED = Path(__file__).parents[2] / "submissions" / "reported"


def test_the_methods_of_the_paper_are_those_of_its_tables_and_all_others_are_extras_or_controls():
    groups = grouped_methods()
    assert set(groups[MethodGroup.PAPER]) == {row.method for row in Reported.read(REPORTED).pooled}
    assert groups[MethodGroup.CONTROL] == [
        "anatomy_prior",
        "centre_box",
        "random_box",
        "random_map",
        "whole_image",
    ]
    every = [name for names in groups.values() for name in names]
    assert sorted(every) == [method.name for method in plugins.available("methods")]
    assert group_of("medfocus_plus") is MethodGroup.EXTRA
