"""The README of the dataset folder, as text; what `datasets` makes of it is tested with the folder."""

from __future__ import annotations

import pytest
import yaml

from medground_bench.benchmark.card import MEANINGS, Config, card
from medground_bench.benchmark.rows import TABLES
from medground_bench.core.causes import KnownCause
from medground_bench.core.types import Group
from medground_bench.pictures import Levels

TEXT = card([Config("reason", "1f2e", {"test": 12, "tune": 3}), Config("verdicts", "3d4c", {"test": 40})])


def test_every_table_of_the_dataset_has_a_meaning_and_nothing_else_has():
    assert set(MEANINGS) == {table.name for table in TABLES}


def test_the_head_names_configs_splits_files_and_digests():
    _, head, _text = TEXT.split("---\n", 2)
    assert yaml.safe_load(head)["configs"] == [
        {
            "config_name": "reason",
            "default": True,
            "description": "sha256-1f2e",
            "data_files": [
                {"split": "test", "path": "reason/test-*.parquet"},
                {"split": "tune", "path": "reason/tune-*.parquet"},
            ],
        },
        {
            "config_name": "verdicts",
            "description": "sha256-3d4c",
            "data_files": [{"split": "test", "path": "verdicts/test-*.parquet"}],
        },
    ]


def test_the_table_counts_rows_per_config_and_split():
    for config, split, rows in (("reason", "test", 12), ("reason", "tune", 3), ("verdicts", "test", 40)):
        assert f"| {config} | {split} | {rows} | {MEANINGS[config]} |" in TEXT.splitlines()


@pytest.mark.parametrize(
    "column", ["release_index", "levels", "marker", "known_cause", "lvlm_revision", "editor"]
)
def test_a_column_that_does_not_explain_itself_is_explained(column):
    assert f"\n- `{column}`: " in TEXT


@pytest.mark.parametrize("values", [Group, KnownCause, Levels], ids=lambda values: values.__name__)
def test_every_value_of_a_column_of_few_values_is_named(values):
    assert all(f"`{value}`" in TEXT for value in values)
