"""What a family of models does its own way, and the row of ids that all of them read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from medground_bench.types import Frame


class Family(Protocol):
    """What one family of models does its own way."""

    turn_end: str
    type_ids: str

    def tower_frame(self, frame: Frame) -> Frame:
        """The raster the vision tower sees of a picture of that frame."""
        ...

    def cells(self, frame: Frame) -> tuple[int, int]:
        """Rows and columns of image tokens."""
        ...

    def placeholder(self) -> str:
        """What the chat template puts where the picture goes."""
        ...

    def expanded(self, image_tokens: int) -> str:
        """What stands for the picture in the text that is tokenised."""
        ...

    def image_features(self, values: Tensor) -> Tensor:
        """Normalised values (pictures, 3, height, width) -> (pictures, image tokens, channels)."""
        ...

    def language_inputs(self, features: Tensor, frame: Frame) -> dict[str, Any]:
        """What the language model needs of the pictures beside the ids."""
        ...

    def positions(self, row: Tensor, frame: Frame) -> Tensor | None:
        """Positions of one row of ids; None where they are 0, 1, 2, ..."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One sequence of ids: chat, image tokens, question, and the response's own tokens at its end.

    image   positions of the image tokens
    answer  positions of the response's tokens; no end-of-turn token follows
    """

    ids: Tensor
    image: slice
    answer: slice
    frame: Frame

    @property
    def predicting(self) -> slice:
        """The positions whose next token is the response's: one earlier than the response."""
        return slice(self.answer.start - 1, self.answer.stop - 1)
