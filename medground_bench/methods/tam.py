"""Token activation map: what the image tokens themselves would say. Li et al., ICCV 2025, arXiv:2506.23270.

1. Activation map of a token: its logit read at every image position from the last hidden states, clipped at 0.
2. Interference: words said before (question and earlier response) light up the same places. Their maps are averaged,
   each weighted by the logit of the token at that word's position (clipped at 0, summing to 1); repetitions of the
   token itself are left out. The multiple of this average that fits the token's map best by least squares is taken
   away, and what falls below 0 is cut.
3. Rank Gaussian filter: the values of each 3 x 3 neighbourhood, sorted, are averaged with a Gaussian around the median
   rank, as wide as their coefficient of variation (standard deviation over mean), in ranks; a quiet neighbourhood
   becomes its median.

Where it fails: it takes for granted that last states at image positions read as words. No training asks for that, as
nothing reads them there; large models on top of a language model have it, a small one that only learnt to answer may
not, and then the map is noise: on the embedded Gemma 3, 26 cases each, its mean IoU is 10.6 % in direct mode
(`random_box` 16.0) and 10.1 % in reason mode (`random_box` 10.2).

One forward pass, no gradient. Written from the paper's description. Departures: the response's map is the mean of its
tokens' maps, where the paper shows one token at a time; context words are all text after the picture.
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
        """Mean over the response's tokens of their filtered maps, in logits, at least 0."""
        logits = lvlm.token_logits(case.picture, case.prompt, case.response)
        grid = lvlm.token_grid(case.study)
        maps = [
            rank_gaussian(_without_interference(logits, place).reshape(grid.rows, grid.columns), self.window)
            for place in range(logits.answer.start, logits.answer.stop)
        ]
        return Attribution(saliency=SaliencyMap(np.mean(maps, axis=0).astype(np.float32), case.study))


def _without_interference(logits: TokenLogits, place: int) -> Floats:
    """Activation map (image tokens,) of the token at a position, less what earlier words account for."""
    activations = np.maximum(logits.values[logits.image].astype(np.float64), 0)
    own = activations[:, place]
    context = [other for other in range(logits.image.stop, place) if logits.ids[other] != logits.ids[place]]
    relevance = np.maximum(logits.values[context, place].astype(np.float64), 0)
    if not relevance.sum() > 0:
        return own
    interference = activations[:, context] @ (relevance / relevance.sum())
    power = interference @ interference
    scale = own @ interference / power if power > 0 else 0.0
    cleaned: Floats = np.maximum(own - scale * interference, 0)
    return cleaned


def rank_gaussian(values: Floats, window: int) -> Floats:
    """The filter of step 3 on a map (rows, columns) of values at least 0; edges are mirrored.

    >>> one_bright_cell = np.pad([[9.0]], 1)
    >>> float(rank_gaussian(one_bright_cell, window=3)[1, 1].round(2))
    0.52
    """
    around = np.pad(values, window // 2, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(around, (window, window))
    ranked = np.sort(windows.reshape(*values.shape, -1), axis=-1)
    mean = ranked.mean(axis=-1, keepdims=True)
    width = ranked.std(axis=-1, keepdims=True) / np.where(mean == 0, 1, mean)
    rank = np.arange(window**2) - window**2 // 2
    weights = np.exp(-(rank**2) / (2 * np.maximum(width, 1e-6) ** 2))
    filtered: Floats = (ranked * weights).sum(axis=-1) / weights.sum(axis=-1)
    return filtered


METHOD = Tam
