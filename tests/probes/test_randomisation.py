"""Shuffled weights: an edge detector keeps its map and is flagged, what reads the LVLM loses it and is cleared."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from medground_bench.probes.run import Probing, TrackProbes, spread
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
        shuffle(lvlm, stage, "a draw")
        after = weights_of(lvlm)
        for name, weights in after.items():
            assert torch.equal(weights.flatten().sort()[0], before[name].flatten().sort()[0]), name
            if weights.unique().numel() > 100:
                assert torch.equal(weights, before[name]) != name.startswith(parts[stage]), (stage, name)
    assert torch.equal(lvlm.engine.language_model.embed_tokens.weight, words)


def test_shuffling_is_the_same_each_time():
    one, other = (open_lvlm("phantom_gemma3") for _ in range(2))
    for lvlm in (one, other):
        shuffle(lvlm, ShuffleStage.UPPER, "a draw")
    assert all(torch.equal(each, weights_of(other)[name]) for name, each in weights_of(one).items())


def test_rank_correlation_against_ranks_counted_by_hand():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 40))
    ranks = [np.array([(each < value).sum() for value in each], float) for each in (one, other)]
    assert rank_correlation(one, other) == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert rank_correlation(one, other[:-1]) is None and rank_correlation(np.empty(0), np.empty(0)) is None


@pytest.mark.parametrize(
    ("rho", "low", "kept"),
    [(0.2, None, True), (0.2, 0.01, True), (0.9, -0.1, False), (0.19, 0.1, False), (None, None, None)],
)
def test_a_map_is_kept_from_a_mean_of_a_fifth_on_where_chance_is_ruled_out(rho, low, kept):
    assert keeps_its_map(rho, low) is kept


def test_every_question_has_an_order_of_weights_of_its_own_and_begins_with_those_that_were_learned(
    lvlm, shown, tmp_path
):
    @dataclass(frozen=True)
    class Weights(Edges):
        """Looks at the weights of the LVLM that it is given."""

        def attribute(self, lvlm, case, rng):
            seen.append(weights_of(lvlm))
            return Edges.attribute(self, lvlm, case, rng)

    seen, decoder = [], "language_model.layers.0.mlp.up_proj.weight"
    randomised(lvlm, shown, {"weights": Weights()}, tmp_path / "r.jsonl")
    assert len(seen) == len(shown) * (1 + len(ShuffleStage))
    learned, first, second = seen[0], seen[1], seen[6]
    assert not torch.equal(first["head"], second["head"])
    for output_alone in (first, second):
        assert torch.equal(output_alone[decoder], learned[decoder])
        assert not torch.equal(output_alone["head"], learned["head"])


def test_a_limit_takes_as_many_pictures_as_it_can(shown):
    every = [
        replace(shown[0].reference, image_id=image, case_id=f"phantom/{image}/{finding}@{TRACK.lvlm}:direct")
        for image in "123"
        for finding in ("nodule", "mass", "effusion")
    ]
    for limit in (3, 4):
        few = spread(every, limit)
        assert len(few) == limit and {each.image_id for each in few} == set("123")
    assert spread(reversed(every), 4) == few and len(spread(every, None)) == 9


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
