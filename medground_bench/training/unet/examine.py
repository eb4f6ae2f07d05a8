"""How well the U-Net finds each concept: on phantoms it was not trained on, and on real pictures with known boxes."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypedDict

import numpy as np

from medground_bench.core.concepts import CONCEPTS, ConceptRegions
from medground_bench.core.geometry import Letterbox, box_iou, tight_box
from medground_bench.core.types import Box, Mask, Picture
from medground_bench.phantom.scene import Scene, sample_findings
from medground_bench.pictures import Study, read_picture, to_study
from medground_bench.training.unet.masked_pictures import MaskedPictures
from medground_bench.training.unet.patients import patient

Localize: TypeAlias = Callable[[Picture], ConceptRegions]
Overlaps: TypeAlias = dict[str, list[float]]
"""Concept -> box IoU in native pixels on every picture that shows it; 0 where it was not found."""

EDGES = ("medial", "lateral", "upper", "lower")


@dataclass(frozen=True, slots=True, eq=False)
class KnownPicture:
    """A made picture in the study frame, and the tight box of every concept on it, native pixels.

    name  pictures of one body share it
    """

    name: str
    picture: Picture
    letterbox: Letterbox
    boxes: Mapping[str, Box]

    @classmethod
    def of(cls, name: str, study: Study, masks: Mapping[str, Mask]) -> KnownPicture:
        """By the masks of its native frame; a concept whose mask is empty is not on it."""
        boxes = {concept: tight_box(mask, study.letterbox.native) for concept, mask in masks.items()}
        shown = {concept: box for concept, box in boxes.items() if box}
        return cls(name, study.picture, study.letterbox, shown)

    def overlaps(self, localize: Localize) -> dict[str, float]:
        """Box IoU of every concept on it; 0 where it was not found."""
        regions = localize(self.picture)
        placed = {
            concept: self.letterbox.to_native(regions.boxes[concept]) if concept in regions.boxes else None
            for concept in self.boxes
        }
        return {concept: box_overlap(placed[concept], truth) for concept, truth in self.boxes.items()}


def phantom_pictures(seeds: Iterable[int]) -> Iterator[KnownPicture]:
    """The benchmark's phantoms, half of them with findings, at their native size and letterboxed like any picture."""
    for seed in seeds:
        scene, rng = Scene.sample(seed), np.random.default_rng(seed)
        findings = sample_findings(scene, rng) if seed % 2 else ()
        masks = scene.native_concept_masks(findings)
        yield KnownPicture.of(str(seed), to_study(scene.native(findings)), masks)


def patient_pictures(seeds: Iterable[int], side_px: int) -> Iterator[KnownPicture]:
    """Phantoms of every habitus, as training renders them and before it randomises them; square pictures."""
    for seed in seeds:
        scene = patient(seed)
        study = to_study(scene.render(side_px), side_px)
        yield KnownPicture.of(str(seed), study, scene.concept_masks(side_px))


