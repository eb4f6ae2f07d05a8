"""Millimetres of every organ along the rays -> masks of the 11 concepts, as `anatomy.definitions` words them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medground_bench.anatomy.definitions import disk, largest_piece
from medground_bench.training.radiograph.chest import DIRECTIONS

Thickness = NDArray[np.float32]
Flags = NDArray[np.bool_]

HIDDEN_BY_ABDOMEN_MM = 14.0
"""Lung behind more of the abdomen than this is not seen as lung: the visible field ends at the dome."""
SEEN_LUNG_MM, BEFORE_SPINE_MM, SPINE_MM = 7.0, 26.0, 26.0
"""Lung that shows: so much of it, and so much more in front of the spine, which fades over so many mm."""
SEEN_HEART_MM, SEEN_VESSEL_MM, SEEN_HILUM_MM = 8.0, 4.0, 12.0
OPENING_MM = 9.0
"""Radius of the disk that the cardiac silhouette is opened by: vessels that end in it are not heart."""
ANGLE_MM, ANGLE_SHARE = 48.0, 0.68
"""A costophrenic angle is the lowest so many mm of the part of a lung beyond this share of its reach."""


def outlines(
    thickness: Mapping[str, Thickness], clavicles: Mapping[str, Flags], px_mm: float
) -> dict[str, Flags]:
    """Masks (H, W) of the 11 concepts; one that is not on the picture is empty.

    thickness  mm of every name of `chest.SHADOWS`, and of the right and left hilum
    clavicles  masks of the drawn clavicles, by side
    """
    lungs = _lungs(thickness, px_mm)
    heart = ndimage.binary_opening(thickness["heart"] > SEEN_HEART_MM, structure=disk(OPENING_MM / px_mm))
    upper = _filled_across(thickness["great vessels"] > SEEN_VESSEL_MM)
    upper = ndimage.binary_opening(upper, iterations=max(1, round(4.8 / px_mm)))
    masks = {"cardiac silhouette": heart, "upper mediastinum": upper, "mediastinum": heart | upper}
    for side, direction in DIRECTIONS.items():
        masks[f"{side} lung"] = lungs[side]
        masks[f"{side} clavicle"] = clavicles[side]
        masks[f"{side} hilar structures"] = thickness[f"{side} hilum"] > SEEN_HILUM_MM
        masks[f"{side} costophrenic angle"] = _angle(lungs, side, direction, px_mm)
    return masks


def _lungs(thickness: Mapping[str, Thickness], px_mm: float) -> dict[str, Flags]:
    """The visible field of each side: one piece without holes."""
    width = next(iter(thickness.values())).shape[1]
    ends = [np.flatnonzero((thickness[f"{side} lung"] > 40).any(0)) for side in ("right", "left")]
    both = all(map(len, ends))
    middle = (ends[0][-1] + ends[1][0]) / 2 if both else width / 2
    off = (np.arange(width) - middle) * px_mm / SPINE_MM
    enough = SEEN_LUNG_MM + BEFORE_SPINE_MM * np.exp(-0.5 * off**2)
    seen = ndimage.gaussian_filter(thickness["abdomen"], 2.4 / px_mm) < HIDDEN_BY_ABDOMEN_MM
    return {
        side: ndimage.binary_fill_holes(largest_piece((thickness[f"{side} lung"] > enough) & seen))
        for side in DIRECTIONS
    }


def _angle(lungs: Mapping[str, Flags], side: str, direction: int, px_mm: float) -> Flags:
    """The lowest part of the lateral part of a lung."""
    lung = lungs[side]
    columns, rows = np.arange(lung.shape[1])[None, :], np.arange(lung.shape[0])[:, None]
    found = {each: np.flatnonzero(mask.any(0)) for each, mask in lungs.items()}
    if not all(map(len, found.values())):
        return np.zeros_like(lung)
    middle = (found["left"][0] + found["right"][-1]) / 2
    outwards = direction * (columns - middle)
    lateral: Flags = lung & (outwards > ANGLE_SHARE * (outwards * lung).max())
    lowest = np.flatnonzero(lateral.any(1))
    if len(lowest):
        lateral &= rows > lowest[-1] - ANGLE_MM / px_mm
    return lateral


def _filled_across(mask: Flags) -> Flags:
    """One piece from side to side in every row."""
    return np.maximum.accumulate(mask, 1) & np.maximum.accumulate(mask[:, ::-1], 1)[:, ::-1]
