"""The bench of the builder runs; its times are for people and none is asserted."""

from __future__ import annotations

import pytest
from rich.console import Console

from medground_bench.phantom import seeds
from tests.kit.trees import findings
from tests.performance import builder_speed
from tests.performance.builder_speed import (
    SleepingLvlm,
    batches_against_single_calls,
    build_cost,
    cost_table,
    turns_table,
    worker_costs,
)
from tests.performance.reading_speed import of_a_tree, reading_table


def test_a_build_is_timed_apart_from_its_model_and_editor(capsys):
    cost = build_cost(12, SleepingLvlm(seconds_per_picture=0.001))
    assert cost.questions == 12 and cost.units > 12
    assert cost.busy_s > 0
    Console().print(cost_table("builder", [(1, cost)]))
    assert "12" in capsys.readouterr().out


def test_batches_give_what_single_calls_give(tiny_lvlms, monkeypatch, capsys):
    monkeypatch.setattr(builder_speed, "BATCHED", 4)
    turns = batches_against_single_calls(tiny_lvlms["gemma3"])
    Console().print(turns_table([turns]))
    assert turns.lvlm in capsys.readouterr().out


@pytest.mark.ray
@pytest.mark.usefixtures("ray_cluster")
def test_one_worker_of_ray_and_two_do_the_same_units(capsys):
    costs = worker_costs(4)
    (one, alone), (two, shared) = costs
    assert (one, two) == (1, 2) and alone.units == shared.units > 4
    Console().print(cost_table("workers", costs))
    assert "workers" in capsys.readouterr().out


def test_pictures_of_a_tree_are_read_each_once(capsys):
    phantoms = [str(seed) for seed in seeds.TEST[:3]]
    found = of_a_tree(phantoms, "three")
    assert found.pictures == sum(bool(findings(each)) for each in phantoms)
    Console().print(reading_table([found]))
    assert "three" in capsys.readouterr().out
