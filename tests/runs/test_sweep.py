"""What a sweep says of itself: its file, its choice, the settings that vary, and its table to be drawn."""

from __future__ import annotations

import json
from dataclasses import replace

from medground_bench.core.types import Mode, Track
from medground_bench.runs.sweep import Candidate, Sweep, file_of, spelled
from medground_bench.runs.tune import heat_map
from tests.kit.sweeps import SWEEP


def test_a_sweep_survives_its_file_and_its_name_fits_any_key(tmp_path):
    path = SWEEP.save(tmp_path)
    assert path == file_of(tmp_path, Track("a/b@c", Mode.DIRECT), "attention_head")
    assert path.name == "a--b@c-direct-attention_head.json" and path.parent == tmp_path
    assert Sweep.read(path) == SWEEP
    assert json.loads(path.read_text())["chosen"]["settings"] == {"layer": 3, "head": 2}


def test_settings_that_vary_have_their_values_in_the_order_in_which_they_were_tried():
    assert SWEEP.varying == {"layer": [0, 1, 2, 3], "head": [None, 0, 1, 2]}
    assert replace(SWEEP, candidates=SWEEP.candidates[::4]).varying == {"layer": [0, 1, 2, 3]}
    assert replace(SWEEP, candidates=SWEEP.candidates[:1]).varying == {}


def test_nothing_is_a_mean_and_everything_else_as_it_is():
    assert [spelled(value) for value in (None, 0, "zero")] == ["mean", "0", "zero"]


def test_layers_go_down_and_heads_across_and_the_choice_is_framed():
    maps = heat_map(SWEEP)
    [[table]] = maps.tables
    assert (table.down, table.rows, table.across, table.columns) == (
        "layer",
        ["0", "1", "2", "3"],
        "head",
        ["mean", "0", "1", "2"],
    )
    assert table.shares == [[(layer + head) / 10 for head in (0, 0, 1, 2)] for layer in range(4)]
    assert table.chosen == (3, 3) and maps.span == (0.0, 0.5)
    assert table.title == "attention_head, a/b@c, direct: mean IoU in percent, 3 cases"


def test_with_one_setting_there_is_one_column_and_with_none_one_cell():
    layers = tuple(
        replace(each, settings={"layer": each.settings["layer"]}) for each in SWEEP.candidates[::4]
    )
    [[table]] = heat_map(replace(SWEEP, candidates=layers)).tables
    assert (table.rows, table.across, table.columns, table.chosen) == (["0", "1", "2", "3"], "", [""], (3, 0))
    assert table.shares == [[0.0], [0.1], [0.2], [0.3]]
    maps = heat_map(replace(SWEEP, candidates=(Candidate({}, 0.0, 0),)))
    [[table]] = maps.tables
    assert (table.rows, table.columns, table.shares, table.chosen) == ([""], [""], [[0.0]], (0, 0))
    assert maps.png().startswith(b"\x89PNG")


def test_a_combination_that_was_not_tried_has_no_share():
    [[table]] = heat_map(replace(SWEEP, candidates=SWEEP.candidates[1:])).tables
    assert table.shares[table.rows.index("0")][table.columns.index("mean")] is None
    assert table.shares[table.rows.index("3")][table.columns.index("2")] == 0.5
