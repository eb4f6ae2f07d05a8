"""Every localizer in one table: exact anatomy of unseen phantoms, and lungs on real chest X-rays.

Box IoU in native pixels; a concept that is there and was not found scores 0. The real pictures come with radiologists'
boxes of the lungs and with masks of them; nothing was ever trained or tuned on them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.errors import MedgroundError
from medground_bench.core.geometry import Letterbox, box_iou, tight_box
from medground_bench.core.types import Box, Case, Response
from medground_bench.localizers import Localizer, open_localizer
from medground_bench.localizers.oracle import Oracle
from medground_bench.phantom import seeds
from medground_bench.phantom.patient import patient
from medground_bench.pictures import Study, read_picture, to_study

NAMES = ("uot", "uot_sharp", "mean_box", "phantom_unet", "oracle")
PHANTOMS = tuple(str(seed) for seed in seeds.EXAMINATION[:16])
LUNGS = ("left lung", "right lung")
PARTS: Mapping[str, tuple[str, ...]] = {
    "lungs": LUNGS,
    "heart": ("cardiac silhouette",),
    "clavicles": ("left clavicle", "right clavicle"),
    "hila": ("left hilar structures", "right hilar structures"),
    "angles": ("left costophrenic angle", "right costophrenic angle"),
    "mediastina": ("mediastinum", "upper mediastinum"),
}
"""Column of the table -> the concepts whose mean it is."""


@dataclass(frozen=True)
class Score:
    """Mean box IoU (0..1) by concept; `seconds` of processor time is the median a picture."""

    overlaps: Mapping[str, float]
    pictures: int
    seconds: float

    def mean(self, concepts: Iterable[str] = LUNGS) -> float:
        """Of several concepts, each with the same weight."""
        return float(np.mean([self.overlaps[concept] for concept in concepts]))


def on_phantoms(name: str, ids: Sequence[str]) -> Score:
    """Against the boxes of the masks from which unseen phantoms were drawn, their findings included."""
    localizer, overlaps, seconds = open_localizer(name), [], []
    for image_id in ids:
        who = patient(image_id)
        study = to_study(who.scene.native(who.findings, marker=who.marker))
        start = time.process_time()
        regions = _regions(localizer, study, image_id)
        seconds.append(time.process_time() - start)
        masks = who.scene.native_concept_masks(who.findings)
        truth = {concept: tight_box(mask, study.letterbox.native) for concept, mask in masks.items()}
        overlaps.append(_overlaps(regions, truth, study.letterbox))
    return _score(overlaps, seconds)


@dataclass(frozen=True)
class RealScores:
    """The same regions against the radiologists' boxes, and against the tight boxes of the lung masks."""

    radiologists: Score
    masks: Score


def on_radiographs(name: str, folder: Path) -> RealScores:
    """Lungs on every picture of a folder with `annotations.json` (boxes as xyxy, native pixels; files of masks)."""
    localizer = open_localizer(name)
    annotations: dict[str, Any] = json.loads((folder / "annotations.json").read_text("utf-8"))
    by_boxes, by_masks, seconds = [], [], []
    for file, annotation in sorted(annotations.items()):
        study = to_study(read_picture(folder / file))
        start = time.process_time()
        regions = localizer.localize(study.picture)
        seconds.append(time.process_time() - start)
        native = study.letterbox.native
        boxes = {lung: Box(*map(float, annotation["boxes"][lung]["xyxy"]), native) for lung in LUNGS}
        by_boxes.append(_overlaps(regions, boxes, study.letterbox))
        if annotation["masks"].keys() >= set(LUNGS):
            masks = {lung: read_picture(folder / annotation["masks"][lung]["file"]) > 127 for lung in LUNGS}
            truth = {lung: tight_box(mask, native) for lung, mask in masks.items()}
            by_masks.append(_overlaps(regions, truth, study.letterbox))
    return RealScores(_score(by_boxes, seconds), _score(by_masks, seconds))


def table(folder: Path) -> Table:
    """A localizer a row; one that cannot be opened or run says why, and so does the caption of missing pictures."""
    real = (folder / "annotations.json").is_file()
    rows = Table(title=f"Localizers, mean box IoU on {len(PHANTOMS)} unseen phantoms and on real lungs")
    if not real:
        rows.caption = f"No annotations.json in {folder}: real pictures left out (--pictures DIR)."
    rows.add_column("localizer")
    for heading in (*PARTS, "real: radiologists", "real: masks", "ms"):
        rows.add_column(heading, justify="right")
    for name in NAMES:
        try:
            rows.add_row(name, *_row(name, folder if real else None))
        except MedgroundError as error:
            rows.add_row(name, f"not run: {error}")
    return rows


def _row(name: str, folder: Path | None) -> list[str]:
    phantoms = on_phantoms(name, PHANTOMS)
    cells = [f"{phantoms.mean(concepts):.3f}" for concepts in PARTS.values()]
    if folder is None or name == "oracle":
        return [*cells, "-", "-", f"{1000 * phantoms.seconds:.0f}"]
    real = on_radiographs(name, folder)
    lungs = [f"{each.mean():.3f} ({each.pictures})" for each in (real.radiologists, real.masks)]
    return [*cells, *lungs, f"{1000 * real.radiologists.seconds:.0f}"]


def _regions(localizer: Localizer, study: Study, image_id: str) -> ConceptRegions:
    if not isinstance(localizer, Oracle):
        return localizer.localize(study.picture)
    case = Case(
        f"phantom/{image_id}/any@none:direct",
        "any",
        "",
        Response("", (), ()),
        study.picture,
        study.letterbox.native,
    )
    return localizer.localize_case(case)


def _overlaps(
    regions: ConceptRegions, truth: Mapping[str, Box | None], letterbox: Letterbox
) -> dict[str, float]:
    """IoU of every concept that is there."""
    overlaps = {}
    for concept, box in truth.items():
        found = regions.boxes.get(concept)
        native = letterbox.to_native(found) if found else None
        if box is not None:
            overlaps[concept] = box_iou(box, native) if native else 0.0
    return overlaps


def _score(overlaps: Sequence[Mapping[str, float]], seconds: Sequence[float]) -> Score:
    concepts = dict.fromkeys(chain.from_iterable(overlaps))
    means = {
        concept: float(np.mean([each[concept] for each in overlaps if concept in each]))
        for concept in concepts
    }
    return Score(means, len(overlaps), float(np.median(seconds)))
