"""The bench of the methods runs, and its counts are right; no time is asserted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medground_bench.cards.costs import GEMMA3_4B, attention_bytes, flops, milliseconds_h200
from medground_bench.lvlms.engine.passes import Passes
from medground_bench.methods import open_method
from tests.performance import methods_speed as bench
from tests.performance.__main__ import cost_table, duel_table


@pytest.mark.parametrize(
    "method, expected",
    [
        ("whole_image", Passes()),
        ("occlusion", Passes(pictures=65, rows=65)),
        ("rise", Passes(pictures=64, rows=64)),
        ("attention_head", Passes(pictures=1, rows=1, attention_layers=1)),
        ("attention_rollout", Passes(pictures=1, rows=1, attention_layers=3, whole_attention=True)),
        ("gradcam", Passes(pictures=1, rows=1, rows_backward=0.667)),  # from layer 1 of 0, 1, 2
    ],
)
def test_passes_of_a_method_are_counted(lvlm, method, expected):
    case = bench.bench_case(lvlm)
    passes = Passes()
    open_method(method, lvlm).attribute(lvlm.counted_by(passes), case, np.random.default_rng(0))
    assert passes == expected


def test_gradients_back_through_the_tower_are_counted(lvlm):
    case = bench.bench_case(lvlm)
    passes = Passes()
    open_method("integrated_gradients", lvlm).attribute(
        lvlm.counted_by(passes), case, np.random.default_rng(0)
    )
    assert passes.pictures_backward == passes.rows_backward == 36
    assert passes.pictures == passes.rows >= 38, "both ends of the line have no gradient"


def test_counting_starts_cold(lvlm):
    case = bench.bench_case(lvlm)
    for _ in range(2):
        passes = Passes()
        lvlm.counted_by(passes).log_probs([case.picture], case.prompt, case.response)
        assert passes == Passes(pictures=1, rows=1, rows_continued=1)


def test_counting_leaves_the_lvlm_as_it_was(lvlm):
    case = bench.bench_case(lvlm)
    before = lvlm.log_probs([case.picture], case.prompt, case.response)
    passes = Passes()
    lvlm.counted_by(passes).generate([case.picture], [case.prompt], max_new_tokens=2)
    assert passes == Passes(pictures=1, rows=1, steps=1), "the row itself gives the first token"
    assert np.array_equal(lvlm.log_probs([case.picture], case.prompt, case.response), before)
    assert passes.rows == 1, "only the copy is counted"


def test_the_plan_for_a_4b_model_follows_the_arithmetic():
    one = Passes(pictures=1, rows=1)
    assert flops(one, GEMMA3_4B, 300) == pytest.approx(5.46e12 + 1.95e12)
    assert milliseconds_h200(one, GEMMA3_4B, 300) == pytest.approx(18.8, abs=0.1)
    assert milliseconds_h200(Passes(steps=256), GEMMA3_4B, 300) == pytest.approx(256 * 8 / 4.8)
    back = Passes(pictures_backward=1, rows_backward=0.5)
    assert flops(back, GEMMA3_4B, 300) == pytest.approx(3.37e12 + 2 * 2.09e12 + 0.975e12)
    whole = Passes(attention_layers=34, whole_attention=True)
    assert attention_bytes(whole, GEMMA3_4B, 300, 2) == 8 * 300 * 300 * 4
    assert attention_bytes(Passes(attention_layers=1), GEMMA3_4B, 300, 2) == 8 * 2 * 300 * 4
    assert attention_bytes(one, GEMMA3_4B, 300, 2) == 0


def test_both_tables_are_printed_with_a_row_for_every_measurement(lvlm, family, monkeypatch):
    monkeypatch.setattr(bench, "TURNS", 1)
    monkeypatch.setattr(bench, "SIDE_PX", 56)
    cost = bench.method_cost("gradcam", lvlm, family)
    assert cost.seconds > 0 and (cost.peak_mb is None or cost.peak_mb < 500)
    duel = bench.Duel("x", family, ours_s=1.0, other_s=7.0)
    assert duel.ratio == 7 and duel_table([duel]).row_count == 1
    assert cost_table([cost]).row_count == 1


def test_a_held_array_shows_in_the_peak():
    peak = bench.peak_memory_mb(lambda: torch.ones(30, 1024, 1024, dtype=torch.uint8))
    assert peak is None or 25 < peak < 60


def test_captum_and_naive_calls_run_on_the_same_model(tiny_lvlms, monkeypatch):
    pytest.importorskip("captum")
    monkeypatch.setattr(bench, "TURNS", 1)
    duels = bench.against_captum(tiny_lvlms["gemma3"])
    assert [duel.what for duel in duels] == ["Occlusion: captum", "IntegratedGradients: captum"]
    assert all(duel.ours_s > 0 and duel.other_s > 0 for duel in duels)
