"""From the network's logits to one clean mask per concept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit

from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.types import Mask

WHOLE, PARTS = "mediastinum", ("cardiac silhouette", "upper mediastinum")
"""The mediastinum is made of these two, which need not touch."""

LUNG_OF = {f"{side} costophrenic angle": f"{side} lung" for side in ("left", "right")}
"""A costophrenic angle is a corner of its lung."""


def concept_masks(logits: NDArray[np.float32]) -> dict[str, Mask]:
    """Logits (11, H, W) in the order of CONCEPTS -> bool masks (H, W): where a concept is likelier than not.

    Each is one piece without holes; of several, the one with the largest summed probability is kept, so a patch of
    bowel gas is no lung. A costophrenic angle is the piece that has most of itself in its lung. The mediastinum is its
    own piece together with its two parts. A concept that is nowhere likelier than not has an empty mask.
    """
    planes = dict(zip(CONCEPTS, logits, strict=True))
    masks = {concept: _one_piece(plane) for concept, plane in planes.items()}
    for angle, lung in LUNG_OF.items():
        masks[angle] = _one_piece(planes[angle], masks[lung])
    masks[WHOLE] = masks[WHOLE] | masks[PARTS[0]] | masks[PARTS[1]]
    return masks


def _one_piece(logits: NDArray[np.float32], home: Mask | None = None) -> Mask:
    """The heaviest piece; only what lies at `home` has weight, and a piece without any is none."""
    likely = logits > 0
    counted = likely if home is None else likely & home
    pieces, count = ndimage.label(likely)
    weights = np.bincount(pieces[counted], weights=expit(logits[counted]), minlength=count + 1)
    if not weights.any():
        return np.zeros(logits.shape, bool)
    return _filled(pieces == np.argmax(weights))


def _filled(piece: Mask) -> Mask:
    """Without holes: all but the background that is connected with the picture's edge."""
    background, _ = ndimage.label(~np.pad(piece, 1))
    filled: Mask = (background != background[0, 0])[1:-1, 1:-1]
    return filled
