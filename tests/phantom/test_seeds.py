from __future__ import annotations

import ast
import json
from itertools import combinations
from pathlib import Path

import pytest

from builder.sources.phantom import PICTURES, SEEDS
from medground_bench.anatomy.atlas import PHANTOM_POOL
from medground_bench.phantom import seeds

ROOT = Path(__file__).parents[2]
RANGES = {name: value for name, value in vars(seeds).items() if isinstance(value, range)}


def test_the_table():
    assert {name: (seeds.start, seeds.stop) for name, seeds in RANGES.items()} == {
        "TRAINING": (0, 900_000),
        "VALIDATION": (900_000, 1_000_000),
        "DEVELOPMENT": (3_000_000, 3_500_000),
        "EXAMINATION": (3_500_000, 4_000_000),
        "TEST": (4_000_000, 5_000_000),
        "TUNE": (5_000_000, 6_000_000),
        "EXAMPLES": (6_000_000, 7_000_000),
        "ATLAS": (7_000_000, 7_000_016),
        "SURROUNDINGS": (8_000_000, 9_000_000),
    }


@pytest.mark.parametrize(("one", "other"), list(combinations(RANGES, 2)))
def test_no_two_ranges_share_a_seed(one, other):
    one, other = RANGES[one], RANGES[other]
    assert one.stop <= other.start or other.stop <= one.start


def test_the_benchmark_takes_its_pictures_from_its_own_ranges():
    assert SEEDS == {"test": seeds.TEST, "tune": seeds.TUNE}
    assert all(PICTURES[split] <= len(SEEDS[split]) for split in SEEDS)


def test_the_shipped_pool_was_made_of_the_atlas_seeds():
    manifest = json.loads((PHANTOM_POOL / "manifest.json").read_text())
    assert [entry["name"] for entry in manifest["pictures"]] == [f"phantom-{seed}" for seed in seeds.ATLAS]


@pytest.mark.parametrize(
    "folder", ["medground_bench/phantom", "medground_bench/anatomy", "builder", "space_app"]
)
def test_no_other_module_writes_a_seed_down(folder):
    for path in (ROOT / folder).rglob("*.py"):
        if path.name != "seeds.py":
            nodes = ast.walk(ast.parse(path.read_text("utf-8")))
            numbers = [node.value for node in nodes if isinstance(node, ast.Constant)]
            assert not [each for each in numbers if isinstance(each, int) and each >= 900_000], path
