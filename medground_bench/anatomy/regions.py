"""What a localizer found, boxes or masks, as `ConceptRegions`: the other of the two, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from medground_bench.core.concepts import CONCEPTS, ConceptRegions
from medground_bench.core.geometry import tight_box
from medground_bench.core.types import Box, Frame, Mask


def regions_of_masks(masks: Mapping[str, Mask], *, sought: Iterable[str] = CONCEPTS) -> ConceptRegions:
    """Masks (side, side) of the study frame -> regions with their tight boxes.

    A concept that was sought and has no mask, or an empty one, is missing. At least one mask gives the frame.
    """
    frame = Frame.study_of(next(iter(masks.values())))
    boxes = {concept: tight_box(masks[concept], frame) for concept in sought if concept in masks}
    found = {concept: box for concept, box in boxes.items() if box is not None}
    missing = tuple(concept for concept in sought if concept not in found)
    return ConceptRegions(frame, {concept: masks[concept] for concept in found}, found, missing)


def regions_of_boxes(
    boxes: Mapping[str, Box], frame: Frame, *, sought: Iterable[str] = CONCEPTS
) -> ConceptRegions:
    """Boxes of the study frame -> regions whose masks are all pixels that the box touches."""
    found = {concept: boxes[concept] for concept in sought if concept in boxes}
    masks = {concept: touched_pixels(box) for concept, box in found.items()}
    return ConceptRegions(frame, masks, found, tuple(concept for concept in sought if concept not in found))


def touched_slices(box: Box) -> tuple[slice, slice]:
    """Rows and columns of the box's frame of which the box covers any part."""
    rows = slice(max(0, math.floor(box.y0)), math.ceil(box.y1))
    return rows, slice(max(0, math.floor(box.x0)), math.ceil(box.x1))


def touched_pixels(box: Box) -> Mask:
    """The mask (height, width) of the box's frame, True where the box covers any part of a pixel."""
    mask = np.zeros((box.frame.height, box.frame.width), bool)
    mask[touched_slices(box)] = True
    return mask
