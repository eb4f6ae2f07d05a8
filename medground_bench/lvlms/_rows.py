"""The row of ids a model reads: chat, image tokens, question, and the response's own tokens at its end."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from medground_bench.errors import MedgroundError
from medground_bench.lvlms._family import Family
from medground_bench.lvlms._opening import Loaded
from medground_bench.types import Frame, Response


@dataclass(frozen=True, slots=True, eq=False)
class Row:
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
        """1 at image tokens, 0 elsewhere; both families go wrong without a word when they are not given."""
        types = torch.zeros_like(self.ids)
        types[self.image] = 1
        return types

    @property
    def predicting(self) -> slice:
        """The positions whose next token is the response's: one earlier than the response."""
        return slice(self.answer.start - 1, self.answer.stop - 1)


def row_of(
    loaded: Loaded, family: Family, frame: Frame, prompt: str, response: Response | None = None
) -> Row:
    """The row of a picture of that frame and a prompt; the response is appended as ids, never as text."""
    tokenizer, placeholder = loaded.tokenizer, family.placeholder()
    content = [{"type": "image"}, {"type": "text", "text": prompt}]
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    rows, columns = family.cells(frame)
    expanded = text.replace(placeholder, family.expanded(rows * columns))
    ids = tokenizer(expanded, add_special_tokens=False)["input_ids"]
    row = torch.tensor([*ids, *(response.token_ids if response else ())], device=loaded.model.device)
    image = (row == loaded.model.config.image_token_id).nonzero()[:, 0].tolist()
    if text.count(placeholder) != 1 or image != list(range(image[0], image[0] + rows * columns)):
        raise MedgroundError(
            f"the prompt {prompt[:80]!r} or its response holds the model's own image token. Take it out."
        )
    return Row(row, slice(image[0], image[-1] + 1), slice(len(ids), len(row)), frame)
