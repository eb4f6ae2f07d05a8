"""Sweeps in the terminal and in the folder of choices."""

from __future__ import annotations

from dataclasses import replace

from medground_bench.commands.sweep_tables import sweep_table, sweeps_as_markdown
from medground_bench.runs.sweep import Candidate
from tests.kit.sweeps import SWEEP


def test_the_table_lists_the_best_first():
    table = sweep_table(SWEEP)
    assert table.row_count == 10 and table.caption == "and 6 more"
    assert [column.header for column in table.columns] == ["layer", "head", "mean IoU, %", "failed"]
    assert next(iter(table.columns[2].cells)) == "50.00"


def test_the_table_of_all_sweeps_has_a_row_each_with_the_choice():
    one_layer = tuple(
        Candidate({"layer": 1, "baseline": text}, iou, 0) for text, iou in (("zero", 0.2), ("mean", 0.1))
    )
    other = replace(SWEEP, method="a_method", candidates=one_layer)
    rows = [line for line in sweeps_as_markdown([SWEEP, other]).splitlines() if "| direct |" in line]
    assert rows == [
        "| a_method | a/b@c | direct | 3 | 1 | baseline zero | 20.0 | 15.0 | 2 | 1 | 0 |",
        "| attention_head | a/b@c | direct | 3 | 1 | layer 3, head 2 | 50.0 | 20.0 | 16 | 1 | 0 |",
    ]
