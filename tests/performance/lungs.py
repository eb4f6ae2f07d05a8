"""How well localizers find lungs on real chest X-rays, against radiologists' boxes. Nothing is tuned on them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medground_bench.geometry import intersection_area
from medground_bench.localizers import open_localizer
from medground_bench.pictures import read_picture, to_study
from medground_bench.types import Box

LUNGS = ("left lung", "right lung")


@dataclass(frozen=True)
class LungScore:
    """Mean box IoU over the pictures (0..1; a lung not found scores 0) and median seconds a picture."""

    localizer: str
    left: float
    right: float
    pictures: int
    seconds: float

    @property
    def both(self) -> float:
        """Mean of the two lungs."""
        return (self.left + self.right) / 2


def score(localizer_name: str, folder: Path) -> LungScore:
    """One localizer on every picture of a folder with `annotations.json` (boxes as xyxy, native pixels)."""
    localizer = open_localizer(localizer_name)
    annotations = json.loads((folder / "annotations.json").read_text("utf-8"))
    overlaps: dict[str, list[float]] = {lung: [] for lung in LUNGS}
    seconds = []
    for file, annotation in sorted(annotations.items()):
        study = to_study(read_picture(folder / file))
        start = time.perf_counter()
        regions = localizer.localize(study.picture)
        seconds.append(time.perf_counter() - start)
        for lung in LUNGS:
            truth = Box(*map(float, annotation["boxes"][lung]["xyxy"]), study.letterbox.native)
            found = regions.boxes.get(lung)
            native = study.letterbox.to_native(found) if found else None
            overlaps[lung].append(_iou(truth, native) if native else 0.0)
    left, right = (float(np.mean(overlaps[lung])) for lung in LUNGS)
    return LungScore(localizer_name, left, right, len(annotations), float(np.median(seconds)))


def _iou(one: Box, other: Box) -> float:
    both = intersection_area([one], [other])
    return both / (one.area + other.area - both)
