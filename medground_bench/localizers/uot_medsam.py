"""The boxes of uot, refined by MedSAM; needs MedSAM's weights: from the hub, or as MEDGROUND_MEDSAM says.

Source: paper, section 4.1 and Appendix D. The tight box of each concept is the prompt; MedSAM's single mask takes the
place of the transported one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from medground_bench.anatomy import weights
from medground_bench.anatomy.refiners import refined_regions
from medground_bench.anatomy.refiners.medsam import open_medsam
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.types import Picture
from medground_bench.localizers.uot import Uot


@dataclass(frozen=True, kw_only=True)
class UotMedsam:
    """`refiner` is a location of `anatomy.weights`, or MedSAM's original `.pth` file."""

    uot: Uot = field(default_factory=Uot)
    refiner: str = field(default_factory=weights.MEDSAM.location)

    def localize(self, picture: Picture) -> ConceptRegions:
        """The concepts of uot with MedSAM's masks; one that MedSAM leaves empty keeps what uot found."""
        refiner = open_medsam(self.refiner)
        return refined_regions(refiner, picture, self.uot.localize(picture))


LOCALIZER = UotMedsam
