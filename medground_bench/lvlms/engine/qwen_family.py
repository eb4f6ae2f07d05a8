"""What the families of Qwen share: where tokens lie on a picture, its placeholder, positions in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from medground_bench.core.types import Frame
from medground_bench.lvlms.engine.opening import Loaded
from medground_bench.lvlms.engine.qwen_pictures import QwenPictures
from medground_bench.lvlms.engine.token_rows import TokenRow


@dataclass(frozen=True, slots=True, eq=False)
class QwenFamily:
    """A base of theirs; see `Family`."""

    loaded: Loaded

    turn_end = "<|im_end|>"
    type_ids = "mm_token_type_ids"
    """Without them Qwen2.5-VL's positions fall back to one dimension, silently; Qwen3-VL's cannot be worked out."""

    @property
    def pictures(self) -> QwenPictures:
        """Where its tokens lie on a picture."""
        return QwenPictures(self.loaded.image_processor)

    def tower_frame(self, frame: Frame) -> Frame:
        """The raster the vision tower sees of a picture of that frame."""
        return self.pictures.tower_frame(frame)

    def cells(self, frame: Frame) -> tuple[int, int]:
        """Rows and columns of image tokens."""
        return self.pictures.cells(frame)

    def placeholder(self) -> str:
        """What the chat template puts where the picture goes."""
        return str(self.loaded.tokenizer.convert_ids_to_tokens(self.loaded.model.config.image_token_id))

    def expanded(self, image_tokens: int) -> str:
        """What stands for the picture in the text that is tokenised."""
        return self.placeholder() * image_tokens

    def positions(self, row: TokenRow) -> Tensor:
        """Positions (3, 1, length) of one row of ids: time, row and column."""
        grid = self.pictures.grid(row.frame, 1, row.ids.device)
        positions: Tensor = self.loaded.model.model.get_rope_index(
            row.ids[None], mm_token_type_ids=row.image_types[None], image_grid_thw=grid
        )[0]
        return positions

    def masks(self, row: TokenRow) -> None:
        """Plainly causal."""
