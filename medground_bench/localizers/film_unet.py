"""A small U-Net for real films: trained on radiographs that were rendered from one open CT, mixed with phantoms.

Boxes are as radiologists draw them unless asked otherwise. For every concept it tells the overlap to expect with an
expert's box, and what it expects to miss is listed as missing. Its card says how well it does on real pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from medground_bench.anatomy.definitions import Standard
from medground_bench.anatomy.regions import regions_of_masks
from medground_bench.anatomy.unet.localizer import UnetLocalizer
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.types import Mask


@dataclass(frozen=True, kw_only=True)
class FilmUnet(UnetLocalizer):
    """Concepts as a CT has them.

    least_iou  a concept whose expected box IoU is below it counts as not found
    """

    name: ClassVar[str] = "film_unet"
    standard: Standard | None = "drawn"
    least_iou: float = 0.5

    def believed(self, logits: NDArray[np.float32], masks: Mapping[str, Mask]) -> ConceptRegions:
        """All that are not empty and expected to fit; `expected_iou` tells of those that are not believed, too."""
        from medground_bench.anatomy.unet.confidence import shipped_calibration, sureness

        expected = shipped_calibration(self.name).expected_iou(sureness(logits, masks))
        kept = {
            concept: mask if expected.get(concept, 0.0) >= self.least_iou else np.zeros_like(mask)
            for concept, mask in masks.items()
        }
        return replace(regions_of_masks(kept), expected_iou=expected)


LOCALIZER = FilmUnet
