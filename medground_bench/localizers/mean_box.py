"""The atlas' mean boxes, whatever the picture shows: a control without any transport."""

from __future__ import annotations

from dataclasses import dataclass, field

from medground_bench.anatomy.atlas import Atlas, default_atlas
from medground_bench.anatomy.regions import regions_of_boxes
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.types import Box, Frame, Picture


@dataclass(frozen=True, kw_only=True)
class MeanBox:
    """Copies the mean box of every concept, scaled to the picture's side."""

    atlas: Atlas = field(default_factory=default_atlas)

    def localize(self, picture: Picture) -> ConceptRegions:
        """The same relative boxes on every picture; each mask is every pixel that its box touches."""
        frame = Frame.study_of(picture)
        across, down = frame.width / self.atlas.frame.width, frame.height / self.atlas.frame.height
        boxes = {
            concept: Box(box.x0 * across, box.y0 * down, box.x1 * across, box.y1 * down, frame)
            for concept, box in self.atlas.mean_boxes().items()
        }
        return regions_of_boxes(boxes, frame, sought=self.atlas.concepts)


LOCALIZER = MeanBox
