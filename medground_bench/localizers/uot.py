"""The paper's localizer: masks carried over from the best of N normal references by unbalanced optimal transport.

Source: paper, section 4.1 and Appendix D. The picture and all references are brought to a coarse grid, where one
batched solve finds the reference with the lowest transport cost; a second solve at a finer grid carries its masks over,
and the densest cells that hold 75% of a concept's mass are its region. Without MedSAM's refinement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medground_bench.anatomy import transport_by_pot
from medground_bench.anatomy.atlas import Atlas, default_atlas
from medground_bench.anatomy.grid import cell_averages, cells_to_pixels, mass_core
from medground_bench.anatomy.transport import Transport, TransportSettings, solve
from medground_bench.anatomy.transport_by_pot import WholePlans
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.types import Picture
from medground_bench.localizers import demand_anatomy

Solver = Callable[[NDArray[np.float64], NDArray[np.float64], TransportSettings], Transport | WholePlans]
SOLVERS: dict[str, Solver] = {"separable": solve, "pot": transport_by_pot.solve}


@dataclass(frozen=True, kw_only=True)
class Uot:
    """Settings of Appendix D; grids are cells per side. The first `references` of the atlas are candidates.

    solver  "pot" has the same problem solved by POT, of the extra `reference`, for comparison: some 40 times slower
    """

    atlas: Atlas = field(default_factory=default_atlas)
    references: int = 16
    transport: TransportSettings = field(default_factory=TransportSettings)
    selection_cells: int = 14
    transfer_cells: int = 56
    core_share: float = 0.75
    solver: Literal["separable", "pot"] = "separable"

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise ValueError(f"solver is {self.solver!r}; it must be {' or '.join(SOLVERS)}")

    def localize(self, picture: Picture) -> ConceptRegions:
        """The atlas' concepts on one square picture in the study frame, black bars included.

        A concept that receives no mass is listed as missing. A blank picture raises BadPicture. The selection
        compares <C, P> with distances in cells. Departure: a reference cell that a mask covers in part sends that
        part of its mass, so thin structures do not vanish on the grid.
        """
        demand_anatomy(picture)
        best = self._best_reference(picture)
        reference, shares = self._to_transfer[best]
        received = self._solve(reference, picture, self.transfer_cells).push(shares)

        cores = np.stack([mass_core(mass, self.core_share) for mass in received])
        regions = self.atlas.regions(cells_to_pixels(cores, picture.shape[0]))
        return replace(regions, reference=self.atlas.names[best])

    def _best_reference(self, picture: Picture) -> int:
        if len(self._to_choose) == 1:
            return 0
        return int(self._solve(self._to_choose, picture, self.selection_cells).cost().argmin())

    @cached_property
    def _candidates(self) -> Atlas:
        return self.atlas.first(self.references)

    @cached_property
    def _to_choose(self) -> NDArray[np.float64]:
        """The candidates at the selection's grid; they are the same for every picture."""
        return cell_averages(self._candidates.pictures, self.selection_cells)

    @cached_property
    def _to_transfer(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Every candidate and its masks at the transfer's grid."""
        pairs = zip(self._candidates.pictures, self._candidates.masks, strict=True)
        cells = self.transfer_cells
        return [(cell_averages(picture, cells), cell_averages(masks, cells)) for picture, masks in pairs]

    def _solve(self, references: NDArray[np.float64], picture: Picture, cells: int) -> Transport | WholePlans:
        return SOLVERS[self.solver](references, cell_averages(picture, cells), self.transport)


LOCALIZER = Uot
