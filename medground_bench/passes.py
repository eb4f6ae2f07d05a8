"""What a method asks of an LVLM: passes through its parts, counted by running it, and what they cost at full size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

from medground_bench.lvlms import _attention
from medground_bench.lvlms._local import LocalLvlm


@dataclass(slots=True)
class Passes:
    """Counts of one case; a row is one picture with prompt and response going through the whole decoder.

    pictures            through the vision tower
    pictures_backward   of them, those with a gradient back through the tower
    rows                through the language model, from their beginning
    rows_continued      prompts and responses read after a picture that was read before, in this case or an earlier one
    rows_backward       of them, those with a gradient; a row whose gradient stops at half its layers counts half
    steps               single tokens written, on top of rows
    attention_layers    attention maps that were looked at, a layer of a row each
    whole_attention     whether those maps were whole or only the rows that predict the response
    """

    pictures: int = 0
    pictures_backward: int = 0
    rows: int = 0
    rows_continued: int = 0
    rows_backward: float = 0.0
    steps: int = 0
    attention_layers: int = 0
    whole_attention: bool = False


@contextmanager
def counting(lvlm: LocalLvlm) -> Iterator[Passes]:
    """Count what goes through a local LVLM inside the block; it remembers nothing of what was before."""
    lvlm.memory.forget()
    passes, model = Passes(), lvlm.loaded.model.model
    tower, decoder = model.get_image_features, model.language_model
    weights = _attention.Call.weights

    def encode(values: Any, *arguments: Any, **settings: Any) -> Any:
        grid = settings.get("image_grid_thw")
        pictures = len(values) if grid is None else len(grid)
        passes.pictures += pictures
        passes.pictures_backward += pictures if values.requires_grad else 0
        return tower(values, *arguments, **settings)

    def look(call: Any, rows: slice = _attention.EVERY_ROW) -> Any:
        passes.attention_layers += len(call.query)
        passes.whole_attention |= rows == _attention.EVERY_ROW
        return weights(call, rows)

    hooks = [decoder.register_forward_pre_hook(partial(_count_rows, passes), with_kwargs=True)]
    count_gradient = partial(_count_gradient, passes, 1 / lvlm.layers)
    hooks += [layer.register_forward_hook(count_gradient) for layer in decoder.layers]
    try:
        with (
            patch.object(model, "get_image_features", encode),
            patch.object(_attention.Call, "weights", look),
        ):
            yield passes
    finally:
        for hook in hooks:
            hook.remove()
        passes.rows_backward = round(passes.rows_backward, 3)


def _count_rows(passes: Passes, _decoder: Any, _arguments: Any, settings: dict[str, Any]) -> None:
    """Before the decoder runs: whether its rows are new, go on after a picture, or are single tokens."""
    batch, length = settings["inputs_embeds"].shape[:2]
    cache = settings.get("past_key_values")
    if cache is None or not cache.get_seq_length():
        passes.rows += batch
    elif length == 1:
        passes.steps += batch
    else:
        passes.rows_continued += batch


def _count_gradient(passes: Passes, share: float, _layer: Any, _arguments: Any, output: Any) -> None:
    """After a layer, which is that share of a row."""
    hidden = output[0] if isinstance(output, tuple) else output
    passes.rows_backward += len(hidden) * share if hidden.requires_grad else 0


@dataclass(frozen=True, slots=True)
class Size:
    """A model's cost: floating-point operations of one picture or token, forward, and shapes.

    tower_linear, tower_attention  of one picture
    decoder                        of one token of a row
    weights                        bytes read for every token written
    """

    name: str
    tower_linear: float
    tower_attention: float
    decoder: float
    weights: float
    layers: int
    heads: int


GEMMA3_4B = Size(
    "Gemma 3 4B (MedGemma)",
    tower_linear=3.37e12,  # SigLIP on 896 x 896 px, 4096 patches
    tower_attention=2.09e12,
    decoder=6.5e9,
    weights=8.0e9,
    layers=34,
    heads=8,
)
LENGTHS = {"direct": 300, "reason": 500}
"""Tokens of a row: 256 of the picture, the question, and the response."""

ANSWER_TOKENS = {"direct": 2, "reason": 200}
H200_FLOPS = 0.5 * 790e12
"""Half of the dense bf16 peak, which large matrices reach."""

H200_BYTES_A_SECOND = 4.8e12


def flops(passes: Passes, size: Size, length: int) -> float:
    """Of one case with rows of `length` tokens.

    Weights are frozen, so going back costs the linear layers once more and attention twice.
    """
    tower = size.tower_linear + size.tower_attention
    tower_back = size.tower_linear + 2 * size.tower_attention
    row = size.decoder * length
    forward = passes.pictures * tower + passes.rows * row
    return forward + passes.pictures_backward * tower_back + passes.rows_backward * row


def milliseconds_h200(passes: Passes, size: Size, length: int) -> float:
    """Lower bound on one H200 in bf16: arithmetic, and reading the weights once for every token written."""
    written = passes.steps * size.weights / H200_BYTES_A_SECOND
    return 1000 * (flops(passes, size, length) / H200_FLOPS + written)


def attention_bytes(passes: Passes, size: Size, length: int, answer_tokens: int) -> int:
    """Of one layer's map in float32, whole or the answer's rows; 0 for a method that looks at none."""
    if not passes.attention_layers:
        return 0
    rows = length if passes.whole_attention else answer_tokens
    return 4 * size.heads * rows * length
