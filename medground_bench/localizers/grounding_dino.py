"""Grounding DINO, asked for each concept by name; needs its weights: from the hub, or as MEDGROUND_GROUNDING_DINO says.

Liu et al., ECCV 2024, arXiv:2303.05499. A baseline of the paper's Table 2: the detector was not trained on radiographs,
and cannot know that a radiograph shows the patient's left on the right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from medground_bench.anatomy import weights
from medground_bench.anatomy.detector import open_detector
from medground_bench.anatomy.regions import regions_of_boxes
from medground_bench.core.concepts import CONCEPTS, ConceptRegions
from medground_bench.core.types import Frame, Picture


@dataclass(frozen=True, kw_only=True)
class GroundingDino:
    """`detector` is a location of `anatomy.weights`; a score is the mean over a phrase's tokens, 0..1."""

    detector: str = field(default_factory=weights.GROUNDING_DINO.location)
    threshold: float = 0.1

    def localize(self, picture: Picture) -> ConceptRegions:
        """The best box of each concept, all in one pass; one without a box above the threshold is missing."""
        detector = replace(open_detector(self.detector), threshold=self.threshold)
        candidates = detector.boxes(picture, CONCEPTS)
        best = {concept: boxes[0] for concept, boxes in candidates.items() if boxes}
        return regions_of_boxes(best, Frame.study_of(picture))


LOCALIZER = GroundingDino
