"""The bench of submissions runs; its times are for people and none is asserted."""

from __future__ import annotations

from rich.console import Console

from tests.performance.space_speed import cost_table, desk_costs


def test_a_submission_and_a_whole_board_are_timed_beside_what_is_promised(capsys):
    costs = desk_costs(cases=20, submissions=2, of_each=12)
    assert [cost.most for cost in costs] == [5, 60, 5]
    Console(width=110).print(cost_table(costs))
    assert "2 submissions of 12 cases" in capsys.readouterr().out
