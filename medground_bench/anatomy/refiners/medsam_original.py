"""MedSAM from its authors' own file, `medsam_vit_b.pth`, run by segment-anything (the extra `medsam`).

The file holds the same network as the hub's copy, but was trained on pictures stretched to a square and to 0..1, where
the hub's processor pads and standardizes; so the two give close, not equal, masks. Source: arXiv:2304.12306.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from medground_bench.anatomy.weights import MEDSAM
from medground_bench.core.errors import SourceMissing, Unsupported
from medground_bench.core.types import Box, Mask, Picture

if TYPE_CHECKING:
    from segment_anything.modeling import Sam
    from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class OriginalMedSam:
    """A loaded network; it takes square pictures of the image encoder's own size."""

    model: Sam

    def masks(self, picture: Picture, boxes: Sequence[Box]) -> tuple[Mask, ...]:
        """See `Refiner`: one pass of the image encoder, one of the mask decoder for all boxes, one mask for each."""
        import torch

        if not boxes:
            return ()
        height, width = picture.shape
        side = self.model.image_encoder.img_size
        stretch = torch.tensor([side / width, side / height] * 2)
        prompts = torch.tensor([box.xyxy for box in boxes], dtype=torch.float32) * stretch
        device = next(self.model.parameters()).device
        with torch.no_grad():
            image = self.model.image_encoder(self._pixels(picture, side).to(device))
            sparse, dense = self.model.prompt_encoder(
                points=None, boxes=prompts[:, None].to(device), masks=None
            )
            low, _quality = self.model.mask_decoder(
                image_embeddings=image,
                image_pe=self.model.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=False,
            )
            shares = torch.nn.functional.interpolate(low.sigmoid(), size=(height, width), mode="bilinear")
        return tuple(np.asarray(share[0].cpu() > 0.5) for share in shares)

    def _pixels(self, picture: Picture, side: int) -> Tensor:
        """(1, 3, side, side) float32 from 0 to 1. Departure: Pillow's bicubic filter instead of scikit-image's."""
        import torch

        large = np.array(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC), np.float32)
        low, high = float(large.min()), float(large.max())
        grey = torch.from_numpy((large - low) / max(high - low, 1e-8))
        return grey.expand(1, 3, side, side)


def open_original(file: Path) -> OriginalMedSam:
    """The ViT-B of a `.pth` file; only tensors are read from it, never pickled code."""
    by_variable = file == Path(MEDSAM.location()).expanduser()
    if not file.is_file():
        mend = f"Check {MEDSAM.variable}." if by_variable else "Give another location."
        raise SourceMissing(f"MedSAM: there is no file {file}. {mend}")
    try:
        from segment_anything import sam_model_registry
    except ModuleNotFoundError as error:
        instead = f"unset {MEDSAM.variable} to use" if by_variable else "give the location of"
        raise Unsupported(
            f"{file.name} is run by segment-anything, and {error.name} is not installed. Install it with: pip install "
            f"'medground-bench[medsam]' torchvision; or {instead} the hub's copy instead, {MEDSAM.pinned}."
        ) from error
    import torch

    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
        model = sam_model_registry["vit_b"]()
        model.load_state_dict(saved)
    except Exception as error:  # torch raises errors of many kinds, one of them of a module banned here
        raise SourceMissing(
            f"MedSAM: {file} does not hold the weights of its ViT-B as plain tensors "
            f"({type(error).__name__}). Download medsam_vit_b.pth again."
        ) from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return OriginalMedSam(model.to(device).eval().requires_grad_(False))
