"""MedFocus asked twice about one picture gives a cold run's Deltas without encoding anything; no time is asserted."""

from __future__ import annotations

import numpy as np

from medground_bench.lvlms.engine.passes import Passes
from tests.kit.rounding import through
from tests.performance import medfocus_speed as bench


def test_a_second_question_to_medfocus_encodes_no_picture_and_equals_a_cold_run(lvlm):
    first, second = bench.two_questions(lvlm)
    bench.forget(lvlm)
    cold = bench.deltas(lvlm, second)
    passes = Passes()
    watched = lvlm.counted_by(passes)
    bench.deltas(watched, first)
    assert passes == Passes(pictures=16, rows=16, rows_continued=16), "1 + 11 + 4, in one batch"
    warm = bench.deltas(watched, second)
    assert passes == Passes(pictures=16, rows=16, rows_continued=32)
    assert len(warm) == 15 and np.array_equal(warm, cold)
    assert warm.max() > 1e-3, "hiding something must matter"


def test_the_plain_way_has_the_same_deltas(lvlm):
    case, _ = bench.two_questions(lvlm)
    regions = bench.localize(bench.MedFocus().localizer, case.picture)
    plain = bench.MedFocus().attribute_regions(bench.OneByOne(lvlm), case, regions).concept_drops
    ours = bench.deltas(lvlm, case)
    words = float(abs(lvlm.log_probs([case.picture], case.prompt, case.response)).sum())
    np.testing.assert_allclose(list(plain.values()), ours, atol=2 * through(lvlm, words))


def test_every_part_of_a_case_is_timed(lvlm, family):
    cost = bench.medfocus_cost(lvlm, family, turns=1)
    parts = (cost.localise_s, cost.resize_s, cost.vision_s, cost.picture_s, cost.question_s)
    assert all(seconds > 0 for seconds in parts)
    assert cost.difference == 0 and cost.share > 0
