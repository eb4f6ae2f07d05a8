"""The row of ids a model reads: chat, image tokens, question, and the response's own tokens at its end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from medground_bench.core.errors import CaseFailed
from medground_bench.core.types import Frame, Response
from medground_bench.lvlms.engine.family import Family
from medground_bench.lvlms.engine.opening import Loaded

PROMPTS_KEPT = 256
TAKE_OUT = "holds the model's own image token. Take it out."


@dataclass(frozen=True, slots=True, eq=False)
class TokenRow:
    """One sequence of ids.

    image   positions of the image tokens
    answer  positions of the response's tokens; no end-of-turn token follows
    """

    ids: Tensor
    image: slice
    answer: slice
    frame: Frame

    @property
    def image_types(self) -> Tensor:
        """1 at image tokens, 0 elsewhere; families go wrong without a word when they are not given."""
        types = torch.zeros_like(self.ids)
        types[self.image] = 1
        return types

    def question(self, stop_ids: frozenset[int]) -> slice:
        """Positions of the prompt's words: after the picture and its closing mark, up to the end of the user's turn."""
        first = self.image.stop + 1
        after = self.ids[first : self.answer.start].tolist()
        return slice(first, first + next(place for place, token in enumerate(after) if token in stop_ids))

    @property
    def predicting(self) -> slice:
        """The positions whose next token is the response's: one earlier than the response."""
        return slice(self.answer.start - 1, self.answer.stop - 1)


class TokenRows:
    """The rows of one LVLM. The ids of its last prompts are kept, since every picture is asked the same questions."""

    def __init__(self, loaded: Loaded, family: Family) -> None:
        """For a model and its tokenizer."""
        self._loaded, self._family = loaded, family
        self._ids = lru_cache(maxsize=PROMPTS_KEPT)(self._ids_of_prompt)

    def of(self, frame: Frame, prompt: str, response: Response | None = None) -> TokenRow:
        """The row of a picture of that frame and a prompt; the response is appended as ids, never as text."""
        rows, columns = self._family.cells(frame)
        model = self._loaded.model
        ids = self._ids(rows * columns, prompt)
        row = torch.tensor([*ids, *(response.token_ids if response else ())], device=model.device)
        image = (row == model.config.image_token_id).nonzero()[:, 0].tolist()
        if image != list(range(image[0], image[0] + rows * columns)):
            raise CaseFailed(f"the prompt {prompt[:80]!r} or its response {TAKE_OUT}")
        return TokenRow(row, slice(image[0], image[-1] + 1), slice(len(ids), len(row)), frame)

    def _ids_of_prompt(self, image_tokens: int, prompt: str) -> tuple[int, ...]:
        tokenizer, placeholder = self._loaded.tokenizer, self._family.placeholder()
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        if text.count(placeholder) != 1:
            raise CaseFailed(f"the prompt {prompt[:80]!r} {TAKE_OUT}")
        expanded = text.replace(placeholder, self._family.expanded(image_tokens))
        return tuple(tokenizer(expanded, add_special_tokens=False)["input_ids"])
