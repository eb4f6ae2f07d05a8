"""Concept vocabularies: the regions MedFocus hides, made from the concepts that any localizer finds.

`imagenome` is the paper's; `lung_zones` is shipped as an example; your own is a small YAML file of names and groups
(`vocabulary_file` reads it):

    concepts:
      mediastinum:                                            # as the localizer finds it
      right upper zone: {of: right lung, rows: [0, 0.3333]}   # a share of its height, 0 at the top
      left retrocardiac: {of: left lung, rows: [0.5, 1], columns: [0, 0.4]}  # columns from the picture's left
      heart in thorax: {of: [cardiac silhouette, left lung, right lung], rows_of: cardiac silhouette}  # a ratio
      proposal: {of: [left lung, right lung], cells: [4, 6]}  # a grid: `proposal 1.1` (row, column) to `proposal 4.6`
    groups:
      upper zones: [right upper zone, left upper zone]        # hidden and reported together

`of` names one or several of the localizer's concepts, never another line of the file, so nothing can be circular. The
region is what their masks have inside the asked rows and columns of the box around all of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from medground_bench.core.concepts import CONCEPTS, GROUPS, ConceptRegions
from medground_bench.core.errors import UnknownName
from medground_bench.core.geometry import tight_box
from medground_bench.core.types import Box, Mask
from medground_bench.storage.whole_files import fingerprint

WHOLE = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Concept:
    """A region to hide, from what the localizer found.

    of             the localizer's concepts that it is made of; a concept whose only source is itself stays as found
    rows, columns  share of the box around all of them that is kept, 0 at the top and at the picture's left
    rows_of        the localizer's concept whose rows are kept instead
    """

    name: str
    of: tuple[str, ...]
    rows: tuple[float, float] = WHOLE
    columns: tuple[float, float] = WHOLE
    rows_of: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Every concept of the localizer that it needs."""
        return self.of if self.rows_of is None else (*self.of, self.rows_of)

    @property
    def as_found(self) -> bool:
        """Whether it is one of the localizer's concepts, unchanged."""
        return len(self.of) == 1 and self.rows == self.columns == WHOLE and self.rows_of is None


@dataclass(frozen=True, slots=True)
class ConceptGroup:
    """Concepts that are hidden together, besides each alone; scored and reported as the union of their boxes."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """Concepts and groups in the order in which they are tried; its repr tells any two definitions apart."""

    name: str
    concepts: tuple[Concept, ...]
    groups: tuple[ConceptGroup, ...] = ()

    def __repr__(self) -> str:
        return f"{self.name}: {len(self.concepts)} concepts, {len(self.groups)} groups, {self.digest[:12]}"

    @property
    def digest(self) -> str:
        """Hash of the definition."""
        return fingerprint(**asdict(self))

    def regions(self, found: ConceptRegions) -> ConceptRegions:
        """The vocabulary's concepts on a picture, from the localizer's.

        A concept is missing when one it needs is, or when nothing of the mask lies in its rows and columns. UnknownName
        for a name that the localizer does not look for.
        """
        looked_for = {*CONCEPTS, *found.boxes, *found.missing}
        masks: dict[str, Mask] = {}
        boxes: dict[str, Box] = {}
        for concept in self.concepts:
            for source in concept.sources:
                if source not in looked_for:
                    raise UnknownName("concept of the localizer", source, looked_for)
            if not all(source in found.boxes for source in concept.sources):
                continue
            if concept.as_found:
                boxes[concept.name] = found.boxes[concept.of[0]]
                masks[concept.name] = found.masks[concept.of[0]]
                continue
            mask = _derived(concept, found)
            box = tight_box(mask, found.frame)
            if box is not None:
                masks[concept.name], boxes[concept.name] = mask, box
        missing = tuple(concept.name for concept in self.concepts if concept.name not in boxes)
        return ConceptRegions(found.frame, masks, boxes, missing, found.reference)


PAPER = Vocabulary(
    "imagenome",
    tuple(Concept(name, (name,)) for name in CONCEPTS),
    tuple(ConceptGroup(name, members) for name, members in GROUPS.items()),
)
"""The paper's 11 concepts and 4 groups, Appendix D."""


def _derived(concept: Concept, found: ConceptRegions) -> Mask:
    mask: Mask = np.any([found.masks[name] for name in concept.of], axis=0)
    around = tight_box(mask, found.frame)
    assert around is not None, "a concept that was found has a mask"
    rows = _share(around.y0, around.y1, concept.rows)
    if concept.rows_of is not None:
        rows = (found.boxes[concept.rows_of].y0, found.boxes[concept.rows_of].y1)
    columns = _share(around.x0, around.x1, concept.columns)
    height, width = mask.shape
    inside = _between(height, rows)[:, None] & _between(width, columns)
    region: Mask = mask & inside
    return region


def _share(start: float, end: float, share: tuple[float, float]) -> tuple[float, float]:
    return start + share[0] * (end - start), start + share[1] * (end - start)


def _between(size: int, span: tuple[float, float]) -> Mask:
    """The pixels whose centre lies in a half-open span, so that spans side by side share none and lose none."""
    centres = np.arange(size) + 0.5
    inside: Mask = (centres >= span[0]) & (centres < span[1])
    return inside
