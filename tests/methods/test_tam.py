"""The token activation map, step by step, on logits made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.types import Case, Frame, Response
from medground_bench.lvlms import Need, TokenGrid, TokenLogits
from medground_bench.methods.tam import Tam, rank_gaussian
from tests.kit.tiny_lvlms import DIRECT

RNG = np.random.default_rng(0)
IMAGE, QUESTION, ANSWER = slice(1, 26), slice(26, 29), slice(29, 30)


class Reader:
    """An LVLM whose last states read: 25 image tokens between a start token and three words and an answer."""

    key, revision, gives = "reader", "0", frozenset({Need.HIDDEN_STATES})

    def __init__(self, values: np.ndarray, ids: tuple[int, ...]) -> None:
        self.logits = TokenLogits(values.astype(np.float32), ids, IMAGE, ANSWER)

    def token_logits(self, picture, prompt, response):
        return self.logits

    def token_grid(self, frame):
        return TokenGrid(5, 5, frame)


def _case() -> Case:
    picture = np.zeros((50, 50), np.uint8)
    return Case(
        "a/b/c@reader:direct",
        "nodule",
        DIRECT,
        Response("Yes", (9,), ("Yes",)),
        picture,
        Frame.native(50, 50),
    )


def _logits(own: np.ndarray, words: list[np.ndarray], relevance: list[float]) -> np.ndarray:
    values = np.zeros((30, 30))
    values[IMAGE, 29] = own.ravel()
    for place, word in zip(range(26, 29), words, strict=True):
        values[IMAGE, place] = word.ravel()
    values[26:29, 29] = relevance
    return values


def test_what_earlier_words_light_up_too_is_taken_away():
    spot, shared = np.zeros((5, 5)), np.zeros((5, 5))
    spot[3:, 3:], shared[:2, :2] = 3, 8
    nothing = np.zeros((5, 5))
    reader = Reader(_logits(spot + shared, [shared, nothing, nothing], [1, 0, -2]), tuple(range(30)))
    values = Tam().attribute(reader, _case(), RNG).saliency.values
    assert not values[:2, :2].any()
    assert values[4, 4] == pytest.approx(3)


def test_words_count_by_how_much_they_bring_the_token_up():
    one, other = np.zeros((5, 5)), np.zeros((5, 5))
    one[:, 0], other[:, 4] = 6, 6
    reader = Reader(_logits(one + other, [one, other, other * 0], [3, 1, 0]), tuple(range(30)))
    values = Tam(window=1).attribute(reader, _case(), RNG).saliency.values
    interference = 0.75 * one + 0.25 * other
    scale = ((one + other) * interference).sum() / (interference**2).sum()
    np.testing.assert_allclose(values, np.maximum(one + other - scale * interference, 0), rtol=1e-6)


def test_a_repetition_of_the_token_itself_is_no_interference():
    own = np.zeros((5, 5))
    own[1:4, 1:4] = 5
    ids = list(range(30))
    values = _logits(own, [own, own * 0, own * 0], [2, 0, 0])
    cleaned = Tam(window=1).attribute(Reader(values, tuple(ids)), _case(), RNG).saliency.values
    ids[26] = ids[29]
    repeated = Tam(window=1).attribute(Reader(values, tuple(ids)), _case(), RNG).saliency.values
    assert not cleaned.any()
    np.testing.assert_allclose(repeated, own)


def test_the_filter_is_a_gaussian_over_ranks_as_wide_as_the_coefficient_of_variation():
    values = np.random.default_rng(1).gamma(2, size=(4, 6))
    expected = np.empty_like(values)
    padded = np.pad(values, 1, mode="symmetric")
    for row, column in np.ndindex(values.shape):
        ranked = sorted(padded[row : row + 3, column : column + 3].ravel())
        width = np.std(ranked) / np.mean(ranked)
        weights = [np.exp(-((rank - 4) ** 2) / (2 * width**2)) for rank in range(9)]
        expected[row, column] = np.dot(ranked, weights) / sum(weights)
    np.testing.assert_allclose(rank_gaussian(values, 3), expected, rtol=1e-6)


def test_the_filter_removes_a_lone_spike_and_keeps_a_plateau():
    values = np.zeros((7, 7))
    values[1, 1], values[3:7, 3:7] = 50, 2
    filtered = rank_gaussian(values, 3)
    assert filtered[1, 1] < 50 / 10
    assert filtered[5, 5] == pytest.approx(2)
    assert not rank_gaussian(np.zeros((3, 3)), 3).any()
