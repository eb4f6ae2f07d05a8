"""Back through an LVLM: gradients to hidden states, attention and pixels, and relevance.

What is differentiated is the summed log-probability of the response's tokens; below the place that is asked for,
nothing has a graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medground_bench.core.types import Picture
from medground_bench.lvlms import LayerAttention, LayerGradients, LayerRelevance, Pictures, Rule
from medground_bench.lvlms.engine.attention import wide
from medground_bench.lvlms.engine.engine import Engine
from medground_bench.lvlms.engine.image_tokens import Sight, batches
from medground_bench.lvlms.engine.relevance import attention_gradients, relevance_rules
from medground_bench.lvlms.engine.token_rows import TokenRow
from medground_bench.lvlms.engine.untyped import Module

LayerInputs: TypeAlias = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Differentiated:
    """States (length, channels) entering a layer, their gradient, and the target's share linear in the logits.

    above  (image tokens): features that enter above the layer x their gradient, summed; None where none do
    """

    entering: Tensor
    gradient: Tensor
    linear_target: float
    above: Tensor | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Gradients:
    """The ways back of an LVLM; a row holds the response that is differentiated.

    batch_size  pictures at a time where the vision tower is differentiated
    """

    sight: Sight
    batch_size: int

    @property
    def engine(self) -> Engine:
        """What runs the model."""
        return self.sight.engine

    def to_layer(self, picture: Picture, row: TokenRow, layer: int) -> LayerGradients:
        """Hidden states entering a decoder layer at the image tokens, with their gradient."""
        found = self._differentiate(picture, row, layer)
        states, gradients = (self._at_image(part, row) for part in (found.entering, found.gradient))
        return LayerGradients(states, gradients, self.engine.token_grid(row.frame))

    def to_attention(self, picture: Picture, row: TokenRow, visit: Callable[[LayerAttention], None]) -> None:
        """Every layer's attention with its gradient to `visit`, the last layer first."""

        def show(layer: int, weights: Tensor, gradients: Tensor) -> None:
            self.engine.passes.look(1, whole=True)
            visit(LayerAttention(layer, weights, gradients, row.image, row.predicting))

        with attention_gradients(show):
            self._differentiate(picture, row, 0)

    def to_attention_relevance(
        self, picture: Picture, row: TokenRow, visit: Callable[[LayerAttention], None]
    ) -> float:
        """Every layer's attention with its relevance to `visit`, the last layer first, and what was handed down."""
        engine = self.engine

        def show(layer: int, weights: Tensor, gradients: Tensor) -> None:
            engine.passes.look(1, whole=True)
            visit(LayerAttention(layer, weights, weights * gradients, row.image, row.predicting))

        rules = relevance_rules(engine.language_model, engine.family.module_rules, Rule.ATTNLRP, show)
        with engine.alone, rules:
            return self._differentiate(picture, row, 0).linear_target

    def relevance(self, picture: Picture, row: TokenRow, *, rule: Rule, layer: int) -> LayerRelevance:
        """Relevance of the hidden states entering a decoder layer, by layer-wise relevance propagation."""
        engine = self.engine
        engine.passes.look(engine.layers - layer, whole=True)  # on the way back
        rules = relevance_rules(engine.language_model, engine.family.module_rules, rule)
        with engine.alone, rules as by_biases:
            found = self._differentiate(picture, row, layer)
        received = (wide(found.entering) * found.gradient).sum(-1)
        if found.above is not None:
            received[row.image] += found.above
        return LayerRelevance(
            self._at_image(received, row),
            everywhere=float(received.sum()),
            target=found.linear_target,
            biases=by_biases.kept,
        )

    def to_pixels(self, pictures: Pictures, row: TokenRow) -> NDArray[np.float32]:
        """Gradient to the pictures' own grey values, (pictures, height, width)."""
        gradients = []
        for batch in batches(pictures, self.batch_size):
            with torch.enable_grad():
                grey = self.sight.floats(batch).requires_grad_()
                tokens = self.engine.encode(self.sight.float_values(grey, row.frame))
                predicting = self.engine.read(row, tokens)[:, row.predicting]
                target = self.engine.token_log_probs(predicting, row).sum()
                self.engine.passes.differentiate(len(batch))
                gradients.append(torch.autograd.grad(target, grey)[0].cpu().numpy())
        return np.concatenate(gradients)

    def _differentiate(self, picture: Picture, row: TokenRow, layer: int) -> Differentiated:
        entering: list[Tensor] = []
        path = self.engine.language_model.layers[: layer + 1]

        def start_graph(module: Module, inputs: LayerInputs) -> LayerInputs:
            states = inputs[0].detach()  # below, too: features that enter there would bring a graph along
            if module is path[-1]:
                entering.append(states.requires_grad_())
            return (states, *inputs[1:])

        with torch.no_grad():
            tokens = self.sight.tokens([picture])
        enter_above = self.engine.enter_above(tokens, layer)
        with self.engine.alone, torch.enable_grad():
            tokens = tokens.detach().requires_grad_(enter_above)
            hooks = [module.register_forward_pre_hook(start_graph) for module in path]
            try:
                last = self.engine.read(row, tokens)
            finally:
                for hook in hooks:
                    hook.remove()
            target = self.engine.token_log_probs(last[:, row.predicting], row).sum()
            self.engine.passes.differentiate(1 - layer / self.engine.layers)
            ends = (entering[0], last, tokens) if enter_above else (entering[0], last)
            gradient, to_last, *to_tokens = torch.autograd.grad(target, ends)
        return Differentiated(
            entering[0].detach()[0],
            gradient[0],
            linear_target=float((last.detach() * to_last).sum()),
            above=(wide(tokens.detach()) * to_tokens[0]).sum(-1)[0] if enter_above else None,
        )

    def _at_image(self, values: Tensor, row: TokenRow) -> NDArray[np.float32]:
        """Of values (length, ...) those at the image tokens, (rows, columns, ...)."""
        grid = self.engine.token_grid(row.frame)
        at_image: NDArray[np.float32] = (
            torch.unflatten(values[row.image], 0, (grid.rows, grid.columns)).float().cpu().numpy()
        )
        return at_image
