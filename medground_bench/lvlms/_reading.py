"""The language model reading rows of ids: whole, or the picture first and the words after it.

The image tokens and what stands before them cannot see the question, so their keys and values in every layer are the
same for all questions. Whoever calls keeps other threads out: transformers and hooks keep state on the model.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import DynamicCache

from medground_bench.lvlms._family import Family
from medground_bench.lvlms._opening import Loaded
from medground_bench.lvlms._rows import Row

Prefix = tuple[Tensor, ...]
"""Keys and values by turns, layer by layer, (pictures, groups, positions, channels) of the row up to its picture's
end."""


def read(loaded: Loaded, family: Family, row: Row, features: Tensor) -> Tensor:
    """Last hidden states (pictures, length, channels) of one row of ids with each picture's image tokens."""
    inputs = _inputs(family, row, slice(0, len(row.ids)), len(features))
    return _hidden(loaded, inputs | family.language_inputs(features, row.frame))


def read_picture(loaded: Loaded, family: Family, row: Row, features: Tensor) -> Prefix:
    """What the language model keeps of the row up to the end of its picture."""
    inputs = _inputs(family, row, slice(0, row.image.stop), len(features))
    cache = DynamicCache()  # without the config: a sliding layer keeps all, its mask says what is seen
    _hidden(loaded, inputs | family.language_inputs(features, row.frame), cache)
    return tuple(tensor for keys, values, _ in cache for tensor in (keys, values))


def read_on(loaded: Loaded, family: Family, row: Row, prefix: Prefix) -> Tensor:
    """Last hidden states (pictures, length, channels) of what follows the picture; the prefix is left as it is."""
    inputs = _inputs(family, row, slice(row.image.stop, len(row.ids)), len(prefix[0]))
    return _hidden(loaded, inputs, DynamicCache(zip(prefix[::2], prefix[1::2], strict=True)))


def _inputs(family: Family, row: Row, part: slice, pictures: int) -> dict[str, Any]:
    """What the model is called with for a part of the row, positions and masks in full."""
    ids = row.ids[part].expand(pictures, -1)
    positions, masks = family.positions(row), family.masks(row)
    return {
        "input_ids": ids,
        "position_ids": None if positions is None else positions[..., part].expand(-1, pictures, -1),
        "attention_mask": masks and {kind: mask[..., part, : part.stop] for kind, mask in masks.items()},
        family.type_ids: row.image_types[part].expand(pictures, -1),
    }


def _hidden(loaded: Loaded, inputs: dict[str, Any], cache: DynamicCache | None = None) -> Tensor:
    done = loaded.model.model(**inputs, past_key_values=cache, use_cache=cache is not None)
    hidden: Tensor = done.last_hidden_state
    return hidden
