"""The concept vocabulary of MedFocus: 11 ImaGenome regions and 4 composite groups. Source: paper, Appendix D."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medground_bench.core.types import Box, Frame, Mask

CONCEPTS = (
    "cardiac silhouette",
    "left lung",
    "right lung",
    "mediastinum",
    "upper mediastinum",
    "left clavicle",
    "right clavicle",
    "left hilar structures",
    "right hilar structures",
    "left costophrenic angle",
    "right costophrenic angle",
)

GROUPS: Mapping[str, tuple[str, ...]] = {
    "lungs": ("left lung", "right lung"),
    "clavicles": ("left clavicle", "right clavicle"),
    "hilar structures": ("left hilar structures", "right hilar structures"),
    "costophrenic angles": ("left costophrenic angle", "right costophrenic angle"),
}
"""Composite groups, scored and reported as the union of their members' boxes."""


@dataclass(frozen=True, slots=True, eq=False)
class ConceptRegions:
    """Concepts found on one picture: masks (height, width) of `frame`, and a box around each.

    boxes      as tight as the masks, or wider where a localizer finds boxes or gives them as they are drawn
    missing    concepts that were looked for and not found
    reference  name of the atlas picture they were carried over from, None where there is none
    expected_iou  the box IoU to expect of every concept's tight box, where the localizer can tell

    >>> regions = ConceptRegions(Frame("study", width=224, height=224), masks={}, boxes={}, missing=CONCEPTS[5:6])
    >>> regions.missing
    ('left clavicle',)
    """

    frame: Frame
    masks: Mapping[str, Mask]
    boxes: Mapping[str, Box]
    missing: tuple[str, ...] = ()
    reference: str | None = None
    expected_iou: Mapping[str, float] = field(default_factory=dict)
