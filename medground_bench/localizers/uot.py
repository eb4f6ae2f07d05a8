"""The paper's localizer: masks carried over from the best of N normal references by unbalanced optimal transport.

Source: paper, section 4.1 and Appendix D. The picture and all references are brought to a coarse grid, where one
batched solve finds the reference with the lowest transport cost; a second solve at a finer grid carries its masks over,
and the densest cells that hold 75% of a concept's mass are its region. Without MedSAM's refinement.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from medground_bench.anatomy.atlas import Atlas, phantom_atlas
from medground_bench.anatomy.concepts import ConceptRegions
from medground_bench.anatomy.grid import cell_averages, cells_to_pixels, mass_core
from medground_bench.anatomy.transport import Transport, TransportSettings, solve
from medground_bench.errors import BadPicture
from medground_bench.geometry import tight_box
from medground_bench.types import Frame, Picture


@dataclass(frozen=True, kw_only=True)
class Uot:
    """Settings of Appendix D; grids are cells per side."""

    atlas: Atlas = field(default_factory=phantom_atlas)
    transport: TransportSettings = field(default_factory=TransportSettings)
    selection_cells: int = 14
    transfer_cells: int = 56
    core_share: float = 0.75

    def localize(self, picture: Picture) -> ConceptRegions:
        """The atlas' concepts on one square picture in the study frame, black bars included.

        A concept that receives no mass is listed as missing. A picture of one grey raises BadPicture. The selection
        compares <C, P> with distances in cells. Departure: a reference cell that a mask covers in part sends that
        part of its mass, so thin structures do not vanish on the grid.
        """
        if picture.min() == picture.max():
            raise BadPicture(f"every pixel has grey {picture.min()}: there is no anatomy on a blank picture.")
        best = self._best_reference(picture)
        references = self.atlas.pictures[best : best + 1]
        transport = self._solve(references, picture, self.transfer_cells)
        shares = cell_averages(self.atlas.masks[best], self.transfer_cells)
        received = transport.push(torch.from_numpy(shares)[None])[0].numpy()

        side = picture.shape[0]
        frame = Frame("study", width=side, height=side)
        cores = np.stack([mass_core(mass, self.core_share) for mass in received])
        masks = dict(zip(self.atlas.concepts, cells_to_pixels(cores, side), strict=True))
        boxes = {concept: tight_box(mask, frame) for concept, mask in masks.items()}
        found = {concept: box for concept, box in boxes.items() if box is not None}
        return ConceptRegions(
            frame,
            {concept: masks[concept] for concept in found},
            found,
            missing=tuple(concept for concept in masks if concept not in found),
            reference=self.atlas.names[best],
        )

    def _best_reference(self, picture: Picture) -> int:
        if len(self.atlas.pictures) == 1:
            return 0
        return int(self._solve(self.atlas.pictures, picture, self.selection_cells).cost().argmin())

    def _solve(self, references: NDArray[np.uint8], picture: Picture, cells: int) -> Transport:
        sources = torch.from_numpy(cell_averages(references, cells))
        target = torch.from_numpy(cell_averages(picture[None], cells))
        return solve(sources, target, self.transport)


LOCALIZER = Uot
