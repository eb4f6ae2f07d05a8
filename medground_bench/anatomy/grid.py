"""Between the study frame and the coarse square grid on which transport is solved.

A grid of `cells` covers the square picture evenly: cell i covers pixels [i * side / cells, (i + 1) * side / cells).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.types import Mask


def cell_averages(values: NDArray[np.generic], cells: int) -> NDArray[np.float64]:
    """Area average of square pictures or masks (..., side, side) over each cell, (..., cells, cells) float64.

    A pixel that straddles two cells is shared by covered area, so the mean of the picture is kept exactly. For a mask
    the result is the fraction of each cell that it covers.
    """
    side = values.shape[-1]
    if values.shape[-2] != side:
        raise ValueError(f"a grid needs a square picture, got {values.shape[-1]} x {values.shape[-2]} px")
    edges = np.arange(cells + 1) * (side / cells)
    pixels = np.arange(side)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.clip(covered, 0, None) * (cells / side)
    averaged: NDArray[np.float64] = weights @ values.astype(np.float64) @ weights.T
    return averaged


def cells_to_pixels(chosen: Mask, side: int) -> Mask:
    """Each chosen cell of (..., cells, cells) as its block of pixels, (..., side, side).

    A pixel belongs to the cell that holds its centre, so nothing drifts. Departure: the authors' code enlarges with a
    corner-aligned zoom, which moves a region by up to 3 px at 224.
    """
    cell_of_pixel = ((np.arange(side) + 0.5) * chosen.shape[-1] / side).astype(np.intp)
    return chosen[..., cell_of_pixel[:, None], cell_of_pixel[None, :]]


def mass_core(mass: NDArray[np.float64], share: float) -> Mask:
    """The smallest set of cells of (cells, cells) that holds at least `share` (0..1) of the mass; empty for no mass.

    Equal masses are taken in raster order. Source: paper, Appendix D (share 0.75).
    """
    flat = mass.ravel()
    total = flat.sum()
    if not total > 0:
        return np.zeros(mass.shape, bool)
    order = np.argsort(-flat, kind="stable")
    held = np.cumsum(flat[order])
    count = int(np.searchsorted(held, share * total, side="left")) + 1
    core = np.zeros(flat.shape, bool)
    core[order[:count]] = True
    return core.reshape(mass.shape)
