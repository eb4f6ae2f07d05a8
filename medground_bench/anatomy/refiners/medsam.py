"""MedSAM: a box prompt to a mask. Ma et al., Nature Communications 2024, arXiv:2304.12306.

Runs as transformers' SAM. A picture is encoded once and all its boxes go through one call of the mask decoder. MedSAM
was tuned for the decoder's single-mask output; the three masks of `multimask_output` are SAM's, untuned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from medground_bench.anatomy import weights
from medground_bench.anatomy.refiners import Refiner
from medground_bench.core.types import Box, Mask, Picture

if TYPE_CHECKING:
    from transformers import SamModel, SamProcessor

ORIGINAL_SUFFIX = ".pth"


@dataclass(frozen=True, slots=True, eq=False)
class MedSam:
    """A loaded SAM and its processor (PIL back end)."""

    model: SamModel
    processor: SamProcessor

    def masks(self, picture: Picture, boxes: Sequence[Box]) -> tuple[Mask, ...]:
        """See `Refiner`; boxes are half-open pixels of the picture."""
        import torch

        if not boxes:
            return ()
        rgb = Image.fromarray(picture).convert("RGB")
        inputs = self.processor(rgb, input_boxes=[[list(box.xyxy) for box in boxes]], return_tensors="pt")
        inputs = inputs.to(self.model.device)
        with torch.no_grad():
            low = self.model(
                pixel_values=inputs["pixel_values"],
                input_boxes=inputs["input_boxes"].to(self.model.dtype),
                multimask_output=False,
            ).pred_masks
        [masks] = self.processor.image_processor.post_process_masks(
            low.float().cpu(), inputs["original_sizes"].cpu(), inputs["reshaped_input_sizes"].cpu()
        )
        return tuple(np.asarray(mask[0]) for mask in masks)


@lru_cache(maxsize=2)
def open_medsam(location: str) -> Refiner:
    """MedSAM from a location of `weights`, or from its authors' `medsam_vit_b.pth`; opened once."""
    if Path(location).suffix == ORIGINAL_SUFFIX:
        from medground_bench.anatomy.refiners.medsam_original import open_original

        return open_original(Path(location).expanduser())
    from transformers import SamModel, SamProcessor

    folder = weights.MEDSAM.folder(location)
    return MedSam(weights.MEDSAM.load(SamModel, folder), SamProcessor.from_pretrained(folder, backend="pil"))


def medsam_at_hand() -> str | None:
    """MedSAM's location if the variable sets one, wherever that is, or if the hub's copy is in the cache; else None."""
    return weights.MEDSAM.at_hand()
