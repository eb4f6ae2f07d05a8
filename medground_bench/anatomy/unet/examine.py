"""How well the U-Net finds each concept: on phantoms it was not trained on, and on real pictures with known boxes."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import numpy as np

from medground_bench.anatomy.concepts import CONCEPTS, ConceptRegions
from medground_bench.anatomy.unet.patients import patient
from medground_bench.geometry import Letterbox, box_iou, tight_box
from medground_bench.phantom.scene import Scene, sample_findings
from medground_bench.pictures import read_picture, to_study
from medground_bench.types import Box, Frame, Picture

Localize: TypeAlias = Callable[[Picture], ConceptRegions]
Overlaps: TypeAlias = dict[str, list[float]]
"""Concept -> box IoU in native pixels on every picture that shows it; 0 where it was not found."""


def on_phantoms(localize: Localize, seeds: Iterable[int]) -> Overlaps:
    """The benchmark's phantoms, half of them with findings, at their native size and letterboxed like any picture."""
    overlaps: Overlaps = defaultdict(list)
    for seed in seeds:
        scene, rng = Scene.sample(seed), np.random.default_rng(seed)
        findings = sample_findings(scene, rng) if seed % 2 else ()
        study = to_study(scene.native(findings))
        regions = localize(study.picture)
        for concept, mask in scene.native_concept_masks(findings).items():
            if truth := tight_box(mask, study.letterbox.native):
                overlaps[concept].append(_overlap(regions, concept, truth, study.letterbox))
    return dict(overlaps)


def on_patients(localize: Localize, seeds: Iterable[int], side_px: int) -> Overlaps:
    """Phantoms of every habitus, as training renders them and before it randomises them; square pictures."""
    overlaps: Overlaps = defaultdict(list)
    square = Letterbox.fit(Frame("native", side_px, side_px), side_px)
    for seed in seeds:
        scene = patient(seed)
        regions = localize(scene.render(side_px))
        for concept, mask in scene.concept_masks(side_px).items():
            if truth := tight_box(mask, square.native):
                overlaps[concept].append(_overlap(regions, concept, truth, square))
    return dict(overlaps)


def on_radiographs(localize: Localize, folder: Path) -> dict[str, Overlaps]:
    """Real pictures of a folder: against its boxes, and against the tight boxes of its masks where it has them.

    Also how well these two agree with each other, under the name `people`.
    `annotations.json` there: picture -> boxes {concept: {xyxy}} in native pixels, masks {concept: {file}} of concepts
    that also have a box.
    """
    annotations = json.loads((folder / "annotations.json").read_text("utf-8"))
    against: dict[str, Overlaps] = {name: defaultdict(list) for name in ("boxes", "masks", "people")}
    for file, known in sorted(annotations.items()):
        study = to_study(read_picture(folder / file))
        native, regions = study.letterbox.native, localize(study.picture)
        drawn = {concept: _box(box["xyxy"], native) for concept, box in known["boxes"].items()}
        for concept, box in drawn.items():
            against["boxes"][concept].append(_overlap(regions, concept, box, study.letterbox))
        for concept, mask in known["masks"].items():
            if truth := tight_box(read_picture(folder / mask["file"]) > 127, native):
                against["masks"][concept].append(_overlap(regions, concept, truth, study.letterbox))
                against["people"][concept].append(box_iou(drawn[concept], truth))
    return {name: dict(overlaps) for name, overlaps in against.items()}


def milliseconds(localize: Localize, picture: Picture, times: int = 20) -> float:
    """Median processor time of one call, after one to warm up: what it takes on one idle core."""
    localize(picture)
    taken = []
    for _ in range(times):
        begin = time.process_time()
        localize(picture)
        taken.append(time.process_time() - begin)
    return float(np.median(taken)) * 1000


def summary(overlaps: Overlaps) -> dict[str, dict[str, float]]:
    """Concept -> mean IoU, its tenth percentile, share that was found at all, number of pictures."""
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


def _box(xyxy: list[float], native: Frame) -> Box:
    x0, y0, x1, y1 = map(float, xyxy)
    return Box(x0, y0, x1, y1, native)


def _overlap(regions: ConceptRegions, concept: str, truth: Box, letterbox: Letterbox) -> float:
    found = regions.boxes.get(concept)
    native = letterbox.to_native(found) if found else None
    return box_iou(native, truth) if native else 0.0