def render_pictures(seeds: Sequence[int], kept: MaskedPictures) -> Iterator[KnownPicture]:
    """What `training.radiograph.renders` made of these seeds, as many pictures of each as it keeps."""
    takes = len(kept) // len(seeds)
    for row, picture in enumerate(kept.pictures):
        masks = dict(zip(CONCEPTS, kept.masks(slice(row, row + 1))[0].astype(bool), strict=True))
        yield KnownPicture.of(str(seeds[row // takes]), to_study(picture), masks)


def on_phantoms(localize: Localize, seeds: Iterable[int]) -> Overlaps:
    """Every concept of `phantom_pictures`."""
    return _pooled(localize, phantom_pictures(seeds))


def on_patients(localize: Localize, seeds: Iterable[int], side_px: int) -> Overlaps:
    """Every concept of `patient_pictures`."""
    return _pooled(localize, patient_pictures(seeds, side_px))


def on_renders(localize: Localize, kept: MaskedPictures) -> Overlaps:
    """Every concept on rendered radiographs."""
    return _pooled(localize, render_pictures(range(len(kept)), kept))


def box_overlap(found: Box | None, truth: Box) -> float:
    """Box IoU; 0 where nothing was found."""
    return box_iou(found, truth) if found else 0.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One concept on one real picture, native pixels: as people know it, and as it was found, if it was."""

    picture: str
    concept: str
    drawn: Box
    outlined: Box | None
    found: Box | None


def radiographs(localize: Localize, folder: Path) -> list[Sighting]:
    """Every concept that is known on the real pictures of a folder.

    `annotations.json` there: picture -> boxes {concept: {xyxy}} in native pixels, masks {concept: {file}} of concepts
    that also have a box; `outlined` is the tight box of such a mask.
    """
    annotations = json.loads((folder / "annotations.json").read_text("utf-8"))
    sightings = []
    for file, known in sorted(annotations.items()):
        study = to_study(read_picture(folder / file))
        native, regions = study.letterbox.native, localize(study.picture)
        for concept, box in known["boxes"].items():
            x0, y0, x1, y1 = map(float, box["xyxy"])
            mask, found = known["masks"].get(concept), regions.boxes.get(concept)
            outlined = tight_box(read_picture(folder / mask["file"]) > 127, native) if mask else None
            placed = study.letterbox.to_native(found) if found else None
            sightings.append(Sighting(file, concept, Box(x0, y0, x1, y1, native), outlined, placed))
    return sightings


def on_radiographs(sightings: Iterable[Sighting]) -> dict[str, Overlaps]:
    """Against the boxes that were drawn, against those of the masks, and how well these two agree (`people`)."""
    against: dict[str, Overlaps] = {name: defaultdict(list) for name in ("boxes", "masks", "people")}
    for one in sightings:
        against["boxes"][one.concept].append(box_overlap(one.found, one.drawn))
        if one.outlined:
            against["masks"][one.concept].append(box_overlap(one.found, one.outlined))
            against["people"][one.concept].append(box_overlap(one.drawn, one.outlined))
    return {name: dict(overlaps) for name, overlaps in against.items()}


def beyond_the_masks(sightings: Iterable[Sighting]) -> dict[str, dict[str, float]]:
    """How far drawn and found boxes reach beyond those of the masks: edge -> mean share of the mask's own side.

    Below 0 where they end inside it. Only concepts with a laterality; medial is towards the other side of the body.
    """
    reach: dict[str, list[list[float]]] = {"drawn": [], "found": []}
    for one in sightings:
        if one.outlined and one.concept.startswith(("left", "right")):
            for name, box in (("drawn", one.drawn), ("found", one.found)):
                if box:
                    reach[name].append(_beyond(box, one.outlined, one.concept))
    return {
        name: dict(zip(EDGES, np.array(rows).mean(axis=0).round(4).tolist(), strict=True))
        for name, rows in reach.items()
        if rows
    }


def milliseconds(call: Callable[[Picture], object], picture: Picture, times: int = 20) -> float:
    """Median processor time of one call, after one to warm up: what it takes on one idle core."""
    call(picture)
    seconds = []
    for _ in range(times):
        begin = time.process_time()
        call(picture)
        seconds.append(time.process_time() - begin)
    return float(np.median(seconds)) * 1000


class OverlapSummary(TypedDict):
    """Mean IoU, its tenth percentile, share that was found at all, number of pictures."""

    mean: float
    tenth: float
    found: float
    pictures: int


def summary(overlaps: Overlaps) -> dict[str, OverlapSummary]:
    """Of every concept."""
    return {
        concept: {
            "mean": round(float(np.mean(overlaps[concept])), 4),
            "tenth": round(float(np.quantile(overlaps[concept], 0.1)), 4),
            "found": round(float(np.mean(np.array(overlaps[concept]) > 0)), 4),
            "pictures": len(overlaps[concept]),
        }
        for concept in CONCEPTS
        if concept in overlaps
    }


def _beyond(box: Box, mask: Box, concept: str) -> list[float]:
    """In the order of EDGES; the patient's left lies on the picture's right."""
    left, right = (mask.x0 - box.x0) / mask.width, (box.x1 - mask.x1) / mask.width
    sides = [left, right] if concept.startswith("left") else [right, left]
    return [*sides, (mask.y0 - box.y0) / mask.height, (box.y1 - mask.y1) / mask.height]


def _pooled(localize: Localize, pictures: Iterable[KnownPicture]) -> Overlaps:
    overlaps: Overlaps = defaultdict(list)
    for known in pictures:
        for concept, iou in known.overlaps(localize).items():
            overlaps[concept].append(iou)
    return dict(overlaps)
