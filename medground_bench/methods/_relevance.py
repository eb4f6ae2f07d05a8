"""From what an LVLM hands down to a method's evidence: what the methods that go back through it share."""

from __future__ import annotations

import torch
from torch import Tensor

from medground_bench.core.types import Attribution, Case, SaliencyMap
from medground_bench.lvlms import LayerAttention, Lvlm, Rule


def propagated(lvlm: Lvlm, case: Case, rule: Rule, layer: int) -> Attribution:
    """Relevance of the image tokens at a layer's input, by a rule for attention, and the share that was kept.

    The share is what arrived at all positions or was kept by biases on the way, over what was handed down; 0 where that
    was nothing.
    """
    found = lvlm.relevance(case.picture, case.prompt, case.response, rule=rule, layer=layer)
    share = (found.everywhere + found.biases) / found.target if found.target else 0.0
    return Attribution(
        saliency=SaliencyMap(found.values, case.study), self_checks={"conserved_share": float(share)}
    )


class AnswerRows:
    """The answer's rows of a product of layers, (response tokens, length), grown as layers come from the last down."""

    def __init__(self) -> None:
        """The identity, until a layer comes."""
        self._rows = torch.empty(0)
        self._image = slice(0)

    def move(self, attention: LayerAttention, weighted: Tensor) -> None:
        """By I + mean over heads of what is positive of (heads, length, length)."""
        moved = weighted.relu().mean(0)
        if not len(self._rows):
            self._rows = torch.eye(len(moved), dtype=moved.dtype, device=moved.device)[attention.predicting]
            self._image = attention.image
        self._rows = self._rows + self._rows @ moved

    @property
    def at_image(self) -> Tensor:
        """Their mean at the image tokens, (image tokens,)."""
        return self._rows[:, self._image].mean(0)
