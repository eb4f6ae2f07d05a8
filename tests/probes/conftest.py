"""What tests of the probes share: the small build's track, and prediction files of the rule LVLM beside it."""

from __future__ import annotations

import pytest

from medground_bench.core.types import Mode, Track
from medground_bench.probes.run import chosen_references, walk
from medground_bench.runs.predict import Run, predict
from tests.kit.spot_lvlm import SpotLvlm

TRACK = Track("rule_lvlm", Mode.DIRECT)


@pytest.fixture(scope="session")
def shown_cases(benchmark):
    """The retained cases of the small build."""
    return list(walk(benchmark, TRACK, chosen_references(benchmark, TRACK, None)))


@pytest.fixture(scope="session")
def predicted(benchmark, tmp_path_factory):
    """A folder of prediction files of both modes: two controls and a method that asks for log-probabilities."""
    folder = tmp_path_factory.mktemp("predicted")
    for mode in Mode:
        for method in ("whole_image", "random_map", "occlusion"):
            file = folder / f"rule_lvlm-{mode}-{method}.jsonl"
            predict(benchmark, SpotLvlm(), Run(method, mode), file)
    return folder
