"""MedSAM: a box prompt to a mask. Ma et al., Nature Communications 2024, arXiv:2304.12306.

Runs as transformers' SAM. A picture is encoded once and all its boxes go through one call of the mask decoder. MedSAM
was tuned for the decoder's single-mask output; the three masks of `multimask_output` are SAM's, untuned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from medground_bench.types import Box, Mask, Picture

MEDSAM = "wanglab/medsam-vit-base@a0a0e4bf38278213a0df876d2378f5736731a15e"
"""The commit that holds the weights as safetensors."""


@dataclass(frozen=True, slots=True, eq=False)
class MedSam:
    """A loaded SAM and its processor (PIL back end)."""

    model: Any
    processor: Any

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
def open_medsam(location: str = MEDSAM) -> MedSam:
    """A SAM checkpoint in a folder or on the hub (`org/name@commit`), opened once."""
    import torch
    from transformers import SamModel, SamProcessor

    folder = checkpoint_folder(location)
    model = SamModel.from_pretrained(folder, dtype=torch.float32)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    processor = SamProcessor.from_pretrained(folder, backend="pil")
    return MedSam(model.to(device).eval().requires_grad_(False), processor)


def checkpoint_folder(location: str) -> Path:
    """The files of a folder or of a hub id with a commit, fetched when they are not in the cache."""
    from medground_bench.lvlms._opening import hub_folder

    return Path(location) if Path(location).is_dir() else hub_folder(*location.rsplit("@", 1)).path


def medsam_at_hand() -> str | None:
    """MedSAM's location when its weights are in the hub's cache on this machine; nothing is fetched."""
    from huggingface_hub import try_to_load_from_cache

    repository, commit = MEDSAM.rsplit("@", 1)
    cached = try_to_load_from_cache(repository, "model.safetensors", revision=commit)
    return MEDSAM if isinstance(cached, str) else None
