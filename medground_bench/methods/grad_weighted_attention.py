"""Gradient x relevance of attention, rolled out. Chefer, Gur and Wolf, CVPR 2021, arXiv:2012.09838.

The cited paper's equations 13 and 14: with G the gradient of the target to a layer's attention and R the relevance that
reaches it by layer-wise relevance propagation, each layer moves A' = I + mean over heads of relu(G * R), and the map is
their product A'_L ... A'_1. Read are the rows that predict the response's tokens, averaged, at the image tokens. The
target of G is the summed log-probability of the response's own tokens; R starts as that of `lrp`, over the size of its
sum, so that 1 is handed down, as in the cited paper.

Departures, because decoders have RMSNorm, gated units and rotary positions, of which the cited rules for ViT and BERT
know nothing: R follows the rules of `attnlrp`, so linear layers have the epsilon rule with epsilon 0 for the cited
alpha-beta rule with alpha 1, and the softmax its Taylor expansion for the identity. The cited rules know positive
relevance alone; so what speaks against the response, which would turn the sign of G, counts as none here. As
cited, the product of attention and values hands half to each, and half of what reaches the weights goes to query and to
key. The vision tower is not entered.

Two passes back: relevance first, which is kept of all layers, then gradients, layer by layer. Only the answer's rows r
of the product are carried: r A'_L ... A'_1, so layers are taken from the last to the first, as the way back goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from torch import Tensor

from medground_bench.core.errors import MethodFailed
from medground_bench.core.types import Attribution, Case
from medground_bench.lvlms import LayerAttention, Lvlm, LvlmDescription, Need
from medground_bench.methods._relevance import AnswerRows
from medground_bench.methods._settings import demand
from medground_bench.methods.attention_head import demand_layer
from medground_bench.methods.attention_rollout import token_map


@dataclass(frozen=True, kw_only=True)
class GradWeightedAttention:
    """The tuned `first_layer` is the start layer of the cited code.

    >>> sorted(GradWeightedAttention(first_layer=2).needs)
    [<Need.ATTENTIONS: 'attentions'>, <Need.GRADIENTS: 'gradients'>]
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.ATTENTIONS, Need.GRADIENTS})

    first_layer: int = 0  # layers below add nothing, from 0

    def __post_init__(self) -> None:
        demand(self, self.first_layer >= 0, "layers are counted from 0")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Relevance of each image token, at least 0."""
        demand_layer(lvlm, self.first_layer)
        relevances: dict[int, Tensor] = {}

        def keep(attention: LayerAttention) -> None:
            assert attention.gradients is not None
            if attention.layer >= self.first_layer:
                relevances[attention.layer] = attention.gradients

        start = lvlm.walk_attention_relevance(case.picture, case.prompt, case.response, keep)
        if not start:
            raise MethodFailed(
                f"case {case.case_id}: no relevance is handed down, so no share of it can be said."
            )
        rows = AnswerRows()

        def move(attention: LayerAttention) -> None:
            assert attention.gradients is not None
            if attention.layer >= self.first_layer:
                relevance = relevances.pop(attention.layer).relu() / abs(start)
                rows.move(attention, attention.gradients * relevance)

        lvlm.walk_attention_gradients(case.picture, case.prompt, case.response, move)
        return token_map(lvlm, case, rows.at_image)

    @classmethod
    def candidates(cls, lvlm: LvlmDescription) -> Sequence[Self]:
        """Every first layer."""
        return [cls(first_layer=layer) for layer in range(lvlm.layers)]


METHOD = GradWeightedAttention
PAPER = True
