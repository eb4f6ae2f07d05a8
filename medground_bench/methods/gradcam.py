"""Grad-CAM: hidden states weighted by their mean gradient. Selvaraju et al., ICCV 2017, arXiv:1610.02391.

Channels of a convolution become channels of the hidden states at the image tokens. Not at the last layer's output:
nothing reads it at the image tokens, so its gradient there is exactly zero, in every decoder.

Where it fails: the gradient is averaged over the picture before it meets the states. In a convolution a channel means
the same everywhere; in a decoder a token that the answer rests on and one that nothing reads need not agree, and the
average follows the many. Then the map can be worse than a random box, whatever the layer: mean IoU in percent at
layers 0 to 3 of the embedded Gemma 3, on 26 cases each, is 6.5, 5.9, 6.9, 9.3 in direct mode (`random_box` 16.0) and
15.3, 19.0, 6.5, 8.1 in reason mode (`random_box` 10.2). Tuning lifts it above chance for a response of many words, not
for a bare yes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.types import Attribution, Case, SaliencyMap
from medground_bench.lvlms import LayerGradients, Lvlm, LvlmDescription, Need
from medground_bench.methods._settings import demand


@dataclass(frozen=True, kw_only=True)
class GradCam:
    """The target is the summed log-probability of the response's own tokens.

    >>> GradCam(layer=2).needs
    frozenset({<Need.GRADIENTS: 'gradients'>})
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS})

    layer: int | None = None  # whose input is read, from 0; by default the middle one

    def __post_init__(self) -> None:
        demand(self, (self.layer or 0) >= 0, "layers are counted from 0")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """relu(sum over channels of mean gradient x hidden state), per image token."""
        states = states_at(lvlm, case, self.layer)
        weights = states.gradients.mean(axis=(0, 1))
        return weighted_channels(states.activations, weights, case)

    @classmethod
    def candidates(cls, lvlm: LvlmDescription) -> Sequence[Self]:
        """Every layer."""
        return [cls(layer=layer) for layer in range(lvlm.layers)]


def states_at(lvlm: Lvlm, case: Case, layer: int | None) -> LayerGradients:
    """The hidden states that enter a layer, the middle one for None, and their gradients.

    >>> from medground_bench.core.types import Frame, Response
    >>> picture, response = np.zeros((8, 8), np.uint8), Response("Yes", (1,), ("Yes",))
    >>> case = Case("a/b/mass@tiny:direct", "mass", "?", response, picture, Frame.native_of(picture))
    >>> class Lvlm:
    ...     layers = 4
    ...
    ...     def layer_gradients(self, picture, prompt, response, *, layer):
    ...         return f"states of layer {layer}"
    >>> states_at(Lvlm(), case, None)
    'states of layer 2'
    """
    layer = lvlm.layers // 2 if layer is None else layer
    return lvlm.layer_gradients(case.picture, case.prompt, case.response, layer=layer)


def weighted_channels(
    activations: NDArray[np.float32], weights: NDArray[np.float32], case: Case
) -> Attribution:
    """Class activation map: the positive part of (rows, columns, channels) summed with a weight per channel.

    >>> from medground_bench.core.types import Frame, Response
    >>> picture, native = np.zeros((8, 8), np.uint8), Frame.native(16, 8)
    >>> case = Case("a/b/mass@tiny:direct", "mass", "?", Response("", (), ()), picture, native)
    >>> activations = np.float32([[[1, 0, 4], [1, 3, 0]]])
    >>> weighted_channels(activations, np.float32([1, 2, -1]), case).saliency.values
    array([[0., 7.]], dtype=float32)
    """
    values = np.maximum(activations @ weights, 0).astype(np.float32)
    return Attribution(saliency=SaliencyMap(values, case.study))


METHOD = GradCam
PAPER = True
