"""AttnLRP: relevance propagated through the softmax too. Achtibat et al., ICML 2024, arXiv:2402.05602.

As `lrp` but for attention, softmax(query . key) value: relevance of the product goes half to the values and half to the
weights (uniform rule), through the softmax by its first-order Taylor expansion, R_i = x_i (R'_i - s_i sum R'), and then
half to the query and half to the key. So a token can be relevant for being looked at, not only for what it says.

The Taylor expansion leaves a constant behind, which keeps relevance: the sum over all positions is not the start.
`self_checks["conserved_share"]` tells the share that arrived (or that biases of value projections kept); it may be far
from 1, and negative. Departures: none in the rules; the linear layers' epsilon is 0; the vision tower is not entered.
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
class AttnLrp:
    """Start, end and everything but attention are those of `lrp`.

    >>> AttnLrp(layer=2).needs
    frozenset({<Need.GRADIENTS: 'gradients'>})
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS})

    layer: int = 0  # whose input relevance is read at, from 0

    def __post_init__(self) -> None:
        demand(self, self.layer >= 0, "layers are counted from 0")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Relevance of each image token, nats; negative where it speaks against the response."""
        return propagated(lvlm, case, Rule.ATTNLRP, self.layer)

    @classmethod
    def candidates(cls, lvlm: LvlmDescription) -> Sequence[Self]:
        """Every layer."""
        return [cls(layer=layer) for layer in range(lvlm.layers)]


METHOD = AttnLrp
