"""Intervals, p-values and their correction: by hand, by independent code, and by how often they hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from medground_bench.core.comparison import compare
from medground_bench.core.intervals import (
    FEWEST_IMAGES,
    ImageMeans,
    difference_ends,
    holm,
    p_values,
    sums_per_image,
)
from medground_bench.core.scoring import table
from tests.kit.made_scores import ALIKE, SHAPES, SIZES, as_scores, drawn, true_mean


def example(images=40, methods=2, seed=3):
    sample = drawn(
        np.random.default_rng(seed), 1, images, ["as IoU mostly is"] * methods, 0.3, "one to eight"
    )
    return sample.sums[0], sample.counts[0]


def test_the_mean_is_over_cases_and_its_error_by_hand():
    sums, counts = np.array([[1.0], [0.0], [1.0], [0.5], [2.0], [0.0]]), np.array([1.0, 1, 2, 1, 2, 1])
    found = ImageMeans.of(sums, counts)
    assert (found.means[0], found.cases, found.images) == (4.5 / 8, 8, 6)
    residuals = [(s - 4.5 / 8 * n) ** 2 / (1 - n / 8) for (s,), n in zip(sums, counts, strict=True)]
    assert found.covariance[0, 0] == pytest.approx(sum(residuals) / 64)
    assert found.freedom == pytest.approx(64 / (1 + 1 + 4 + 1 + 4 + 1) - 1)


def test_with_one_case_a_picture_it_is_the_textbook_t_interval():
    values = np.random.default_rng(0).uniform(size=30)
    found = ImageMeans.of(values[:, None] - 0.5, np.ones(30))
    low, high = difference_ends(found.means, np.diag(found.covariance), found.freedom)
    textbook = stats.ttest_1samp(values, 0.5)
    assert (low[0], high[0]) == pytest.approx(tuple(textbook.confidence_interval(0.95) - np.array(0.5)))
    p = p_values(found.means, np.diag(found.covariance), found.freedom)
    assert p[0] == pytest.approx(textbook.pvalue)


def test_with_many_images_it_is_the_bootstrap_of_images_by_scipy():
    sums, counts = example(images=400, methods=1)
    low, high = ImageMeans.of(sums, counts).ends()
    other = stats.bootstrap(
        (sums[:, 0], counts), lambda s, n, axis: s.sum(axis) / n.sum(axis),
        paired=True, method="percentile", rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    assert (low[0], high[0]) == pytest.approx((other.low, other.high), abs=0.15 * (other.high - other.low))


def test_the_p_value_is_close_to_that_of_flipping_images():
    sums, counts = example(images=60)
    first, second = (as_scores(sums[:, place], counts) for place in range(2))
    gains = sums[:, 0] - sums[:, 1]
    signs = 2.0 * np.random.default_rng(0).integers(2, size=(20_000, len(gains))) - 1
    flipped = np.mean(np.abs(signs @ gains) >= abs(gains.sum()))
    assert compare(first, second).p_value == pytest.approx(flipped, abs=0.02)


@given(st.integers(0, 10_000))
def test_p_is_below_one_in_twenty_exactly_where_the_interval_leaves_out_zero(seed):
    sums, counts = example(images=12, seed=seed)
    found = compare(*(as_scores(sums[:, place], counts) for place in range(2)))
    assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)
    back = compare(*(as_scores(sums[:, place], counts) for place in (1, 0)))
    assert (back.mean, back.low, back.high) == pytest.approx((-found.mean, -found.high, -found.low))


def test_the_order_of_cases_changes_nothing_and_no_random_number_is_drawn():
    sums, counts = example(images=20, methods=1)
    scores = as_scores(sums[:, 0], counts)
    assert table(scores, by=()) == table(scores[::-1], by=())


def test_fewer_images_than_six_are_not_judged():
    for images in range(1, FEWEST_IMAGES + 1):
        sums, counts = example(images=images)
        ends = np.concatenate(ImageMeans.of(sums, counts).ends())
        found = compare(*(as_scores(sums[:, place], counts) for place in range(2)))
        assert np.isnan(ends).all() == (images < FEWEST_IMAGES) == (found.p_value is None)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_correction_of_its_paper_step_by_step(values):
    corrected = holm(np.array(values))
    for level in (0.01, 0.05, 0.2):
        rejected, left = set(), len(values)
        for place in sorted(range(len(values)), key=lambda each: values[each]):
            if values[place] * left > level:
                break
            rejected.add(place)
            left -= 1
        assert rejected == {place for place, p in enumerate(corrected) if p <= level}


def test_a_pair_that_could_not_be_judged_still_counts_as_looked_at():
    assert holm(np.array([0.01, np.nan])) == pytest.approx([0.02, np.nan], nan_ok=True)


def test_sums_per_image_keep_images_of_two_sources_apart():
    sums, counts = sums_per_image([("a", "1"), ("b", "1")], np.array([[1.0], [2.0]]))
    assert sums.tolist() == [[1.0], [2.0]] and counts.tolist() == [1.0, 1.0]


BOARDS = 400


@pytest.mark.parametrize("images", [6, 10, 20, 50])
def test_from_six_images_up_intervals_of_means_and_differences_hold_93_to_97_times_in_a_hundred(images):
    """The small twin of `python -m tests.performance.interval_coverage`, over all its shapes."""
    rng, held, differ = np.random.default_rng(11), [], []
    names = list(SHAPES)
    for alike in ALIKE:
        for sizes in SIZES:
            sample = drawn(rng, BOARDS // 2, images, names, alike, sizes)
            for sums, counts in zip(sample.sums, sample.counts, strict=True):
                found = ImageMeans.of(sums, counts)
                truth = np.array([true_mean(name) for name in names])
                low, high = found.ends()
                held += ((low <= truth) & (truth <= high))[~np.isnan(low)].tolist()
                gaps, variance = found.differences()
                low, high = difference_ends(gaps[0, 1:], variance[0, 1:], found.freedom)
                true_gaps = truth[0] - truth[1:]
                differ += ((low <= true_gaps) & (true_gaps <= high))[~np.isnan(low)].tolist()
    assert 0.93 <= np.mean(held) <= 0.97
    assert 0.93 <= np.mean(differ) <= 0.97
