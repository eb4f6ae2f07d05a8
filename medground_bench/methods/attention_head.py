"""Attention head: attention of the response to the image tokens in one layer, one head or their mean.

The plainest reading of attention as explanation, as in the paper's Appendix C; see Jain and Wallace, NAACL 2019,
arXiv:1902.10186, for why it need not be one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Attribution, Case, SaliencyMap
from medground_bench.lvlms import Lvlm, LvlmDescription, Need
from medground_bench.methods._settings import demand


@dataclass(frozen=True, kw_only=True)
class AttentionHead:
    """Rows are those that predict the response's tokens, one position before each, and are averaged.

    >>> AttentionHead(layer=3, head=0).needs
    frozenset({<Need.ATTENTIONS: 'attentions'>})
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.ATTENTIONS})

    layer: int | None = None  # from 0; by default two thirds of the way up, where answers form
    head: int | None = None  # from 0; by default the mean of all

    def __post_init__(self) -> None:
        demand(self, (self.layer or 0) >= 0 and (self.head or 0) >= 0, "layers and heads are counted from 0")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Attention weight per image token."""
        layer = 2 * lvlm.layers // 3 if self.layer is None else self.layer
        attention = lvlm.answer_attention(case.picture, case.prompt, case.response, layers=[layer])[0]
        if self.head is not None and not 0 <= self.head < len(attention):
            raise MedgroundError(
                f"{lvlm.key} has no head {self.head}: its heads are 0 to {len(attention) - 1}."
            )
        heads = attention if self.head is None else attention[[self.head]]
        return Attribution(saliency=SaliencyMap(heads.mean(axis=(0, 1)), case.study))

    @classmethod
    def candidates(cls, lvlm: LvlmDescription) -> Sequence[Self]:
        """Every layer, with every head and with the mean of all."""
        heads = (None, *range(lvlm.heads))
        return [cls(layer=layer, head=head) for layer in range(lvlm.layers) for head in heads]


def demand_layer(lvlm: Lvlm, layer: int) -> None:
    """Refuse a layer that the LVLM does not have.

    >>> from types import SimpleNamespace
    >>> demand_layer(SimpleNamespace(key="tiny", layers=4), 3)
    >>> demand_layer(SimpleNamespace(key="tiny", layers=4), 4)
    Traceback (most recent call last):
    medground_bench.core.errors.MedgroundError: tiny has no layer 4: its decoder layers are 0 to 3.
    """
    if not 0 <= layer < lvlm.layers:
        raise MedgroundError(
            f"{lvlm.key} has no layer {layer}: its decoder layers are 0 to {lvlm.layers - 1}."
        )


METHOD = AttentionHead
PAPER = True
