"""From a rough box to the outline of what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.geometry import tight_box
from medground_bench.core.types import Box, Mask, Picture


class Refiner(Protocol):
    """The contract of every file in this folder."""

    def masks(self, picture: Picture, boxes: Sequence[Box]) -> tuple[Mask, ...]:
        """One mask (height, width) of the picture for each box; it may be empty."""
        ...


def refined(refiner: Refiner, picture: Picture, boxes: Sequence[Box]) -> tuple[Box, ...]:
    """The tight box of each mask; a box whose mask is empty stays as it was."""
    masks = refiner.masks(picture, boxes) if boxes else ()
    tight = (tight_box(mask, box.frame) for mask, box in zip(masks, boxes, strict=True))
    return tuple(found or box for found, box in zip(tight, boxes, strict=True))


def refined_regions(refiner: Refiner, picture: Picture, regions: ConceptRegions) -> ConceptRegions:
    """Every concept's box as a prompt, all in one call; a concept whose mask is empty stays as it was."""
    prompts = tuple(regions.boxes.values())
    drawn = zip(regions.boxes, refiner.masks(picture, prompts) if prompts else (), strict=True)
    masks = {concept: mask for concept, mask in drawn if mask.any()}
    tight = {concept: tight_box(mask, regions.frame) for concept, mask in masks.items()}
    boxes = {concept: tight.get(concept) or box for concept, box in regions.boxes.items()}
    return replace(regions, masks={**regions.masks, **masks}, boxes=boxes)
