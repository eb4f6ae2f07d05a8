"""Grad-CAM: hidden states weighted by their mean gradient. Selvaraju et al., ICCV 2017, arXiv:1610.02391.

Channels of a convolution become channels of the hidden states at the image tokens. Not at the last layer's output:
nothing reads it at the image tokens, so its gradient there is exactly zero, in every decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medground_bench.lvlms import Lvlm, Need
from medground_bench.types import Attribution, Case, SaliencyMap


@dataclass(frozen=True, kw_only=True)
class GradCam:
    """The target is the summed log-probability of the response's own tokens."""

    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS})

    layer: int | None = None  # whose input is read, from 0; by default the middle one

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """relu(sum over channels of mean gradient x hidden state), per image token."""
        layer = lvlm.layers // 2 if self.layer is None else self.layer
        states = lvlm.layer_gradients(case.picture, case.prompt, case.response, layer=layer)
        weights = states.gradients.mean(axis=(0, 1))
        return Attribution(saliency=SaliencyMap(np.maximum(states.activations @ weights, 0), case.study))


METHOD = GradCam
