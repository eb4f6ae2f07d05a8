"""The token activation map, step by step, on logits made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from medground_bench.core.types import Case, Frame, Response
from medground_bench.lvlms import Need, TokenGrid, TokenLogits
from medground_bench.methods.tam import Tam, rank_gaussian
from tests.kit.method_cases import own_case
from tests.kit.tiny_lvlms import DIRECT

RNG = np.random.default_rng(0)
IMAGE, QUESTION, ANSWER = slice(1, 26), slice(26, 29), slice(29, 30)


class Reader:
    """An LVLM whose last states read: 25 image tokens between a start token and three words and an answer."""

    key, revision, gives = "reader", "0", frozenset({Need.HIDDEN_STATES})

    def __init__(self, values: np.ndarray, ids: tuple[int, ...]) -> None:
        self.logits = TokenLogits(values.astype(np.float32), ids, IMAGE, QUESTION, ANSWER)

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
    assert values[4, 4] == pytest.approx(1)


def test_words_count_by_how_much_they_bring_the_token_up():
    one, other = np.zeros((5, 5)), np.zeros((5, 5))
    one[:, 0], other[:, 4] = 6, 6
    reader = Reader(_logits(one + other, [one, other, other * 0], [3, 1, 0]), tuple(range(30)))
    values = Tam(window=1).attribute(reader, _case(), RNG).saliency.values
    interference = 0.75 * one + 0.25 * other
    scale = ((one + other) * interference).sum() / (interference**2).sum()
    cleaned = np.maximum(one + other - scale * interference, 0)
    np.testing.assert_allclose(values, cleaned / max(cleaned.max(), 3), rtol=1e-6)


def test_a_repetition_of_the_token_itself_is_no_interference():
    own = np.zeros((5, 5))
    own[1:4, 1:4] = 5
    ids = list(range(30))
    values = _logits(own, [own, own * 0, own * 0], [2, 0, 0])
    cleaned = Tam(window=1).attribute(Reader(values, tuple(ids)), _case(), RNG).saliency.values
    ids[26] = ids[29]
    repeated = Tam(window=1).attribute(Reader(values, tuple(ids)), _case(), RNG).saliency.values
    assert not cleaned.any()
    np.testing.assert_allclose(repeated, own / 5)


def test_the_filter_is_a_gaussian_over_ranks_as_wide_as_the_coefficient_of_variation():
    values = np.random.default_rng(1).gamma(2, size=(4, 6))
    expected = np.empty_like(values)
    padded = np.pad(values, 1, mode="reflect")
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


def released_map(logits, ids, image, question, answer, place):
    """One round of the release, up to its filter: positions before `place` are all that was read so far."""
    words = [*question, *answer]
    target = words.index(place)
    scores = logits[:place, ids[place]].clip(min=0)
    texts = [*scores[question.start : question.stop], *scores[answer.start - 1 :]]
    own = scores[image]
    others = [number for number in range(target) if ids[words[number]] != ids[place]]
    weights = np.array(texts)[others]
    weights = weights / (weights.sum() + 1e-8)
    maps = np.stack([logits[image, ids[words[number]]].clip(min=0) for number in others])
    interference = (maps * weights[:, None]).sum(0)
    scale = minimize_scalar(lambda share: ((own - share * interference) ** 2).sum()).x
    own = (own - interference * scale).clip(min=0)
    together = np.concatenate([own, texts[:-1]])
    return ((together - together.min()) / (together.max() - together.min()))[: len(own)]


def released_filter(values):
    padded, filtered = np.pad(values, 1, mode="reflect"), np.zeros_like(values)
    for row, column in np.ndindex(values.shape):
        ranked = np.sort(padded[row : row + 3, column : column + 3].ravel())
        if ranked.mean() > 0:
            width = ranked.std() / ranked.mean()
            kernel = np.exp(-((np.arange(9) - 4) ** 2) / (2 * width**2))
            filtered[row, column] = (ranked * kernel).sum() / kernel.sum()
    return filtered


@pytest.mark.parametrize("mode", ["direct", "reason"])
def test_the_map_is_the_releases_on_its_own_kind_of_model(tiny_lvlms, raws, mode):
    """Round by round as the release goes, whose first round is asked for the token that the response begins with."""
    lvlm, raw = tiny_lvlms["qwen2_5_vl"], raws["qwen2_5_vl"]
    case = own_case(lvlm, mode=mode)
    inputs = raw.inputs(case.picture, case.prompt, case.response.token_ids)
    ids = inputs["input_ids"][0].tolist()
    logits = raw.model(**inputs).logits[0].detach().double().numpy()
    word = raw.tokenizer.convert_tokens_to_ids
    image = [place for place, token in enumerate(ids) if token == word("<|image_pad|>")]
    first = ids.index(word("<|vision_end|>")) + 1
    question = range(first, ids.index(word("<|im_end|>"), first))
    answer = range(len(ids) - len(case.response.token_ids), len(ids))
    grid = lvlm.token_grid(case.study)
    maps = [
        released_map(logits, ids, image, question, answer, place).reshape(grid.rows, grid.columns)
        for place in answer
    ]
    found = Tam().attribute(lvlm, case, RNG).saliency.values
    np.testing.assert_allclose(found, np.mean([released_filter(each) for each in maps], axis=0), atol=1e-5)
    assert found.max() > 0.01
