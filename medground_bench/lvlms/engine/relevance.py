"""Backward passes that are not plain gradients: rules of layer-wise relevance propagation, and attention on the way.

Relevance of a state is state x "gradient", where the gradient of some operations is replaced by a rule; each rule hands
on what comes in, so that the sum over a layer is kept (AttnLRP's softmax alone does not). The forward pass is the
model's own to the last bit, and nothing stays on the model.

constant_scale   RMSNorm: the scale of a position is a constant, y = factor x, so its gradient is `factor`
gated_unit       act(gate) x up: half of the relevance to each; act by the identity rule, gradient act(gate) / gate
as_it_is         linear, residual: the gradient as it is (the epsilon rule at epsilon 0)
attention        by `Rule`

A family says which class of its modules follows which; a class that nobody has thought of is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from medground_bench.core.errors import Unsupported
from medground_bench.lvlms import Rule
from medground_bench.lvlms.engine.attention import Call, grouped, watching, wide
from medground_bench.lvlms.engine.untyped import Context, Module

SMALLEST = 1e-6
"""Below it act(x) / x is taken at x = 0, where GELU and SiLU have 1/2."""

ModuleRule = Callable[[Module], Iterator[RemovableHandle]]
"""Puts a module under a rule, and gives back what takes it away again."""

ModuleRules = Mapping[type[nn.Module], ModuleRule]
"""Class of a module -> its rule, for every class of a language model that holds weights and is not `PLAIN`."""

PLAIN = (nn.Linear, nn.Embedding, nn.ModuleList)
"""Classes that are taken as they are in every family."""

Visit = Callable[[int, Tensor, Tensor], None]
"""Takes a layer, its attention weights and their gradient, both (heads, length, length).

Under a rule the gradient is the rule's: the relevance that the weights hand on, over the weights.
"""


@dataclass(slots=True)
class BiasRelevance:
    """Relevance that the biases of the value projections kept for themselves (Qwen2.5-VL has them, Gemma 3 not)."""

    kept: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Back:
    """How one attention call is gone back through."""

    call: Call
    rule: Rule | None
    visit: Visit | None = None
    by_biases: BiasRelevance = field(default_factory=BiasRelevance)


class _Attend(torch.autograd.Function):
    """Fast attention forward; backward from weights computed again, one layer's at a time."""

    @staticmethod
    def forward(ctx: Context, query: Tensor, key: Tensor, value: Tensor, back: _Back) -> Tensor:
        ctx.back = back
        return back.call.output()

    @staticmethod
    def backward(ctx: Context, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor, None]:
        back: _Back = ctx.back
        call, value = back.call, wide(back.call.value)
        weights = call.weights()
        mixed = grouped(wide(gradient).transpose(1, 2), value)
        to_value = (grouped(weights, value).mT @ mixed).sum(2)
        bias = call.module.v_proj.bias
        if back.rule is not None and bias is not None:
            back.by_biases.kept += float(to_value.sum(2).flatten() @ wide(bias))
        if back.rule is Rule.CP:
            return None, None, to_value.type_as(call.value), None
        to_weights = (mixed @ value.mT[:, :, None]).flatten(1, 2)
        product, scores = (1.0, 1.0) if back.rule is None else (0.5, 0.25)
        if back.visit is not None:
            back.visit(call.layer, weights[0], to_weights[0] * product)
        to_scores = weights * (to_weights - (weights * to_weights).sum(-1, keepdim=True)) * call.scaling
        spread = grouped(to_scores, value)
        to_query = (spread @ wide(call.key)[:, :, None]).flatten(1, 2)
        to_key = (spread.mT @ grouped(wide(call.query), value)).sum(2)
        return (
            (to_query * scores).type_as(call.query),
            (to_key * scores).type_as(call.key),
            (to_value * product).type_as(call.value),
            None,
        )


class _Replaced(torch.autograd.Function):
    """An output as it is, whose gradient to the input is `factor`."""

    @staticmethod
    def forward(ctx: Context, inputs: Tensor, output: Tensor, factor: Tensor | float) -> Tensor:
        ctx.factor = factor
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Context, gradient: Tensor) -> tuple[Tensor, None, None]:
        return (gradient * ctx.factor).type_as(gradient), None, None


@contextmanager
def attention_gradients(visit: Visit) -> Iterator[None]:
    """Inside the block attention is differentiated as ever, and `visit` sees each layer on the way back."""
    with watching(lambda call: _attend(_Back(call, None, visit))):
        yield


@contextmanager
def relevance_rules(
    language_model: nn.Module, rules: ModuleRules, rule: Rule, visit: Visit | None = None
) -> Iterator[BiasRelevance]:
    """Inside the block the language model's gradients follow the rules; the caller keeps other threads out.

    rules  of its modules;  rule  of its attention;  visit  sees each layer on the way back, but under `Rule.CP`

    Unsupported for a module that no rule was made for: its relevance would be wrong without a word.
    """
    by_biases = BiasRelevance()
    with ExitStack() as stack:
        stack.enter_context(watching(lambda call: _attend(_Back(call, rule, visit, by_biases))))
        for module in language_model.modules():
            for hook in _rule_of(module, rules)(module):
                stack.callback(hook.remove)
        yield by_biases


def as_it_is(module: Module) -> Iterator[RemovableHandle]:
    """What only adds, or multiplies by weights, or has its parts do all the work."""
    yield from ()


def gated_unit(module: Module) -> Iterator[RemovableHandle]:
    """down_proj(act_fn(gate) x up_proj), as in GLU."""
    yield module.act_fn.register_forward_hook(_activation_rule)
    yield module.up_proj.register_forward_hook(_half)


def constant_scale(gain_and_epsilon: Callable[[Module], tuple[Tensor, float]]) -> ModuleRule:
    """The rule of an RMSNorm, of which it is told the gain per channel and the epsilon."""

    def hook(module: Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        states, (gain, epsilon) = inputs[0], gain_and_epsilon(module)
        values = wide(states.detach())
        factor = torch.rsqrt(values.pow(2).mean(-1, keepdim=True) + epsilon) * wide(gain)
        return _replaced(states, output, factor)

    def put(module: Module) -> Iterator[RemovableHandle]:
        yield module.register_forward_hook(hook)

    return put


def _rule_of(module: nn.Module, rules: ModuleRules) -> ModuleRule:
    kind = type(module)
    if kind in rules:
        return rules[kind]
    if isinstance(module, PLAIN) or next(module.parameters(), None) is None:
        return as_it_is
    raise Unsupported(
        f"relevance has no rule for {kind.__name__}, a part of this language model, so it would be wrong. "
        "Choose a method that differentiates as ever, for example gradcam."
    )


def _attend(back: _Back) -> Tensor:
    output: Tensor = _Attend.apply(back.call.query, back.call.key, back.call.value, back)  # type: ignore[no-untyped-call]
    return output


def _activation_rule(module: Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    gate = inputs[0].detach()
    small = gate.abs() < SMALLEST
    ratio = torch.where(small, 0.5, output.detach() / torch.where(small, 1.0, gate))
    return _replaced(inputs[0], output, 0.5 * ratio)


def _half(module: Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return _replaced(output, output, 0.5)


def _replaced(inputs: Tensor, output: Tensor, factor: Tensor | float) -> Tensor:
    result: Tensor = _Replaced.apply(inputs, output.detach(), factor)  # type: ignore[no-untyped-call]
    return result
