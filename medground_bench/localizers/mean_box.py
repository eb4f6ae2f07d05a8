"""The atlas' mean boxes, whatever the picture shows: a control without any transport."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from medground_bench.anatomy.atlas import Atlas, default_atlas
from medground_bench.anatomy.concepts import ConceptRegions
from medground_bench.types import Box, Frame, Mask, Picture


@dataclass(frozen=True, kw_only=True)
class MeanBox:
    """Copies the mean box of every concept, scaled to the picture's side."""

    atlas: Atlas = field(default_factory=default_atlas)

    def localize(self, picture: Picture) -> ConceptRegions:
        """The same relative boxes on every picture; each mask is its box, rounded to pixels."""
        height, width = picture.shape
        frame = Frame("study", width=width, height=height)
        across, down = width / self.atlas.frame.width, height / self.atlas.frame.height
        boxes = {
            concept: Box(box.x0 * across, box.y0 * down, box.x1 * across, box.y1 * down, frame)
            for concept, box in self.atlas.mean_boxes().items()
        }
        return ConceptRegions(frame, {concept: _mask(box) for concept, box in boxes.items()}, boxes)


def _mask(box: Box) -> Mask:
    mask = np.zeros((box.frame.height, box.frame.width), bool)
    x0, y0, x1, y1 = (round(value) for value in box.xyxy)
    mask[y0:y1, x0:x1] = True
    return mask


LOCALIZER = MeanBox
