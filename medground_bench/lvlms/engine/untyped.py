"""What transformers and torch leave without a type, under the name of what it is, by which the rest says it."""

from __future__ import annotations

from typing import Any, TypeAlias

Module: TypeAlias = Any
"""A module of transformers: its parts are set at run time, and torch types each of them as a tensor or a module."""

Tokenizer: TypeAlias = Any
"""Its class depends on the checkpoint; what it returns has no types."""

ImageProcessor: TypeAlias = Any
"""Its settings become attributes at run time."""

Context: TypeAlias = Any
"""Where an autograd function keeps what its way back needs: attributes of its own choice."""

Setting: TypeAlias = Any
"""One thing that a model or its attention is called with by name; the names and types are those of transformers."""

Inputs: TypeAlias = dict[str, Setting]
"""All of them, by name."""
