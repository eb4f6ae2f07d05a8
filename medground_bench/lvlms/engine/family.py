"""What a family of models does its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from medground_bench.core.boxes_in_text import BoxConvention
from medground_bench.core.types import Frame
from medground_bench.lvlms.engine.untyped import Inputs

if TYPE_CHECKING:
    from medground_bench.lvlms.engine.relevance import ModuleRules
    from medground_bench.lvlms.engine.token_rows import TokenRow


class Family(Protocol):
    """What one family of models does its own way."""

    turn_end: str
    type_ids: str
    module_rules: ModuleRules

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
        """Normalised values (pictures, 3, height, width) -> (pictures, image tokens, channels).

        As many channels as a hidden state has are the embeddings. Where features are added to later states too, they
        stand behind: as many channels again for the states entering layer 1, then for those entering layer 2, ...
        """
        ...

    def language_inputs(self, features: Tensor, frame: Frame) -> Inputs:
        """What the language model needs of the pictures beside the ids."""
        ...

    def positions(self, row: TokenRow) -> Tensor | None:
        """Positions of one row of ids; None where they are 0, 1, 2, ..."""
        ...

    def masks(self, row: TokenRow) -> dict[str, Tensor] | None:
        """Who sees whom, (1, 1, length, length) for every kind of layer; None where it is plainly causal."""
        ...

    def box_convention(self, frame: Frame) -> BoxConvention:
        """How it writes boxes on a picture of that frame."""
        ...
