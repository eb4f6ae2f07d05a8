"""The made-up benchmark that the example prediction files answer."""

from __future__ import annotations

import json
from pathlib import Path

from medground_bench.core.types import Box, Frame, Mode, Reference

EXAMPLES = Path(__file__).parents[2] / "submissions" / "examples"


def example_references() -> list[Reference]:
    """What the scorer would know of its four cases."""
    return [_reference(entry) for entry in json.loads((EXAMPLES / "references.json").read_text("utf-8"))]


def _reference(entry: dict) -> Reference:
    native = Frame.native(entry.pop("width"), entry.pop("height"))
    boxes = tuple(Box(*box, native) for box in entry.pop("boxes"))
    return Reference(**entry | {"mode": Mode(entry["mode"])}, native=native, boxes=boxes)
