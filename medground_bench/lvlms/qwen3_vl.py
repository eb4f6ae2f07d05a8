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
from medground_bench.lvlms.engine.opening import CheckpointFolder, Loaded, load
from medground_bench.lvlms.engine.qwen_pictures import QwenPictures
from medground_bench.lvlms.engine.relevance import ModuleRules, as_it_is, constant_scale, gated_unit
from medground_bench.lvlms.engine.token_rows import TokenRow
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
class Qwen3VlFamily:
    """What sets Qwen3-VL apart: features of several depths of the tower, and positions in three dimensions."""

    loaded: Loaded

    turn_end = "<|im_end|>"
    type_ids = "mm_token_type_ids"
    """Without them the positions cannot be worked out."""
    module_rules = MODULE_RULES

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

    def positions(self, row: TokenRow) -> Tensor:
        """Positions (3, 1, length) of one row of ids: time, row and column."""
        grid = self.pictures.grid(row.frame, 1, row.ids.device)
        positions: Tensor = self.loaded.model.model.get_rope_index(
            row.ids[None], mm_token_type_ids=row.image_types[None], image_grid_thw=grid
        )[0]
        return positions

    def masks(self, row: TokenRow) -> None:
        """Plainly causal."""

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
