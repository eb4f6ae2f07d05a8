"""Shuffled weights: an edge detector keeps its map and is flagged, what reads the LVLM loses it and is cleared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from medground_bench.core.types import Mode, Track
from medground_bench.lvlms import Need, open_lvlm
from medground_bench.methods.attention_rollout import AttentionRollout
from medground_bench.methods.centre_box import CentreBox
from medground_bench.methods.prompting import Prompting
from medground_bench.probes import ProbeKind
from medground_bench.probes.randomisation import (
    ShuffleStage,
    asked_methods,
    keeps_its_map,
    rank_correlation,
    run_randomisation,
    shuffle,
)
from medground_bench.probes.run import Probing, TrackProbes
from medground_bench.probes.subjects import Shown
from medground_bench.probes.tables import records_of
from medground_bench.storage.journal import opened_journal
from tests.kit.phantom_cases import answered
from tests.kit.planted_methods import Edges, Probe
from tests.kit.spot_lvlm import SpotLvlm

TRACK = Track("phantom_gemma3", Mode.DIRECT)
ALL_SHUFFLED = f"rho, {list(ShuffleStage)[-1]}"


@pytest.fixture(scope="module")
def lvlm():
    return open_lvlm("phantom_gemma3")


@pytest.fixture(scope="module")
def shown(lvlm) -> list[Shown]:
    return [answered(lvlm, image_id) for image_id in ("4000001", "4000002")]


def weights_of(lvlm) -> dict[str, torch.Tensor]:
    named = {name: weights.clone() for name, weights in lvlm.loaded.model.model.named_parameters()}
    return named | {"head": lvlm.loaded.model.lm_head.weight.clone()}


def randomised(lvlm, shown, methods, journal_file):
    opened = []
    with opened_journal(journal_file) as journal:
        probes = TrackProbes(TRACK)
        probing = Probing(lvlm, (), methods, journal, probes, lambda _done: None)

        def reopen():
            opened.append(open_lvlm("phantom_gemma3"))
            return opened[-1]

        run_randomisation(probing, shown, reopen)
    return probes, opened


def test_a_planted_edge_detector_is_flagged_and_a_planted_probe_is_cleared(lvlm, shown, tmp_path):
    methods = {"edges": Edges(), "probe": Probe(), "attention_rollout": AttentionRollout()}
    intact = weights_of(lvlm)
    probes, opened = randomised(lvlm, shown, methods, tmp_path / "r.jsonl")
    rows = {row["method"]: row for row in records_of(ProbeKind.RANDOMISATION, [probes])}
    assert rows["edges"]["keeps its map"] is True and rows["probe"]["keeps its map"] is False
    for stage in ShuffleStage:
        assert (rows["edges"][f"rho, {stage}"], rows["edges"][f"iou, {stage}"]) == (1, 1)
    assert rows["attention_rollout"][f"rho, {ShuffleStage.OUTPUT}"] == 1  # it never reads the output matrix
    assert abs(rows["probe"][ALL_SHUFFLED]) < 0.2 and rows["probe"]["measured"] == 2
    after = weights_of(lvlm)
    assert all(torch.equal(after[name], weights) for name, weights in intact.items())

    again, opened = randomised(lvlm, shown, methods, tmp_path / "r.jsonl")
    assert again.measured == probes.measured and not opened


def test_each_stage_shuffles_its_part_alone_and_loses_no_value():
    lvlm = open_lvlm("phantom_gemma3")
    words = lvlm.engine.language_model.embed_tokens.weight.clone()
    parts = {
        ShuffleStage.OUTPUT: ("head", "language_model.norm."),
        ShuffleStage.UPPER: ("language_model.layers.2.", "language_model.layers.3."),
        ShuffleStage.DECODER: ("language_model.layers.0.", "language_model.layers.1."),
        ShuffleStage.IMAGE: ("vision_tower.", "multi_modal_projector."),
    }
    for stage in ShuffleStage:
        before = weights_of(lvlm)
        shuffle(lvlm, stage)
        after = weights_of(lvlm)
        for name, weights in after.items():
            assert torch.equal(weights.flatten().sort()[0], before[name].flatten().sort()[0]), name
            if weights.unique().numel() > 100:
                assert torch.equal(weights, before[name]) != name.startswith(parts[stage]), (stage, name)
    assert torch.equal(lvlm.engine.language_model.embed_tokens.weight, words)


def test_shuffling_is_the_same_each_time():
    one, other = (open_lvlm("phantom_gemma3") for _ in range(2))
    for lvlm in (one, other):
        shuffle(lvlm, ShuffleStage.UPPER)
    assert all(torch.equal(each, weights_of(other)[name]) for name, each in weights_of(one).items())


def test_rank_correlation_against_ranks_counted_by_hand():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 40))
    ranks = [np.array([(each < value).sum() for value in each], float) for each in (one, other)]
    assert rank_correlation(one, other) == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert rank_correlation(one, other[:-1]) is None and rank_correlation(np.empty(0), np.empty(0)) is None


@pytest.mark.parametrize(("rhos", "kept"), [([0.2, 0.2], True), ([0.9, -0.9], False), ([-0.9], False)])
def test_a_map_is_kept_from_a_mean_of_a_fifth_on(rhos, kept):
    assert keeps_its_map(rhos) is kept


def test_controls_and_text_are_not_tested():
    methods = {"centre_box": CentreBox(), "prompting": Prompting(), "unknown": None, "edges": Edges()}
    assert list(asked_methods(methods)) == ["edges"]


@dataclass
class Blind(SpotLvlm):
    gives = frozenset({Need.LOG_PROBS})


def test_an_lvlm_whose_weights_are_not_at_hand_is_told(shown, tmp_path):
    probes, opened = randomised(Blind(), shown, {"edges": Edges()}, tmp_path / "r.jsonl")
    assert probes.not_run == {
        ProbeKind.RANDOMISATION: "the weights of rule_lvlm are not at hand to be shuffled"
    }
    assert not opened and not probes.measured
