"""The passes through a model: pictures through the tower, rows of ids through the decoder, tokens written.

A row is read whole, or the picture first and the words after it: the image tokens and what stands before them cannot
see the question, so their keys and values in every layer are the same for all questions. Every pass is counted here,
at our own boundary, by the counter that was handed in.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache

from medground_bench.core.types import Frame
from medground_bench.lvlms import TokenGrid
from medground_bench.lvlms.engine.family import Family
from medground_bench.lvlms.engine.opening import Loaded
from medground_bench.lvlms.engine.passes import Passes
from medground_bench.lvlms.engine.token_rows import TokenRow
from medground_bench.lvlms.engine.untyped import Inputs, Module
from medground_bench.lvlms.engine.word_log_probs import word_log_probs

Prefix = tuple[Tensor, ...]
"""Keys and values by turns, layer by layer, (pictures, groups, positions, channels) of the row up to its picture's
end."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Engine:
    """A loaded model and what counts its passes.

    write_at_most  tokens of a response that are really written; counted are all that it was allowed to have. By
                   default there is no bound
    alone          held while the model runs: transformers keeps state on a Qwen model while it generates, and hooks
                   are the module's, not the caller's
    """

    loaded: Loaded
    family: Family
    passes: Passes = field(default_factory=Passes)
    write_at_most: int | None = None
    alone: threading.RLock = field(default_factory=threading.RLock)

    @property
    def language_model(self) -> Module:
        """The decoder, without its output matrix."""
        return self.loaded.model.model.language_model

    @property
    def layers(self) -> int:
        """Decoder layers of the language model."""
        return len(self.language_model.layers)

    def token_grid(self, frame: Frame) -> TokenGrid:
        """The grid of image tokens for a picture of that frame, in raster order."""
        return TokenGrid(*self.family.cells(frame), frame)

    def enter_above(self, features: Tensor, layer: int) -> bool:
        """Whether some features of the image tokens are added to states above those entering this layer."""
        width: int = self.loaded.model.config.get_text_config().hidden_size
        return features.shape[-1] > (layer + 1) * width

    def encode(self, values: Tensor) -> Tensor:
        """Image tokens (pictures, tokens, channels) of normalised values (pictures, 3, height, width)."""
        self.passes.encode(len(values), backward=values.requires_grad)
        return self.family.image_features(values.to(self.loaded.model.dtype))

    def read(self, row: TokenRow, features: Tensor) -> Tensor:
        """Last hidden states (pictures, length, channels) of one row of ids with each picture's image tokens."""
        self.passes.read(len(features), continued=False)
        inputs = self._inputs(row, slice(0, len(row.ids)), len(features))
        return self._hidden(inputs | self.family.language_inputs(features, row.frame))

    def read_picture(self, row: TokenRow, features: Tensor) -> Prefix:
        """What the language model keeps of the row up to the end of its picture."""
        self.passes.read(len(features), continued=False)
        inputs = self._inputs(row, slice(0, row.image.stop), len(features))
        cache = DynamicCache()  # without the config: a sliding layer keeps all, its mask says what is seen
        self._hidden(inputs | self.family.language_inputs(features, row.frame), cache)
        return tuple(tensor for keys, values, _ in cache for tensor in (keys, values))

    def read_on(self, row: TokenRow, prefix: Prefix) -> Tensor:
        """Last hidden states (pictures, length, channels) of what follows the picture; the prefix is left as it is."""
        self.passes.read(len(prefix[0]), continued=True)
        inputs = self._inputs(row, slice(row.image.stop, len(row.ids)), len(prefix[0]))
        return self._hidden(inputs, DynamicCache(zip(prefix[::2], prefix[1::2], strict=True)))

    def token_log_probs(self, states: Tensor, row: TokenRow) -> Tensor:
        """Log-probabilities (pictures, response tokens) float32 of the response, from the states that predict it."""
        answer = row.ids[row.answer].expand(len(states), -1)
        return word_log_probs(states, answer, self.loaded.model.lm_head.weight)

    def write(self, ids: Tensor, features: Tensor, frame: Frame, most_tokens: int) -> Tensor:
        """Ids (pictures, tokens) that follow rows of equal length, greedily; the shorter ones are padded."""
        self.passes.read(len(ids), continued=False)
        model, bound = self.loaded.model, self.write_at_most
        with self.alone:
            whole: Tensor = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=most_tokens if bound is None else min(bound, most_tokens),
                **{self.family.type_ids: (ids == model.config.image_token_id).long()},
                **self.family.language_inputs(features, frame),
            )
        written = whole[:, ids.shape[1] :]
        tokens = written.shape[1] if bound is None else most_tokens
        self.passes.write(len(ids) * (tokens - 1))  # the row itself gives the first token
        return written

    def _inputs(self, row: TokenRow, part: slice, pictures: int) -> Inputs:
        """What the model is called with for a part of the row, positions and masks in full."""
        ids = row.ids[part].expand(pictures, -1)
        positions, masks = self.family.positions(row), self.family.masks(row)
        return {
            "input_ids": ids,
            "position_ids": None if positions is None else positions[..., part].expand(-1, pictures, -1),
            "attention_mask": masks and {kind: mask[..., part, : part.stop] for kind, mask in masks.items()},
            self.family.type_ids: row.image_types[part].expand(pictures, -1),
        }

    def _hidden(self, inputs: Inputs, cache: DynamicCache | None = None) -> Tensor:
        with self.alone:
            done = self.loaded.model.model(**inputs, cache=cache, use_cache=cache is not None)
        hidden: Tensor = done.last_hidden_state
        return hidden
