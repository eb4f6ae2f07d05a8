"""What each concept is, in words, and the two standards by which people mark it on a frontal radiograph.

Every sentence that rests on a text names it; where texts leave room, what is decided here says so. `docs/anatomy.md` is
made of this file: python -m medground_bench.cards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

from medground_bench.anatomy.regions import regions_of_masks
from medground_bench.core.concepts import GROUPS, ConceptRegions
from medground_bench.core.errors import UnknownName
from medground_bench.core.geometry import tight_box
from medground_bench.core.types import Box, Mask, Picture

Standard = Literal["drawn", "mask"]

STANDARDS: Mapping[Standard, str] = {
    "drawn": "boxes as radiologists draw them: a lung's leaves a margin around it, clavicles are whole",
    "mask": "boxes as tight as experts' masks: lungs end at heart and mediastinum, clavicles with the lung field",
}
"""How concepts are marked. Masks are the same in both, but for those of lungs and clavicles."""

SIDES = ("left", "right")
COVERS = ("cardiac silhouette", "upper mediastinum")
"""What hides lung from the eye, besides the abdomen."""


@dataclass(frozen=True, slots=True)
class Margins:
    """How far the drawn box of a lung reaches beyond the lung, as shares of its tight box's width and height.

    medial  towards the middle of the body

    >>> Margins(medial=0.1, lateral=0.2, upper=0.0, lower=0.0).lateral
    0.2
    """

    medial: float
    lateral: float
    upper: float
    lower: float


LUNG_MM = (134, 241)
"""Width and height of a lung, mean of both sides of the CT that radiographs are rendered from."""
RIB_MM, FIRST_RIB_MM, SPINE_MM = 7.0, 14.0, 5.0
"""On that CT: from the lung to the outer edge of the ribs beside it, and of the first rib above it; to the spine."""

DRAWN_MARGINS = Margins(
    medial=SPINE_MM / LUNG_MM[0],
    lateral=RIB_MM / LUNG_MM[0],
    upper=FIRST_RIB_MM / LUNG_MM[1],
    lower=RIB_MM / LUNG_MM[1],
)
"""Of both lungs; where they come from is WHENCE_MARGINS."""

WHENCE_MARGINS = (
    f"Fitted to no radiograph: a drawn box takes in the bones that bound the lung, measured on the labelled CT that "
    f"radiographs are rendered from, whose lungs are {LUNG_MM[0]} by {LUNG_MM[1]} mm, mean of both sides. Lateral: "
    f"{RIB_MM:.0f} mm from the lung to the outer edge of the ribs (right 5, left 9), and as much below, where the "
    f"angle lies behind a rib. Upper: {FIRST_RIB_MM:.0f} mm to the upper edge of the first rib (right 15, left 13). "
    f"Medial: {SPINE_MM:.0f} mm, from the lung's paraspinal edge to that of the spine (Radiopaedia)."
)

SOURCES: Mapping[str, str] = {
    "Ellis": "H. Ellis, Clinical Anatomy, 11th edition, 2006: on the examination of a chest radiograph",
    "Im 1989": "J. G. Im et al., Costal pleura: appearances at high-resolution CT, Radiology 171 (1989) 125-131",
    "ImaGenome": "J. T. Wu et al., Chest ImaGenome Dataset for Clinical Reasoning, 2021, arXiv:2108.00316, and its "
    "list of 29 regions with boxes; the names are theirs, the words ours",
    "Nakamori 1990": "N. Nakamori et al., Image feature analysis and computer-aided diagnosis in digital radiography: "
    "automated analysis of sizes of heart and lung in chest images, Medical Physics, 1990",
    "Radiology Masterclass": "Radiology Masterclass, Chest X-ray anatomy: costophrenic recesses and angles",
    "Radiopaedia": "Radiopaedia, Right paraspinal line, as revised in March 2020",
    "USUHS": "Uniformed Services University of the Health Sciences, Chest review: mediastinum, general and superior",
    "Van Ginneken 2006": "B. van Ginneken, M. Stegmann, M. Loog, Segmentation of anatomical structures in chest "
    "radiographs using supervised methods, Medical Image Analysis 10 (2006) 19-40",
    "Webb": "W. R. Webb, The pulmonary hila, in: W. R. Webb, C. B. Higgins, Thoracic Imaging",
}
"""Key of a definition -> what it stands for."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A concept in words.

    words    what it is and where it ends
    drawn    its box as radiologists draw it
    mask     its mask where the box is tight
    sources  keys of SOURCES

    >>> DEFINITIONS["left lung"] is DEFINITIONS["right lung"]
    True
    """

    words: str
    drawn: str
    mask: str
    sources: tuple[str, ...]


TIGHT = "the tight box"

_HEART = Definition(
    "The outline of the heart: on the right the right atrium, on the left the left ventricle and the appendage of the "
    "left atrium; below, its largely invisible border in the diaphragm's shadow. Above it ends where the great "
    "arteries leave it: the bulge of the pulmonary trunk, the ascending aorta and the superior vena cava are outside "
    "(decided here: a CT's label of the heart may hold their roots).",
    drawn=TIGHT,
    mask="the outline, filled",
    sources=("ImaGenome", "Ellis", "Nakamori 1990"),
)
_LUNG = Definition(
    "From the apex, above the clavicle, along the inner edge of the ribs into the lateral recess and along the "
    "diaphragm's dome; medially to the mediastinum's edge. The part behind the heart belongs to it, what the dome "
    "hides does not.",
    drawn="wider than the outline's tight box by the margins below, so that it takes in ribs and the edge of the "
    "spine; slivers of lung thinner than a rib, as in the recess, do not count",
    mask="the outline without what heart and upper mediastinum cover, as experts' masks have the lung field (Van "
    "Ginneken 2006), and without slivers; its largest piece; a finding in it makes no hole",
    sources=("ImaGenome", "Van Ginneken 2006", "Im 1989", "Radiopaedia"),
)
_MEDIASTINUM = Definition(
    "The shadow between the lungs. The experts' boxes of ImaGenome have none for it; public code for them takes the "
    "box around upper mediastinum and cardiac silhouette, and so it is here: these two and nothing else.",
    drawn=TIGHT,
    mask="the two masks together",
    sources=("ImaGenome", "Ellis"),
)
_UPPER = Definition(
    "The mediastinum above the heart, from the inlet of the thorax: brachiocephalic vessels, superior vena cava, "
    "trachea and carina, arch of the aorta, pulmonary trunk. Below it ends where the cardiac silhouette begins, so "
    "that the two leave no gap (decided here). The anatomists' superior mediastinum is shorter: it ends at a line from "
    "T4 to the joint of manubrium and sternum, usually at the top of the aortic arch.",
    drawn=TIGHT,
    mask="what lies between the lungs' mediastinal edges, with the aortic knob",
    sources=("ImaGenome", "Ellis", "USUHS"),
)
_CLAVICLE = Definition(
    "The collar bone, from its joint with the sternum to the shoulder, as far as the picture shows it.",
    drawn="the tight box of the whole bone",
    mask="the part within the lung field, as experts' masks commonly have it: inside the convex hull of the lung of "
    "its side; missing where that lung was not found, or the two do not meet",
    sources=("ImaGenome", "Van Ginneken 2006"),
)
_HILUM = Definition(
    "The root of a lung. Its shadow is mostly that of the hilar pulmonary arteries, with the upper vein and large "
    "bronchi, beside the mediastinum; the left one is as a rule the higher. It ends where the vessels branch into the "
    "lung (decided here: texts draw no line).",
    drawn=TIGHT,
    mask="the shadow, from the mediastinum's edge outwards",
    sources=("ImaGenome", "Webb"),
)
_ANGLE = Definition(
    "The lateral corner of a lung, where chest wall and dome of the diaphragm meet: the part of the costophrenic "
    "recess that a frontal picture shows. How far it reaches up and inwards is decided here: the outer third of the "
    "lung, about 5 cm upwards from its lowest point.",
    drawn=TIGHT,
    mask="that corner of the lung's mask",
    sources=("ImaGenome", "Radiology Masterclass"),
)

DEFINITIONS: Mapping[str, Definition] = {
    "cardiac silhouette": _HEART,
    "left lung": _LUNG,
    "right lung": _LUNG,
    "mediastinum": _MEDIASTINUM,
    "upper mediastinum": _UPPER,
    "left clavicle": _CLAVICLE,
    "right clavicle": _CLAVICLE,
    "left hilar structures": _HILUM,
    "right hilar structures": _HILUM,
    "left costophrenic angle": _ANGLE,
    "right costophrenic angle": _ANGLE,
}
"""The 11 concepts; both sides of one share a definition."""


def standard_called(name: str) -> Standard:
    """The standard of that name; UnknownName, which names both, for any other.

    >>> standard_called("mask")
    'mask'
    """
    for known in STANDARDS:
        if name == known:
            return known
    raise UnknownName(f"standard of boxes ({' or '.join(STANDARDS)})", name, STANDARDS)


def of_standard(
    regions: ConceptRegions, picture: Picture, standard: str, margins: Margins = DRAWN_MARGINS
) -> ConceptRegions:
    """Regions by whole masks of lungs and clavicles, told by a standard.

    regions  of the study frame, masks (side, side); the patient's right is on the picture's left
    picture  (side, side) of that frame: a wider box ends with it, short of black bars

    `drawn` widens the lungs' boxes and leaves all masks as they are. `mask` cuts lungs and clavicles and gives every
    concept the tight box of its mask; one of which nothing is left is missing. UnknownName for a standard that is none.
    """
    if standard_called(standard) == "mask":
        return _tight(regions)
    content = tight_box(picture > 0, regions.frame)
    wider = {}
    for lung in set(GROUPS["lungs"]) & regions.masks.keys():
        firm = tight_box(without_slivers(regions.masks[lung]), regions.frame) or regions.boxes[lung]
        wider[lung] = _drawn(firm, lung, margins, content)
    return replace(regions, boxes={**regions.boxes, **wider})


def convex_hull(mask: Mask) -> Mask:
    """The smallest convex region around a mask (height, width): pixels whose centre lies in the hull of its pixels.

    >>> convex_hull(np.array([[1, 0, 0], [0, 0, 0], [1, 0, 1]], bool)).astype(int).tolist()
    [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return mask.copy()
    first = mask[rows].argmax(axis=1)
    end = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    corners = [(side, row + below) for side in (first, end) for row, below in ((rows, 0), (rows, 1))]
    edges = ConvexHull(np.concatenate([np.column_stack(pair) for pair in corners])).equations
    y, x = np.indices(mask.shape) + 0.5
    inside: Mask = np.all([across * x + down * y + shift <= 1e-9 for across, down, shift in edges], axis=0)
    return inside


def largest_piece(mask: Mask) -> Mask:
    """The largest of the pieces of a mask (height, width) that touch by their sides; an empty one stays empty.

    >>> largest_piece(np.array([[1, 0, 1, 1]], bool)).astype(int).tolist()
    [[0, 0, 1, 1]]
    """
    pieces, count = ndimage.label(mask)
    return mask if count < 2 else pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])


