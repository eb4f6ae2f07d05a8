"""Token activation map: what the image tokens themselves would say. Li et al., ICCV 2025, arXiv:2506.23270.

1. Activation map of a token: its logit read at every image position from the last hidden states, clipped at 0.
2. Interference: words said before (question and earlier response) light up the same places. Their maps are averaged,
   each weighted by the token's logit (clipped at 0, summing to 1), read at the word's position, or for a word of the
   response at the position that predicts it; repetitions of the token itself are left out. The multiple of this
   average that fits the token's map best by least squares is taken away, and what falls below 0 is cut.
3. The map and the token's logits at those words are brought to 0..1 together.
4. Rank Gaussian filter: the values of each 3 x 3 neighbourhood, sorted, are averaged with a Gaussian around the median
   rank, as wide as their coefficient of variation (standard deviation over mean), in ranks; edges are mirrored.

One forward pass, no gradient. As the released code (github.com/xmed-lab/TAM) on its own kind of model, Qwen's, but for
this: the response's map is the mean of its tokens' maps, where the release shows one token at a time; the response's
first token has its own logit, where the release reads that of the prompt's last token; the question's first word has
its own, where the release takes the greedy one; a neighbourhood of one value is that value, where the release divides
by 0; maps are not rounded to 8 bits. For Gemma 3, which the release does not know, the template's newlines after the
picture count as words of the question.

Where it fails: it takes for granted that last states at image positions read as words. No training asks for that, as
nothing reads them there; large models on top of a language model have it, a small one that only learnt to answer may
not, and then the map is noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.types import Attribution, Case, SaliencyMap
from medground_bench.lvlms import Lvlm, Need, TokenLogits
from medground_bench.methods._settings import demand

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Tam:
    """Read at the last layer, whose states the output matrix was made for.

    >>> Tam(window=5).needs
    frozenset({<Need.HIDDEN_STATES: 'hidden_states'>})
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.HIDDEN_STATES})

    window: int = 3  # side of the filter's neighbourhood, image tokens, odd

    def __post_init__(self) -> None:
        demand(self, self.window > 0 and self.window % 2 == 1, "the window has an odd side, 1 or more")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Mean over the response's tokens of their filtered maps, 0..1."""
        logits = lvlm.token_logits(case.picture, case.prompt, case.response)
        grid = lvlm.token_grid(case.study)
        maps = [
            rank_gaussian(_activation(logits, place).reshape(grid.rows, grid.columns), self.window)
            for place in range(logits.answer.start, logits.answer.stop)
        ]
        return Attribution(saliency=SaliencyMap(np.mean(maps, axis=0).astype(np.float32), case.study))


def _activation(logits: TokenLogits, place: int) -> Floats:
    """Activation map (image tokens,) of the token at a position, 0..1, less what earlier words account for."""
    said = np.arange(logits.answer.start, place)
    words = np.r_[np.arange(logits.question.start, logits.question.stop), said]
    read = np.r_[words[: len(words) - len(said)], said - 1]
    activations = np.maximum(logits.values[logits.image].astype(np.float64), 0)
    own, at_words = activations[:, place], np.maximum(logits.values[read, place].astype(np.float64), 0)
    other = np.array(logits.ids)[words] != logits.ids[place]
    if at_words[other].sum() > 0:
        own = _without(own, activations[:, words[other]] @ (at_words[other] / at_words[other].sum()))
    together = np.r_[own, at_words]
    span = np.ptp(together)
    scaled: Floats = (own - together.min()) / (span if span > 0 else 1)
    return scaled


def _without(own: Floats, interference: Floats) -> Floats:
    """A map less the multiple of another that fits it best, at least 0."""
    power = interference @ interference
    scale = own @ interference / power if power > 0 else 0.0
    cleaned: Floats = np.maximum(own - scale * interference, 0)
    return cleaned


def rank_gaussian(values: Floats, window: int) -> Floats:
    """The filter of step 3 on a map (rows, columns) of values at least 0; edges are mirrored, not repeated.

    >>> one_bright_cell = np.pad([[9.0]], 1)
    >>> float(rank_gaussian(one_bright_cell, window=3)[1, 1].round(2))
    0.52
    """
    around = np.pad(values, window // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(around, (window, window))
    ranked = np.sort(windows.reshape(*values.shape, -1), axis=-1)
    mean = ranked.mean(axis=-1, keepdims=True)
    width = ranked.std(axis=-1, keepdims=True) / np.where(mean == 0, 1, mean)
    rank = np.arange(window**2) - window**2 // 2
    weights = np.exp(-(rank**2) / (2 * np.maximum(width, 1e-6) ** 2))
    filtered: Floats = (ranked * weights).sum(axis=-1) / weights.sum(axis=-1)
    return filtered


METHOD = Tam
