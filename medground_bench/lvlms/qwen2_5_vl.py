"""Qwen2.5-VL, and the embedded phantom_qwen2_5_vl.

A picture keeps its aspect ratio, resized to multiples of 28 px; one token covers 28 x 28 px of the resized picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as parts

from medground_bench.core.boxes_in_text import BoxConvention
from medground_bench.core.types import Frame
from medground_bench.lvlms.engine import qwen_tower
from medground_bench.lvlms.engine.local import LocalLvlm
from medground_bench.lvlms.engine.opening import CheckpointFolder, load
from medground_bench.lvlms.engine.qwen_family import QwenFamily
from medground_bench.lvlms.engine.relevance import ModuleRules, as_it_is, constant_scale, gated_unit
from medground_bench.lvlms.engine.untyped import Inputs

KEYS = {
    "qwen2_5_vl_3b": ("Qwen/Qwen2.5-VL-3B-Instruct", "66285546d2b821cf421d4f5eb2576359d3770cd3"),
    "qwen2_5_vl_7b": ("Qwen/Qwen2.5-VL-7B-Instruct", "cc594898137f460bfe9f0759e9844b3ce807cfb5"),
    "phantom_qwen2_5_vl": ("embedded:phantom_qwen2_5_vl", ""),
}
"""Key -> repository and the commit that is opened of it; see `lvlms.open_lvlm`."""

MODULE_RULES: ModuleRules = {
    parts.Qwen2_5_VLTextModel: as_it_is,
    parts.Qwen2_5_VLDecoderLayer: as_it_is,
    parts.Qwen2_5_VLAttention: as_it_is,
    parts.Qwen2MLP: gated_unit,
    parts.Qwen2_5_VLRMSNorm: constant_scale(lambda norm: (norm.weight, norm.variance_epsilon)),
}
"""How relevance goes back through the language model's modules."""


@dataclass(frozen=True, slots=True, eq=False)
class Qwen25VlFamily(QwenFamily):
    """What sets Qwen2.5-VL apart: patches in merge-block order, and positions in three dimensions."""

    module_rules = MODULE_RULES

    def image_features(self, values: Tensor) -> Tensor:
        """Normalised values (pictures, 3, height, width) -> (pictures, image tokens, channels)."""
        patches, grid = self.pictures.patches(values)
        features = self.loaded.model.model.get_image_features(patches, image_grid_thw=grid, return_dict=True)
        return torch.stack(list(features.pooler_output))

    def language_inputs(self, features: Tensor, frame: Frame) -> Inputs:
        """What the language model needs of the picture beside the ids."""
        a_tensor_each = tuple(features)  # as transformers itself gives them, whatever the output's type says
        return {
            "mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=a_tensor_each)},  # type: ignore[arg-type]
            "image_grid_thw": self.pictures.grid(frame, len(features), features.device),
        }

    def box_convention(self, frame: Frame) -> BoxConvention:
        """Pixels of the picture as it was resized for the tower, x first."""
        return BoxConvention(self.tower_frame(frame))


def open_qwen2_5_vl(folder: CheckpointFolder, *, key: str, device: str | None) -> LocalLvlm:
    """A Qwen2.5-VL checkpoint as an LVLM."""
    loaded = load(folder, Qwen2_5_VLForConditionalGeneration, device)
    lvlm = LocalLvlm.of(loaded, Qwen25VlFamily(loaded), key=key, revision=folder.revision)
    qwen_tower.quicken(loaded.model.model.visual)
    return lvlm


LVLM = open_qwen2_5_vl
