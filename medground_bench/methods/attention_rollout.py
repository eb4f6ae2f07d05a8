"""Attention rollout: attention followed through all layers. Abnar and Zuidema, ACL 2020, arXiv:2005.00928.

Each layer moves information by A' = (A + I) / 2, A being the mean of its heads and I the residual stream; rows of A'
sum to 1. Over layers 1 to L that makes R = A'_L ... A'_2 A'_1: how much of each input position arrives at each position
of the top. Read are the rows that predict the response's tokens, averaged, at the image tokens.

Where it fails: weights say where a position looks, not what it takes from there nor whether the answer used it. A model
wired to answer by one bright patch gives a map that is blind to the patch (tests/methods/test_planted_patch.py). So the
map can fall below a random box, as it does for one embedded LVLM in reason mode.

Only the image's columns of the product are carried, (length, image tokens), and layers are taken as the model runs: one
layer's attention is held at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch

from medground_bench.core.types import Attribution, Case, SaliencyMap
from medground_bench.lvlms import LayerAttention, Lvlm, LvlmDescription, Need
from medground_bench.methods._settings import demand
from medground_bench.methods.attention_head import demand_layer


@dataclass(frozen=True, kw_only=True)
class AttentionRollout:
    """Departure: layers below `first_layer` can be left out of the product (Chefer et al., 2021, do so).

    >>> AttentionRollout(first_layer=2).needs
    frozenset({<Need.ATTENTIONS: 'attentions'>})
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.ATTENTIONS})

    first_layer: int = 0  # the product starts here, from 0

    def __post_init__(self) -> None:
        demand(self, self.first_layer >= 0, "layers are counted from 0")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Share of each image token in what the predicting rows hold at the top; 0..1."""
        demand_layer(lvlm, self.first_layer)
        rollout = _Rollout(self.first_layer)
        lvlm.walk_attention(case.picture, case.prompt, case.response, rollout.add)
        return token_map(lvlm, case, rollout.answer_rows())

    @classmethod
    def candidates(cls, lvlm: LvlmDescription) -> Sequence[Self]:
        """Every first layer."""
        return [cls(first_layer=layer) for layer in range(lvlm.layers)]


def token_map(lvlm: Lvlm, case: Case, values: torch.Tensor) -> Attribution:
    """A map of a value for each image token, (image tokens,).

    >>> from medground_bench.core.types import Frame, Response
    >>> from medground_bench.lvlms import TokenGrid
    >>> picture, response = np.zeros((8, 8), np.uint8), Response("Yes", (1,), ("Yes",))
    >>> case = Case("a/b/mass@tiny:direct", "mass", "?", response, picture, Frame.native_of(picture))
    >>> class Lvlm:
    ...     def token_grid(self, frame):
    ...         return TokenGrid(2, 2, frame)
    >>> token_map(Lvlm(), case, torch.arange(4.0)).saliency.values.tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    grid = lvlm.token_grid(case.study)
    on_grid = values.reshape(grid.rows, grid.columns).cpu().numpy().astype(np.float32)
    return Attribution(saliency=SaliencyMap(on_grid, case.study))


class _Rollout:
    """The product so far, (length, image tokens), grown from the left as layers come."""

    def __init__(self, first_layer: int) -> None:
        self.first_layer = first_layer
        self.product = torch.empty(0)
        self.predicting = slice(0)

    def add(self, attention: LayerAttention) -> None:
        if attention.layer < self.first_layer:
            return
        mean = attention.weights.mean(0)
        if attention.layer == self.first_layer:
            self.product = torch.eye(len(mean), device=mean.device)[:, attention.image]
            self.predicting = attention.predicting
        step = (mean + torch.eye(len(mean), device=mean.device)) / 2
        self.product = (step / step.sum(-1, keepdim=True)) @ self.product

    def answer_rows(self) -> torch.Tensor:
        return self.product[self.predicting].mean(0)


METHOD = AttentionRollout
PAPER = True