def disk(radius: float) -> Mask:
    """All pixels whose middle is at most so many pixels from that of the one in the middle.

    >>> disk(1.0).astype(int).tolist()
    [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    """
    reach = int(radius)
    inside: Mask = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1]) <= radius
    return inside


def without_slivers(lung: Mask) -> Mask:
    """A lung's mask (height, width) without what is thinner than a rib: its opening by a disk of that width.

    In a costophrenic recess lung runs out into a sliver that no hand follows. A rib is as wide for a lung of this width
    as RIB_MM is for LUNG_MM; where nothing would be left, or a rib is less than two pixels, the mask is as it was.
    """
    columns = np.flatnonzero(lung.any(axis=0))
    radius = RIB_MM / 2 / LUNG_MM[0] * (columns[-1] + 1 - columns[0]) if len(columns) else 0.0
    if radius < 1:
        return lung
    shape = disk(radius)
    reach = len(shape) // 2
    opened: Mask = ndimage.binary_opening(np.pad(lung, reach, mode="edge"), shape)[reach:-reach, reach:-reach]
    return opened if opened.any() else lung


def _tight(regions: ConceptRegions) -> ConceptRegions:
    if not regions.masks:
        return regions
    sought = (*regions.boxes, *regions.missing)
    tight = regions_of_masks(_lung_fields(_clavicles_within_lungs(regions.masks)), sought=sought)
    return replace(tight, reference=regions.reference, expected_iou=regions.expected_iou)


