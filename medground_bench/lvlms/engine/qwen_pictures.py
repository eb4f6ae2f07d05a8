"""Pictures as the Qwen families take them: sides that are multiples of a token's, patches in merge-block order.

One image processor of transformers serves Qwen2-VL and all that came after it; its settings say how large a patch is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from medground_bench.core.types import Frame
from medground_bench.lvlms.engine.untyped import ImageProcessor

MOST_TOKENS = 1280
"""Image tokens of a picture; the hub's own settings allow 13 to 16 times as many, for a native radiograph 10,000."""


@dataclass(frozen=True, slots=True, eq=False)
class QwenPictures:
    """Where the tokens of a picture lie, and its pixels in the order in which the tower reads them."""

    processor: ImageProcessor

    @property
    def token_px(self) -> int:
        """Side of an image token in pixels of the tower's raster: a block of patches that are merged."""
        return int(self.processor.patch_size * self.processor.merge_size)

    def tower_frame(self, frame: Frame) -> Frame:
        """The raster the vision tower sees of a picture of that frame."""
        size, token_px = self.processor.size, self.token_px
        height, width = smart_resize(
            frame.height,
            frame.width,
            factor=token_px,
            min_pixels=size["shortest_edge"],
            max_pixels=min(size["longest_edge"], MOST_TOKENS * token_px**2),
        )
        return Frame("tower", width=width, height=height)

    def cells(self, frame: Frame) -> tuple[int, int]:
        """Rows and columns of image tokens."""
        tower = self.tower_frame(frame)
        return tower.height // self.token_px, tower.width // self.token_px

    def patches(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of patch pixels in merge-block order, all pictures one after the other, and each picture's grid.

        Four rows in a sequence (2 x 2 patches) become one image token. A still picture fills both frames of a patch.
        """
        patch, merge = self.processor.patch_size, self.processor.merge_size
        pictures, channels, height, width = values.shape
        rows, columns = height // patch, width // patch
        blocks = values.reshape(
            pictures, channels, rows // merge, merge, patch, columns // merge, merge, patch
        ).permute(0, 2, 5, 3, 6, 1, 4, 7)
        one_frame = blocks.reshape(pictures * rows * columns, channels, 1, patch * patch)
        grid = torch.tensor([[1, rows, columns]] * pictures, device=values.device)
        return one_frame.expand(-1, -1, self.processor.temporal_patch_size, -1).flatten(1), grid

    def grid(self, frame: Frame, pictures: int, device: torch.device) -> Tensor:
        """The grid of patches (pictures, 3) of so many pictures of that frame: times, rows, columns."""
        rows, columns = (cells * self.processor.merge_size for cells in self.cells(frame))
        return torch.tensor([[1, rows, columns]] * pictures, device=device)
