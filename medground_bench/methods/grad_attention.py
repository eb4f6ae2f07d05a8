"""Gradient x attention, propagated across layers. Chefer, Gur and Wolf, ICCV 2021, arXiv:2103.15679.

Not the rule that the benchmark's paper cites, which is `grad_weighted_attention`: attention itself stands here where
that has the relevance of attention.

The paper's rule for self-attention, its equations 5 and 6: with A a layer's attention and G the gradient of the target
to it, M = mean over heads of relu(G * A), and R <- R + M R from the first layer to the last; R starts as the identity.
Read are the rows of R that predict the response's tokens, averaged, at the image tokens. The target is the summed
log-probability of the response's own tokens.

Only the answer's rows r of R are carried: r (I + M_L) ... (I + M_1), so layers are taken from the last to the first, as
the backward pass reaches them; one layer's attention and gradient are held at a time. The vision tower is not
differentiated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from medground_bench.core.types import Attribution, Case
from medground_bench.lvlms import LayerAttention, Lvlm, LvlmDescription, Need
from medground_bench.methods._relevance import AnswerRows
from medground_bench.methods._settings import demand
from medground_bench.methods.attention_head import demand_layer
from medground_bench.methods.attention_rollout import token_map


@dataclass(frozen=True, kw_only=True)
class GradAttention:
    """Departure: the tuned `first_layer`; the paper starts at the first layer, its code offers a start layer too.

    >>> sorted(GradAttention(first_layer=2).needs)
    [<Need.ATTENTIONS: 'attentions'>, <Need.GRADIENTS: 'gradients'>]
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.ATTENTIONS, Need.GRADIENTS})

    first_layer: int = 0  # layers below add nothing, from 0

    def __post_init__(self) -> None:
        demand(self, self.first_layer >= 0, "layers are counted from 0")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Relevance of each image token, at least 0."""
        demand_layer(lvlm, self.first_layer)
        rows = AnswerRows()

        def move(attention: LayerAttention) -> None:
            assert attention.gradients is not None
            if attention.layer >= self.first_layer:
                rows.move(attention, attention.weights * attention.gradients)

        lvlm.walk_attention_gradients(case.picture, case.prompt, case.response, move)
        return token_map(lvlm, case, rows.at_image)

    @classmethod
    def candidates(cls, lvlm: LvlmDescription) -> Sequence[Self]:
        """Every first layer."""
        return [cls(first_layer=layer) for layer in range(lvlm.layers)]


METHOD = GradAttention
