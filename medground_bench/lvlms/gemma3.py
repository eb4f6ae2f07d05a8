"""Gemma 3 and what is built on it: MedGemma, MedGemma 1.5, the embedded phantom_gemma3.

A picture is squashed to the tower's square whatever its aspect ratio, and becomes a square of tokens; pan-and-scan is
off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Gemma3ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.models.gemma3 import modeling_gemma3 as parts

from medground_bench.core.boxes_in_text import THOUSANDTHS, BoxConvention
from medground_bench.core.types import Frame
from medground_bench.lvlms.engine.local import LocalLvlm
from medground_bench.lvlms.engine.opening import CheckpointFolder, Loaded, load
from medground_bench.lvlms.engine.relevance import ModuleRules, as_it_is, constant_scale, gated_unit
from medground_bench.lvlms.engine.token_rows import TokenRow
from medground_bench.lvlms.engine.untyped import Inputs

KEYS = {
    "gemma3_4b": ("google/gemma-3-4b-it", "093f9f388b31de276ce2de164bdc2081324b9767"),
    "gemma3_12b": ("google/gemma-3-12b-it", "96b6f1eccf38110c56df3a15bffe176da04bfd80"),
    "medgemma_4b": ("google/medgemma-4b-it", "290cda5eeccbee130f987c4ad74a59ae6f196408"),
    "medgemma1_5_4b": ("google/medgemma-1.5-4b-it", "e9792da5fb8ee651083d345ec4bce07c3c9f1641"),
    "phantom_gemma3": ("embedded:phantom_gemma3", ""),
}
"""Key -> repository and the commit that is opened of it; see `lvlms.open_lvlm`."""


MODULE_RULES: ModuleRules = {
    parts.Gemma3TextModel: as_it_is,
    parts.Gemma3DecoderLayer: as_it_is,
    parts.Gemma3Attention: as_it_is,
    parts.Gemma3MLP: gated_unit,
    parts.Gemma3RMSNorm: constant_scale(lambda norm: (1 + norm.weight.float(), norm.eps)),
}
"""How relevance goes back through the language model's modules. Gemma saves a norm's gain less one."""


@dataclass(frozen=True, slots=True, eq=False)
class Gemma3Family:
    """What sets Gemma 3 apart: its placeholder, its square grid, its bidirectional image tokens."""

    loaded: Loaded

    turn_end = "<end_of_turn>"
    type_ids = "token_type_ids"
    """Without them the image tokens attend causally, silently."""
    module_rules = MODULE_RULES

    def tower_frame(self, frame: Frame) -> Frame:
        """The raster the vision tower sees of a picture of that frame."""
        size = self.loaded.image_processor.size
        return Frame("tower", width=size["width"], height=size["height"])

    def cells(self, frame: Frame) -> tuple[int, int]:
        """Rows and columns of image tokens."""
        side = math.isqrt(self.loaded.model.config.mm_tokens_per_image)
        return side, side

    def placeholder(self) -> str:
        """What the chat template puts where the picture goes."""
        return str(self.loaded.tokenizer.convert_ids_to_tokens(self.loaded.model.config.boi_token_id))

    def expanded(self, image_tokens: int) -> str:
        """What stands for the picture in the text that is tokenised."""
        config, tokenizer = self.loaded.model.config, self.loaded.tokenizer
        start, soft, end = tokenizer.convert_ids_to_tokens(
            [config.boi_token_id, config.image_token_id, config.eoi_token_id]
        )
        return f"\n\n{start}{soft * image_tokens}{end}\n\n"

    def image_features(self, values: Tensor) -> Tensor:
        """Normalised values (pictures, 3, height, width) -> (pictures, image tokens, channels)."""
        features: Tensor = self.loaded.model.model.get_image_features(values, return_dict=True).pooler_output
        return features

    def language_inputs(self, features: Tensor, frame: Frame) -> Inputs:
        """What the language model needs of the picture beside the ids."""
        return {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=features)}}

    def positions(self, row: TokenRow) -> Tensor | None:
        """Positions of one row of ids; None where they are 0, 1, 2, ..."""
        return None

    def masks(self, row: TokenRow) -> dict[str, Tensor]:
        """Who sees whom: all that came before, and the image tokens each other; a sliding layer looks back so far.

        The decoder makes the same of the type ids, but in 10 ms a call, more than a tiny one needs for its layers.
        """
        positions = torch.arange(len(row.ids), device=row.ids.device)
        image = row.image_types.bool()
        behind = positions[:, None] - positions
        seen = (behind >= 0) | (image[:, None] & image)
        near = behind < self.loaded.model.config.get_text_config().sliding_window
        return {"full_attention": seen[None, None], "sliding_attention": (seen & near)[None, None]}

    def box_convention(self, frame: Frame) -> BoxConvention:
        """Thousandths of the sides, in the order it was asked for; `box_2d` objects, its own form, have theirs."""
        return BoxConvention(THOUSANDTHS)


def open_gemma3(folder: CheckpointFolder, *, key: str, device: str | None) -> LocalLvlm:
    """A Gemma 3 checkpoint as an LVLM."""
    loaded = load(folder, Gemma3ForConditionalGeneration, device)
    return LocalLvlm.of(loaded, Gemma3Family(loaded), key=key, revision=folder.revision)


LVLM = open_gemma3
