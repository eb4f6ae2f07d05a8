"""What the localizers of the shipped networks share: one pass of the network, then one clean mask per concept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medground_bench.anatomy.definitions import Standard, of_standard, standard_called
from medground_bench.anatomy.regions import regions_of_masks
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.types import Mask, Picture

if TYPE_CHECKING:
    from medground_bench.anatomy.unet.network import AnatomyNet

NET_SIDE_PX = 224
"""The side it was trained on; other pictures are resized for it, and its logits back."""


@dataclass(frozen=True, kw_only=True)
class UnetLocalizer:
    """A network of `models/`.

    net       None for the shipped weights of `name`
    standard  how lungs and clavicles are marked; None as the network learned them: tight boxes, whole clavicles
    """

    name: ClassVar[str]
    net: AnatomyNet | None = None
    standard: Standard | None = None

    def __post_init__(self) -> None:
        if self.standard is not None:
            standard_called(self.standard)

    def localize(self, picture: Picture) -> ConceptRegions:
        """The 11 concepts on one square picture in the study frame, black bars included.

        A concept that is nowhere likelier than not is listed as missing.
        """
        from medground_bench.anatomy.unet.masks import concept_masks

        logits = self.logits(picture)
        regions = self.believed(logits, concept_masks(logits))
        return of_standard(regions, picture, self.standard) if self.standard else regions

    def believed(self, logits: NDArray[np.float32], masks: Mapping[str, Mask]) -> ConceptRegions:
        """What counts as found of the masks made from these logits (11, side, side): all that are not empty."""
        return regions_of_masks(masks)

    def logits(self, picture: Picture) -> NDArray[np.float32]:
        """(11, side, side), positive where a concept is likelier than not."""
        import torch

        from medground_bench.anatomy.unet.network import enlarge
        from medground_bench.anatomy.unet.shipped import shipped_net

        size = (NET_SIDE_PX, NET_SIDE_PX)
        resized = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
        with torch.no_grad():
            logits = (self.net or shipped_net(self.name))(torch.from_numpy(resized.copy())[None])
            logits = enlarge(logits, picture.shape[0])[0]
        return logits.numpy()
