"""Transport used as a registration: references laid over the picture, their masks warped and put to the vote.

The paper's localizer thresholds mass that the entropic blur has spread over a seventh of the picture. Here transport
only says how a reference must be moved, and the masks are moved whole, so their outlines stay sharp. How that is done
is in `anatomy/registration.py`; nothing is learned, and no real picture was used to choose its constants.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from medground_bench.anatomy.atlas import Atlas, default_atlas
from medground_bench.anatomy.registration import Chests, register
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.errors import BadAtlas
from medground_bench.core.types import Mask, Picture
from medground_bench.localizers import demand_anatomy

LUNGS = ("left lung", "right lung")


@dataclass(frozen=True, kw_only=True)
class UotSharp:
    """The first `references` of the atlas vote; a pixel belongs to a concept when more than half of them say so."""

    atlas: Atlas = field(default_factory=default_atlas)
    references: int = 4

    def __post_init__(self) -> None:
        absent = [lung for lung in LUNGS if lung not in self.atlas.concepts]
        if absent:
            raise BadAtlas(
                f"uot_sharp moves references by their lungs; the atlas has no {' and no '.join(absent)}."
            )

    def localize(self, picture: Picture) -> ConceptRegions:
        """The atlas' concepts on one square picture in the study frame, black bars included.

        A concept that lies beyond the picture is listed as missing. A blank picture raises BadPicture.
        """
        demand_anatomy(picture)
        votes = register(self._chests, picture).carried(self._masks, picture.shape[0]).mean(0)
        return self.atlas.regions((votes > 0.5).numpy())

    @cached_property
    def _voters(self) -> Atlas:
        return self.atlas.first(self.references)

    @cached_property
    def _chests(self) -> Chests:
        planes = [self.atlas.concepts.index(lung) for lung in LUNGS]
        lungs: Mask = np.logical_or.reduce(self._voters.masks[:, planes], axis=1)
        return Chests.of(self._voters.pictures, lungs)

    @cached_property
    def _masks(self) -> Tensor:
        return torch.from_numpy(self._voters.masks.astype(np.float32))


LOCALIZER = UotSharp
