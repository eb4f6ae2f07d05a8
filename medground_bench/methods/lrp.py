"""Layer-wise relevance propagation that conserves. Bach et al., PLOS ONE 2015; Ali et al., ICML 2022, arXiv:2202.07304.

Relevance starts at the response's logits and goes back through the language model; what enters an operation leaves it:

linear layer, residual sum  epsilon rule with epsilon 0: input x weight's share of the output
attention                   weights are constants, so the mixing of values is a linear layer (Ali et al., AH rule)
RMSNorm                     its scale is a constant (Ali et al., LN rule)
gated unit, act(g) x u      half to g, half to u; act hands on all it gets (identity rule)

Start: for every token of the response, its logit above the logit expected under the model's own prediction. That is its
log-probability plus the entropy of the prediction: of the log-probability, the part that depends on the logits
linearly. End: the hidden states entering `layer`, the image embeddings by default; the vision tower, where such rules
shatter, is not entered.

Not a second rollout: rollout multiplies attention weights, whatever the values say and whatever the answer is. Here the
answer's logits, the values, the output projections and the gated units decide the sign and size of every share, and
the shares of all positions (text too) add up to the start. Biases of value projections (Qwen2.5-VL) keep their share;
`self_checks["conserved_share"]` is what arrived or was so kept, over what started: 1 but for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from medground_bench.core.types import Attribution, Case
from medground_bench.lvlms import Lvlm, LvlmDescription, Need, Rule
from medground_bench.methods._relevance import propagated
from medground_bench.methods._settings import demand


@dataclass(frozen=True, kw_only=True)
class Lrp:
    """Departure from Ali et al.: the gated unit, which their models lack, by the half rule.

    >>> Lrp(layer=2).needs
    frozenset({<Need.GRADIENTS: 'gradients'>})
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS})

    layer: int = 0  # whose input relevance is read at, from 0

    def __post_init__(self) -> None:
        demand(self, self.layer >= 0, "layers are counted from 0")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Relevance of each image token, nats; negative where it speaks against the response."""
        return propagated(lvlm, case, Rule.CP, self.layer)

    @classmethod
    def candidates(cls, lvlm: LvlmDescription) -> Sequence[Self]:
        """Every layer."""
        return [cls(layer=layer) for layer in range(lvlm.layers)]


METHOD = Lrp
PAPER = True
