"""Qwen3-VL, by folder or hub id: image features enter its first decoder layers too (DeepStack).

A picture keeps its aspect ratio, resized to multiples of 32 px; one token covers 32 x 32 px of the resized picture.
The mixture-of-experts models (`qwen3_vl_moe`) are another family, whose modules no rule of relevance knows.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl import modeling_qwen3_vl as parts

from medground_bench.core.boxes_in_text import THOUSANDTHS, BoxConvention
from medground_bench.core.types import Frame
from medground_bench.lvlms.engine import qwen_tower
from medground_bench.lvlms.engine.local import LocalLvlm
from medground_bench.lvlms.engine.opening import CheckpointFolder, load
from medground_bench.lvlms.engine.qwen_family import QwenFamily
from medground_bench.lvlms.engine.relevance import ModuleRules, as_it_is, constant_scale, gated_unit
from medground_bench.lvlms.engine.untyped import Inputs

KEYS: dict[str, tuple[str, str]] = {}
"""None is pinned: it is opened as a folder, or as `org/name@<commit>`."""

MODULE_RULES: ModuleRules = {
    parts.Qwen3VLTextModel: as_it_is,
    parts.Qwen3VLTextDecoderLayer: as_it_is,
    parts.Qwen3VLTextAttention: as_it_is,
    parts.Qwen3VLTextMLP: gated_unit,
    parts.Qwen3VLTextRMSNorm: constant_scale(lambda norm: (norm.weight, norm.variance_epsilon)),
}
"""How relevance goes back through the language model's modules; features that enter higher up are only added."""


@dataclass(frozen=True, slots=True, eq=False)
class Qwen3VlFamily(QwenFamily):
    """What sets Qwen3-VL apart: features of several depths of the tower, and positions in three dimensions."""

    module_rules = MODULE_RULES

    def image_features(self, values: Tensor) -> Tensor:
        """Normalised values (pictures, 3, height, width) -> (pictures, image tokens, channels).

        Behind the embeddings' channels those of the features that enter layer 1, then those that enter layer 2, ...
        """
        patches, grid = self.pictures.patches(values)
        found = self.loaded.model.model.get_image_features(patches, image_grid_thw=grid, return_dict=True)
        depths = [found.pooler_output, *found.deepstack_features]
        return torch.cat([torch.stack(list(depth)) for depth in depths], dim=-1)

    def language_inputs(self, features: Tensor, frame: Frame) -> Inputs:
        """What the language model needs of the picture beside the ids."""
        width = self.loaded.model.config.get_text_config().hidden_size
        depths = torch.unflatten(features, -1, (-1, width)).unbind(-2)
        embeddings, *later = (tuple(depth) for depth in depths)
        image = parts.BaseModelOutputWithDeepstackFeatures(
            pooler_output=embeddings,  # type: ignore[arg-type]  # as transformers gives them: a tensor a picture
            deepstack_features=later,  # type: ignore[arg-type]
        )
        return {
            "mm_encoder_outputs": {"image": image},
            "image_grid_thw": self.pictures.grid(frame, len(features), features.device),
        }

    def box_convention(self, frame: Frame) -> BoxConvention:
        """Thousandths of the sides, x first: no longer pixels of the resized picture, as in Qwen2.5-VL."""
        return BoxConvention(THOUSANDTHS)


def open_qwen3_vl(folder: CheckpointFolder, *, key: str, device: str | None) -> LocalLvlm:
    """A Qwen3-VL checkpoint as an LVLM."""
    loaded = load(folder, Qwen3VLForConditionalGeneration, device)
    lvlm = LocalLvlm.of(loaded, Qwen3VlFamily(loaded), key=key, revision=folder.revision)
    qwen_tower.quicken(loaded.model.model.visual)
    return lvlm


LVLM = open_qwen3_vl
