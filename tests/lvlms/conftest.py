"""What tests of LVLMs share: a response that no model wrote."""

from __future__ import annotations

import pytest

from medground_bench.core.types import Response


@pytest.fixture
def response(lvlm) -> Response:
    """Four words in the tokens of each family; their texts are their numbers."""
    ids = lvlm.loaded.tokenizer("Yes the left lung", add_special_tokens=False)["input_ids"]
    return Response("Yes the left lung", tuple(ids), tuple(map(str, ids)))
