"""A small U-Net for real films: trained on radiographs that were rendered from one open CT, mixed with phantoms.

Boxes are as radiologists draw them unless asked otherwise. For every concept it tells the overlap to expect with an
expert's box, and what it expects to miss is listed as missing. Its card says how well it does on real pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from medground_bench.anatomy.definitions import Standard, of_standard
from medground_bench.anatomy.regions import regions_of_masks
from medground_bench.anatomy.unet.localizer import UnetLocalizer
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.types import Picture


@dataclass(frozen=True, kw_only=True)
class FilmUnet(UnetLocalizer):
    """Concepts as a CT has them.

    least_iou  a concept whose expected box IoU is below it counts as not found
    """

    name: ClassVar[str] = "film_unet"
    standard: Standard | None = "drawn"
    least_iou: float = 0.5

    def localize(self, picture: Picture) -> ConceptRegions:
        """As every U-Net here; `expected_iou` of every concept that is anywhere likelier than not, believed or not."""
        from medground_bench.anatomy.unet.confidence import shipped_calibration, sureness
        from medground_bench.anatomy.unet.masks import concept_masks

        logits = self.logits(picture)
        masks = concept_masks(logits)
        expected = shipped_calibration(self.name).expected_iou(sureness(logits, masks))
        believed = {
            concept: mask if expected.get(concept, 0.0) >= self.least_iou else np.zeros_like(mask)
            for concept, mask in masks.items()
        }
        regions = replace(regions_of_masks(believed), expected_iou=expected)
        return of_standard(regions, picture, self.standard) if self.standard else regions


LOCALIZER = FilmUnet
