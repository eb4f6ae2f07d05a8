"""The boxes of grounding_dino, refined by MedSAM; needs MEDGROUND_GROUNDING_DINO and MEDGROUND_MEDSAM, or the hub."""

from __future__ import annotations

from dataclasses import dataclass, field

from medground_bench.anatomy import weights
from medground_bench.anatomy.refiners import refined_regions
from medground_bench.anatomy.refiners.medsam import open_medsam
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.types import Picture
from medground_bench.localizers.grounding_dino import GroundingDino


@dataclass(frozen=True, kw_only=True)
class GroundingDinoMedsam:
    """A baseline of the paper's Table 2."""

    boxes: GroundingDino = field(default_factory=GroundingDino)
    refiner: str = field(default_factory=weights.MEDSAM.location)

    def localize(self, picture: Picture) -> ConceptRegions:
        """The detector's concepts with MedSAM's masks; one that MedSAM leaves empty keeps its box."""
        refiner = open_medsam(self.refiner)
        return refined_regions(refiner, picture, self.boxes.localize(picture))


LOCALIZER = GroundingDinoMedsam
