"""SAM 3, or a MedSAM3 checkpoint, asked for each concept by name; needs weights: MEDGROUND_SAM3 or the gated hub copy.

Carion et al. 2025, arXiv:2511.16719; Liu et al. 2025, arXiv:2511.19046. The end-to-end rows of the paper's Table 2: no
box prompt, no transport. Runs on transformers' Sam3Model. Its processor needs torchvision, so the picture is prepared
here: stretched to a square (Pillow, bilinear, antialiased), scaled to 0..1, standardized by the checkpoint's numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from medground_bench.anatomy import weights
from medground_bench.anatomy.regions import regions_of_masks
from medground_bench.core.concepts import CONCEPTS, ConceptRegions
from medground_bench.core.types import Mask, Picture

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Sam3Model

TEXT_TOKENS = 32
"""The text encoder was trained on prompts padded to this length."""

PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json")
MASK_SHARE = 0.5


class PictureSettings(TypedDict, total=False):
    """What is read of the settings of an image processor; a number for each colour."""

    size: dict[str, int]
    image_mean: list[float]
    image_std: list[float]


@dataclass(frozen=True, slots=True, eq=False)
class LoadedSam3:
    """The model, its tokenizer, and how a picture is prepared for it."""

    model: Sam3Model
    tokenizer: PreTrainedTokenizerBase
    side: int
    mean: float
    deviation: float

    def pixels(self, picture: Picture) -> Tensor:
        """(1, 3, side, side) float32, standardized."""
        large = Image.fromarray(picture).resize((self.side, self.side), Image.Resampling.BILINEAR)
        grey = (torch.from_numpy(np.array(large, np.float32)) / 255 - self.mean) / self.deviation
        return grey.expand(1, 3, self.side, self.side)


@dataclass(frozen=True, kw_only=True)
class Sam3:
    """`checkpoint` is a location of `anatomy.weights`; a score is that of the instance times that of its presence."""

    checkpoint: str = field(default_factory=weights.SAM3.location)
    threshold: float = 0.3

    def localize(self, picture: Picture) -> ConceptRegions:
        """The best instance of each concept; one whose score or mask is not enough is missing.

        The picture is encoded once and its embedding shared; text encoder and decoder run for each concept.
        """
        sam = open_sam3(self.checkpoint)
        device = sam.model.device
        names = sam.tokenizer(
            list(CONCEPTS),
            padding="max_length",
            max_length=TEXT_TOKENS,
            truncation=True,
            return_tensors="pt",
        ).to(device)
        masks: dict[str, Mask] = {}
        with torch.no_grad():
            embedding = sam.model.get_vision_features(pixel_values=sam.pixels(picture).to(device))
            for place, concept in enumerate(CONCEPTS):
                ids, attended = (names[part][place : place + 1] for part in ("input_ids", "attention_mask"))
                instances = sam.model(vision_embeds=embedding, input_ids=ids, attention_mask=attended)
                scores = instances.pred_logits[0].sigmoid() * instances.presence_logits[0].sigmoid()
                masks[concept] = self._best_instance(scores, instances.pred_masks, picture.shape)
        return regions_of_masks(masks)

    def _best_instance(self, scores: Tensor, masks: Tensor, shape: tuple[int, ...]) -> Mask:
        """The mask (height, width) of the instance with the highest score; empty when that is not enough."""
        best = int(scores.argmax())
        if scores[best] <= self.threshold:
            return np.zeros(shape, bool)
        share = masks[:, best : best + 1].float().sigmoid()
        share = torch.nn.functional.interpolate(share, size=shape, mode="bilinear", align_corners=False)
        return np.asarray(share[0, 0].cpu() > MASK_SHARE)


@lru_cache(maxsize=1)
def open_sam3(location: str) -> LoadedSam3:
    """A checkpoint of that architecture at a location of `weights`, opened once."""
    from transformers import AutoTokenizer, Sam3Model

    folder = weights.SAM3.folder(location)
    model = weights.SAM3.load(Sam3Model, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    settings = _picture_settings(folder)
    side = settings.get("size", {}).get("height", model.config.vision_config.backbone_config.image_size)
    mean, deviation = settings.get("image_mean", [0.5])[0], settings.get("image_std", [0.5])[0]
    return LoadedSam3(model, tokenizer, int(side), float(mean), float(deviation))


def _picture_settings(folder: Path) -> PictureSettings:
    """The image processor's part of the checkpoint's own settings; empty when there is none."""
    for name in PROCESSOR_FILES:
        if (folder / name).is_file():
            settings = json.loads((folder / name).read_text("utf-8"))
            own: PictureSettings = settings.get("image_processor", settings)
            return own
    return {}


LOCALIZER = Sam3
