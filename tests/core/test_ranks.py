"""Ranks as sets: what is apart is said to be apart, what is not shares its places."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from medground_bench.core.comparison import compare
from medground_bench.core.ranks import RankSet, rank_sets, separable
from tests.kit.made_scores import SIZES, as_scores, drawn


def methods(images, shapes, seed=0, sizes="one to eight"):
    sample = drawn(np.random.default_rng(seed), 1, images, shapes, 0.3, sizes)
    return {
        f"m{place}": as_scores(sample.sums[0, :, place], sample.counts[0]) for place in range(len(shapes))
    }


def test_methods_that_are_far_apart_have_a_place_each_and_equals_share_theirs():
    found = rank_sets(methods(200, ["low", "high", "as IoU mostly is", "as IoU mostly is"]))
    assert found == {"m1": RankSet(1, 1), "m2": RankSet(2, 3), "m3": RankSet(2, 3), "m0": RankSet(4, 4)}


def test_on_few_images_nothing_is_separable_however_far_apart():
    found = rank_sets(methods(5, ["low", "high", "low"]))
    assert set(found.values()) == {RankSet(1, 3)} and not separable(found.values())


def test_a_method_and_its_copy_share_their_places():
    both = methods(60, ["high", "low"])
    found = rank_sets({**both, "copy": both["m0"]})
    assert found["copy"] == found["m0"] == RankSet(1, 2) and found["m1"] == RankSet(3, 3)


def test_places_are_those_of_all_pairs_corrected_by_brute_force():
    names = ["low", "as IoU mostly is", "30 % zeros", "60 % zeros", "high", "low"]
    boards = methods(25, names, seed=4)
    pairs = [(a, b) for a in boards for b in boards if a < b]
    p = {pair: compare(boards[pair[0]], boards[pair[1]]).p_value for pair in pairs}
    left, apart = len(pairs), set()
    for pair in sorted(pairs, key=p.get):
        if p[pair] * left >= 0.05:
            break
        apart.add(pair)
        left -= 1
    means = {name: np.mean([each.overlap.iou for each in scores]) for name, scores in boards.items()}
    for name, places in rank_sets(boards).items():
        others = [b if a == name else a for a, b in apart if name in (a, b)]
        above = sum(means[other] > means[name] for other in others)
        assert places == RankSet(1 + above, len(boards) - (len(others) - above))
    assert 0 < len(apart) < len(pairs)


def test_one_method_is_first_none_is_none_and_other_cases_are_refused():
    assert rank_sets({}) == {}
    board = methods(8, ["low", "low"])
    assert rank_sets({"m0": board["m0"]}) == {"m0": RankSet(1, 1)}
    with pytest.raises(ValueError, match="same cases"):
        rank_sets({"m0": board["m0"], "m1": board["m1"][1:]})


@pytest.mark.parametrize("images", [6, 20])
def test_among_equals_somebody_is_called_better_in_one_board_of_twenty_at_most(images):
    """Seven equal methods, 21 pairs; without the correction about one board in three would err."""
    wrong, boards = 0, 240
    for sizes in SIZES:
        sample = drawn(np.random.default_rng(2), boards // 3, images, ["as IoU mostly is"] * 7, 0.4, sizes)
        for sums, counts in zip(sample.sums, sample.counts, strict=True):
            board = {str(place): as_scores(sums[:, place], counts) for place in range(7)}
            wrong += separable(rank_sets(board).values())
    assert stats.binomtest(wrong, boards, 0.05, alternative="greater").pvalue > 0.01
