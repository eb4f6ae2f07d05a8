"""What a method costs at full size: arithmetic, bytes, a lower bound of the time, and the time that was measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medground_bench.lvlms.engine.passes import Passes


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
TIMES = Path(__file__).with_name("accelerator.json")
LENGTHS = {"direct": 300, "reason": 500}
"""Tokens of a row: 256 of the picture, the question, and the response."""

ANSWER_TOKENS = {"direct": 2, "reason": 200}
H200_FLOPS = 0.5 * 790e12
"""Half of the dense bf16 peak, which large matrices reach."""

H200_BYTES_A_SECOND = 4.8e12


@dataclass(frozen=True, slots=True)
class MeasuredMethod:
    """Seconds of wall clock of one case in a mode, cold, on a random model of Gemma 3 4B's size in bfloat16."""

    method: str
    mode: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Accelerator:
    """What was measured on one device."""

    device: str
    torch: str
    transformers: str
    methods: Sequence[MeasuredMethod]

    @classmethod
    def shipped(cls) -> Accelerator:
        """The times that `python -m tests.performance.accelerator` took last."""
        return cls.read(TIMES)

    @classmethod
    def read(cls, file: Path) -> Accelerator:
        """The measurements kept in a JSON file."""
        record = json.loads(file.read_text("utf-8"))
        return cls(**record | {"methods": [MeasuredMethod(**row) for row in record["methods"]]})

    def enough_s(self, methods: Iterable[str], mode: str, *, margin: float = 3.0) -> int:
        """Whole seconds in which these methods end with near certainty, the answer included; at least 10."""
        known = [
            self.seconds(method).get(mode, max(row.seconds for row in self.methods)) for method in methods
        ]
        return round(10 + margin * sum(known))

    def seconds(self, method: str) -> dict[str, float]:
        """Mode -> seconds, of a method."""
        return {row.mode: row.seconds for row in self.methods if row.method == method}


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
    reading = passes.steps * size.weights / H200_BYTES_A_SECOND
    return 1000 * (flops(passes, size, length) / H200_FLOPS + reading)


def attention_bytes(passes: Passes, size: Size, length: int, answer_tokens: int) -> int:
    """Of one layer's map in float32, whole or the answer's rows; 0 for a method that looks at none."""
    if not passes.attention_layers:
        return 0
    rows = length if passes.whole_attention else answer_tokens
    return 4 * size.heads * rows * length