def _lung_fields(masks: Mapping[str, Mask]) -> dict[str, Mask]:
    """Lungs without what heart and upper mediastinum cover."""
    cut = dict(masks)
    covers = [masks[each] for each in COVERS if each in masks]
    for lung in set(GROUPS["lungs"]) & masks.keys():
        seen = masks[lung] & ~np.logical_or.reduce([np.zeros_like(masks[lung]), *covers])
        cut[lung] = largest_piece(without_slivers(seen))
    return cut


def _drawn(box: Box, lung: str, margins: Margins, content: Box | None) -> Box:
    """The box with its margins, inside the content; never less than the box itself."""
    outer, inner = margins.lateral * box.width, margins.medial * box.width
    left, right = (outer, inner) if lung.startswith("right") else (inner, outer)
    within = content or box
    return Box(
        max(box.x0 - left, min(box.x0, within.x0)),
        max(box.y0 - margins.upper * box.height, min(box.y0, within.y0)),
        min(box.x1 + right, max(box.x1, within.x1)),
        min(box.y1 + margins.lower * box.height, max(box.y1, within.y1)),
        box.frame,
    )


def _clavicles_within_lungs(masks: Mapping[str, Mask]) -> dict[str, Mask]:
    cut = dict(masks)
    for side in SIDES:
        clavicle, lung = f"{side} clavicle", f"{side} lung"
        if clavicle in masks:
            field = convex_hull(masks[lung]) if lung in masks else np.zeros_like(masks[clavicle])
            cut[clavicle] = masks[clavicle] & field
    return cut
